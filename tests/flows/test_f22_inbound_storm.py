"""Received faxes in a storm: exactly one mail each, in order, and what can't be read is told and blocks nobody.

``scripts/bench inbound`` runs the same with 1,000 faxes on 20 accounts.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.inbound_storm import POSTMASTER, REPLIES, storm


@pytest.mark.timeout(240)
def test_each_fax_is_one_mail_whatever_dies(tmp_path: Path) -> None:
    counted = storm(tmp_path, seed=7, faxes=60, accounts=4, kills=6, poison=3)
    assert (counted.lost, counted.doubled) == ([], [])
    assert (counted.wrong_box, counted.wrong_pages, counted.out_of_order) == ([], [], [])
    assert sorted(counted.mails) == sorted(counted.faxes), "and none of those that can't be read"
    assert set(counted.relay) == set(REPLIES), "the relay was as unreliable as it should be"
    assert counted.reported[POSTMASTER] >= len(counted.poison)
