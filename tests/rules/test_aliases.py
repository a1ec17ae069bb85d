"""A name stands for its numbers, all of them, or the service does not start."""

from __future__ import annotations

import pytest

from mailfax.config import ConfigError
from mailfax.rules.aliases import resolve_aliases


def test_lists_may_be_nested_and_every_number_is_there_once_in_the_order_written() -> None:
    resolved = resolve_aliases(
        [
            ("All", ["Sales", "+15551110003", "LAB"]),
            ("sales", ["15551110001", "555-111-0002"]),
            ("lab", ["+15551110001"]),
        ],
        default_country="US",
    )
    assert {name: [number.dialled for number in numbers] for name, numbers in resolved.items()} == {
        "all": ["15551110001", "15551110002", "15551110003"],
        "sales": ["15551110001", "15551110002"],
        "lab": ["15551110001"],
    }
    assert {number.written for number in resolved["all"]} == {"all"}


@pytest.mark.parametrize(
    ("aliases", "says"),
    [
        ([("a", ["b"]), ("b", ["c"]), ("c", ["A"])], "[aliases] a: contains itself (a -> b -> c -> a)"),
        ([("a", ["a"])], "contains itself (a -> a)"),
        ([("a", ["nobody"])], '[aliases] a: "nobody" is neither a fax number'),
        ([("a", ["911"])], '[aliases] a: "911" is neither a fax number'),
        ([("a", ["12"])], "(it is too short)"),
        ([("a", [])], "[aliases] a: has no members"),
        ([("a", ["+15551234567"]), ("A", ["+15551234567"])], "[aliases] A: named twice"),
        ([("Postmaster", ["+15551234567"])], "means something else already"),
        ([("scan", ["+15551234567"])], "means something else already"),
        ([("FAX=1", ["+15551234567"])], "no = and no /"),
        ([("a/b", ["+15551234567"])], "no = and no /"),
        ([("15551234567", ["+15551234567"])], "could be read as a number"),
        ([("+1-555", ["+15551234567"])], "could be read as a number"),
        ([("", ["+15551234567"])], "could be read as a number"),
        ([("a" * 70, ["+15551234567"])], "more than 64"),
        ([("a\u202eb", ["+15551234567"])], "no address may have"),
    ],
)
def test_what_can_not_be_resolved_does_not_start(aliases: list[tuple[str, list[str]]], says: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        resolve_aliases(aliases, default_country="US", reserved=("Scan",))
    assert says in str(wrong.value)
