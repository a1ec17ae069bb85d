"""A share of ``scripts/simulate``: every promise is kept under faults, deaths and frozen processes, and planted bugs
are found. ``docs/reference/simulation.md`` tells how many were run."""

from __future__ import annotations

import pytest

from tests.simulation.judge import Verdict
from tests.simulation.plants import PLANTS
from tests.simulation.world import simulate


def told(verdict: Verdict) -> str:
    return "\n".join([f"seed {verdict.seed}", *verdict.faults, *verdict.life])


def test_every_promise_is_kept() -> None:
    deaths = 0
    for seed in (7, 8):
        verdict = simulate(seed, 30)
        assert verdict.good and verdict.faxes == 30 and verdict.inbound == 3, told(verdict)
        deaths += verdict.deaths
    assert deaths, "what never happens in a seed is not shown by it"


@pytest.mark.parametrize("seed", range(11001, 11021))
def test_every_promise_is_kept_to_a_thousand_faxes(seed: int) -> None:
    verdict = simulate(seed, 1000)
    assert verdict.good and verdict.unconfirmed <= 1, told(verdict)


def test_every_promise_is_kept_over_a_restore_that_nobody_declared_and_leaps_of_the_clock() -> None:
    verdict = simulate(6, 16)
    assert verdict.good and verdict.faxes, told(verdict)


def test_the_same_seed_is_the_same_run() -> None:
    first, second, other = simulate(5, 12), simulate(5, 12), simulate(6, 12)
    assert first == second
    assert first.trace != other.trace


@pytest.mark.parametrize(
    ("plant", "seed", "faxes"),
    [("failed-is-success", 1, 12), ("cancelled-is-silent", 1, 12), ("restored-is-trusted", 11, 20)],
)
def test_a_planted_bug_is_found(plant: str, seed: int, faxes: int) -> None:
    assert plant in PLANTS
    assert not simulate(seed, faxes, plant).good
