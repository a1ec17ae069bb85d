"""The table of quirks takes what it lists and refuses the rest with a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from mailfax.sandbox.quirks import Quirks, changed, described


@pytest.mark.parametrize(
    "given", [{"bom": True}, {"download": "raw"}, {"cap": 100}, {"rate_limit": 8, "rate_status": "503"}, {}]
)
def test_listed_values_are_taken(given: dict[str, Any]) -> None:
    taken = changed(Quirks(), given)
    assert {name: getattr(taken, name) for name in given} == given


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"bomb": True}, "no quirk 'bomb'"),
        ({"bom": 1}, "bom must be true or false"),
        ({"bom": "yes"}, "bom must be true or false"),
        ({"cap": True}, "cap must be no boolean"),
        ({"cap": -1}, "cap must be a whole number"),
        ({"cap": "9"}, "cap must be a whole number"),
        ({"download": "gzip"}, "download must be one of"),
    ],
)
def test_other_values_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        changed(Quirks(), given)


def test_every_quirk_says_what_it_does_and_which_gap_it_is_of() -> None:
    for name, quirk in described(Quirks()).items():
        assert quirk["sentence"] and quirk["gap"] and quirk["value"] == quirk["default"], name
