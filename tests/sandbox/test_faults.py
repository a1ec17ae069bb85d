"""Fault rules strike when they should, and the same way in every run."""

from __future__ import annotations

from typing import Any

import pytest

from mailfax.sandbox.faults import Action, Rule, draw, from_json, rule_from, to_json


def strikes(rule: Rule, calls: int, operation: str = "SendFax") -> list[bool]:
    rules, found = (rule,), []
    for _ in range(calls):
        action, rules = draw(rules, operation)
        found.append(action is not None)
    return found


def test_a_rule_with_a_count_strikes_so_often_and_is_gone() -> None:
    assert strikes(Rule(1, "SendFax", Action.ERROR_BEFORE, count=2), 4) == [True, True, False, False]


def test_a_rule_without_a_count_strikes_for_ever() -> None:
    assert all(strikes(Rule(1, "*", Action.ERROR_BEFORE, count=None), 50))


def test_chance_is_repeatable_by_its_seed() -> None:
    runs = [strikes(Rule(1, "*", Action.ERROR_BEFORE, None, 0.3, seed), 200) for seed in (7, 7, 8)]
    assert runs[0] == runs[1] != runs[2]
    assert 30 < sum(runs[0]) < 90


def test_chance_goes_on_where_it_was_after_being_stored() -> None:
    rule = Rule(1, "*", Action.ERROR_BEFORE, None, 0.5, 3)
    whole = strikes(rule, 20)
    _, (later,) = draw((rule,), "SendFax")
    assert strikes(from_json(to_json(later)), 19) == whole[1:]


@pytest.mark.parametrize(
    ("rule", "operation", "struck"),
    [
        (Rule(1, "SendFax", Action.DROP_AFTER), "GetFaxList", False),
        (Rule(1, "*", Action.DROP_AFTER), "GetFaxList", True),
        (Rule(1, "*", Action.TWICE), "GetFaxList", False),
        (Rule(1, "*", Action.TWICE), "SendFax", True),
    ],
)
def test_a_rule_strikes_only_its_operation(rule: Rule, operation: str, struck: bool) -> None:
    assert strikes(rule, 1, operation) == [struck]


def test_the_first_rule_that_strikes_decides_and_one_that_misses_lets_the_next_try() -> None:
    never = Rule(1, "*", Action.UNAUTHORIZED, None, 0.0)
    action, rules = draw((never, Rule(2, "*", Action.ERROR_AFTER), Rule(3, "*", Action.TWICE)), "SendFax")
    assert action is Action.ERROR_AFTER
    assert [rule.id for rule in rules] == [1, 3]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"action": "explode"}, "action must be one of"),
        ({}, "action must be one of"),
        ({"action": "twice", "operation": "DeleteFax"}, "SendFax alone"),
        ({"action": "drop_after", "operation": "Fax"}, "operation must be one of"),
        ({"action": "drop_after", "count": 0}, "count must be"),
        ({"action": "drop_after", "count": True}, "count must be"),
        ({"action": "drop_after", "probability": 2}, "probability must be"),
        ({"action": "drop_after", "seed": "x"}, "seed must be"),
        ({"action": "drop_after", "when": 1}, "no 'when'"),
    ],
)
def test_an_unusable_rule_is_refused_with_a_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        rule_from(given, 1)
