"""The transition tables hold the design's promises."""

from __future__ import annotations

import itertools

import pytest

from mailfax.rules.states import (
    INBOUND,
    JOB,
    LETTER,
    InboundEvent,
    InboundState,
    JobEvent,
    JobState,
    LetterEvent,
    LetterState,
    NotAllowed,
)

MACHINES = [(JOB, JobState, JobEvent), (INBOUND, InboundState, InboundEvent), (LETTER, LetterState, LetterEvent)]


@pytest.mark.parametrize(("machine", "states", "events"), MACHINES, ids=lambda part: getattr(part, "name", ""))
def test_what_is_not_in_the_table_raises_and_nothing_leaves_a_final_state(machine, states, events) -> None:
    for state, event in itertools.product(states, events):
        if machine.may(state, event):
            # What was received may be wanted once more: a person asks for it, and nothing else does.
            assert state not in machine.final or event is InboundEvent.RESEND
            assert machine.after(state, event) in states
        else:
            with pytest.raises(NotAllowed):
                machine.after(state, event)


@pytest.mark.parametrize(("machine", "states", "events"), MACHINES, ids=lambda part: getattr(part, "name", ""))
def test_every_state_can_be_reached_and_can_end(machine, states, events) -> None:
    reached = {machine.start}
    while more := {to for (state, _), to in machine.arrows.items() if state in reached} - reached:
        reached |= more
    assert reached == set(states)
    ending = set(machine.final)
    while more := {state for (state, _), to in machine.arrows.items() if to in ending} - ending:
        ending |= more
    assert ending == set(states)


def test_a_second_post_is_reached_only_by_not_sent_or_proven_absent() -> None:
    """Promise 3: from a state in which bytes may have left us, only certainty leads back to READY."""
    risky = {JobState.SUBMITTING, JobState.IN_DOUBT, JobState.SUBMITTED}
    back = {
        event
        for (state, event), to in JOB.arrows.items()
        if state in risky and to in {JobState.ACCEPTED, JobState.READY, JobState.DEFERRED, JobState.HELD}
    }
    assert back == {JobEvent.NOT_SENT, JobEvent.PROVEN_ABSENT}


def test_an_expired_lease_is_doubt_never_a_second_attempt() -> None:
    assert JOB.after(JobState.SUBMITTING, JobEvent.LEASE_EXPIRED) is JobState.IN_DOUBT


def test_a_late_id_is_taken_in_every_state_that_is_not_final() -> None:
    for state in JobState:
        assert JOB.may(state, JobEvent.LATE_ID) == (state not in JOB.final)
