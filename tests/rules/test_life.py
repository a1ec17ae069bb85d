"""Every event of every table has a sentence."""

from __future__ import annotations

from mailfax.rules.life import _OF_FAXES, _OF_LETTERS
from mailfax.rules.states import InboundEvent, JobEvent, LetterEvent


def test_no_event_is_told_as_it_stands() -> None:
    assert {*JobEvent, *InboundEvent} - _OF_FAXES.keys() == set()
    assert set(LetterEvent) - _OF_LETTERS.keys() == set()
