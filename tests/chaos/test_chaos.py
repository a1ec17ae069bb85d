"""A share of ``scripts/chaos``: real processes are killed, and every promise is kept.
``docs/reference/durability.md`` tells how much was run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.storm import storm


@pytest.mark.timeout(240)
def test_killed_and_stopped_at_random(tmp_path: Path) -> None:
    verdict = storm(tmp_path, 1, faxes=12, kills=4)
    assert verdict.good and not verdict.unconfirmed, "\n".join([*verdict.faults, *verdict.life])
    assert (verdict.faxes, verdict.inbound, verdict.deaths) == (12, 1, 4)
