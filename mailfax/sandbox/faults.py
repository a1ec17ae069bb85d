"""Faults that the sandbox commits on request: what they are, and rules for when. Pure.

A magic number (``life``) or a rule set through the control space names an action; ``api`` carries it out. What
matters to a client is whether the fax was accepted and whether it could know: hence *before* and *after*.
A rule's chance is drawn from its seed and the number of its draws, so that a run can be repeated exactly and
survives a restart.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any


class Action(StrEnum):
    """One way in which a call goes wrong."""

    DROP_BEFORE = "drop_before"
    """The connection is dropped while the request is still coming in; nothing is done."""
    DROP_AFTER = "drop_after"
    """It is done, then the connection is dropped before a byte of reply."""
    CUT_AFTER = "cut_after"
    """It is done, then the connection is dropped in the middle of the reply."""
    ERROR_BEFORE = "error_before"
    """500 with an HTML page; nothing is done."""
    ERROR_AFTER = "error_after"
    """It is done, and the reply is 500 with an HTML page."""
    LATE_AFTER = "late_after"
    """It is done at once, and the reply comes after ``reply_delay_seconds``."""
    GARBLED_AFTER = "garbled_after"
    """It is done, and the reply is 200 with XML that nobody can read."""
    HIDDEN_AFTER = "hidden_after"
    """SendFax: accepted, reply lost, and not to be seen for ``listed_after_minutes``."""
    TWICE = "twice"
    """SendFax: accepted twice, under two ids; the reply names the first."""
    UNAUTHORIZED = "unauthorized"
    """401, whatever the password; nothing is done."""
    UNAVAILABLE = "unavailable"
    """503 with Retry-After; nothing is done."""
    THROTTLED = "throttled"
    """429 with Retry-After; nothing is done."""


OPERATIONS = ("SendFax", "FaxStatus", "GetFaxList", "GetFaxDetails", "DownloadFax", "DeleteFax")
SENDFAX_ONLY = frozenset({Action.HIDDEN_AFTER, Action.TWICE})


@dataclass(frozen=True, slots=True)
class Rule:
    """``operation`` is one of the six or ``*``; ``count`` None means for ever; ``probability`` is 0 to 1."""

    id: int
    operation: str
    action: Action
    count: int | None = 1
    probability: float = 1.0
    seed: int = 0
    draws: int = 0

    def covers(self, operation: str) -> bool:
        return self.operation in (operation, "*") and (operation == "SendFax" or self.action not in SENDFAX_ONLY)


def draw(rules: tuple[Rule, ...], operation: str) -> tuple[Action | None, tuple[Rule, ...]]:
    """The action of the first rule that strikes, and the rules as they are afterwards.

    A rule whose count is used up is gone; rules behind the one that struck are not asked.
    """
    for place, rule in enumerate(rules):
        if not rule.covers(operation):
            continue
        strikes = random.Random(f"{rule.seed}/{rule.draws}").random() < rule.probability  # noqa: S311  not a secret
        drawn = replace(rule, draws=rule.draws + 1)
        if strikes and drawn.count is not None:
            drawn = replace(drawn, count=drawn.count - 1)
        kept = () if drawn.count == 0 else (drawn,)
        rules = (*rules[:place], *kept, *rules[place + 1 :])
        if strikes:
            return rule.action, rules
        return _draw_from(rules, place + len(kept), operation)
    return None, rules


def _draw_from(rules: tuple[Rule, ...], place: int, operation: str) -> tuple[Action | None, tuple[Rule, ...]]:
    """The same for the rules from ``place`` on."""
    action, rest = draw(rules[place:], operation)
    return action, (*rules[:place], *rest)


def rule_from(given: Mapping[str, Any], id: int) -> Rule:
    """A rule as the control space takes it. Raises ValueError with a sentence that says what to do."""
    unknown = set(given) - {"operation", "action", "count", "probability", "seed"}
    if unknown:
        raise ValueError(f"A rule has no '{min(unknown)}': give operation, action, count, probability, seed.")
    operations = {name.lower(): name for name in (*OPERATIONS, "*")}
    operation = operations.get(str(given.get("operation", "*")).lower())
    if operation is None:
        raise ValueError(f"operation must be one of {', '.join(OPERATIONS)} or *.")
    try:
        action = Action(given.get("action", ""))
    except ValueError:
        raise ValueError(f"action must be one of {', '.join(Action)}.") from None
    if action in SENDFAX_ONLY and operation not in ("SendFax", "*"):
        raise ValueError(f"{action} is for SendFax alone.")
    count, probability, seed = given.get("count", 1), given.get("probability", 1.0), given.get("seed", 0)
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
        raise ValueError("count must be a whole number from 1, or null for ever.")
    if not isinstance(probability, int | float) or not 0 <= probability <= 1:
        raise ValueError("probability must be a number from 0 to 1.")
    if not isinstance(seed, int):
        raise ValueError("seed must be a whole number.")
    return Rule(id, operation, action, count, float(probability), seed)


def to_json(rule: Rule) -> dict[str, Any]:
    return asdict(rule)


def from_json(stored: Mapping[str, Any]) -> Rule:
    return Rule(**{**stored, "action": Action(stored["action"])})
