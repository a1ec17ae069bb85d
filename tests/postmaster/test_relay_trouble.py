"""A refusal is a letter's own trouble only where the relay takes others: until then nothing is final on its word."""

from __future__ import annotations

import email
from collections.abc import Sequence
from email.policy import SMTP

import pytest

from mailfax.context import Context
from mailfax.postmaster.deliver import Deliver
from mailfax.postmaster.relay_trouble import WORTH_TELLING, RelayTrouble
from mailfax.rules import schedule
from mailfax.rules.failure import NotSent, Refused
from mailfax.rules.states import LetterEvent, LetterState
from mailfax.spool import Spool
from tests.postmaster.conftest import LIMITS, Clock

pytestmark = pytest.mark.anyio

POSTMASTER = "postmaster@example.com"


class Server:
    """A relay that refuses the addresses in ``refused``, or everybody; ``down`` lets nobody in."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.refuses_all = self.down = False
        self.taken: list[tuple[str, bytes]] = []
        self.asked = 0

    async def hand_over(self, sender: str, recipients: Sequence[str], content: bytes) -> None:
        self.asked += 1
        if self.down:
            raise NotSent("not reached", diagnostic="connection refused", everybody=True)
        if self.refuses_all or self.refused & set(recipients):
            raise Refused("refused", diagnostic="smtp; 550 5.7.1 no")
        self.taken += [(recipient, content) for recipient in recipients]

    async def probe(self) -> None:
        """Always there."""

    def subjects(self, to: str) -> list[str]:
        return [email.message_from_bytes(mail, policy=SMTP)["Subject"] for who, mail in self.taken if who == to]


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def work(context: Context, server: Server) -> Deliver:
    return Deliver(context, server)


async def run(work: Deliver, clock: Clock, seconds: float, step: float = 5.0) -> None:
    """Let that much time pass, with a round whenever there is something to do."""
    end = clock.now + seconds
    while clock.now < end:
        while await work.round():
            pass
        clock.now += step
    while await work.round():
        pass


async def states(spool: Spool) -> dict[str, LetterState]:
    return {letter.recipients[0]: letter.state for letter in await spool.outbox.listing()}


async def test_a_relay_that_refuses_everybody_loses_nothing_and_the_postmaster_hears_when_it_is_over(
    spool, clock, a_letter, work, server
) -> None:
    server.refuses_all = True
    people = [f"user{number}@example.com" for number in range(6)]
    await spool.outbox.owe([a_letter(recipients=(person,)) for person in people])
    await run(work, clock, 25.0)
    assert set((await states(spool)).values()) == {LetterState.WAITING}
    assert server.asked < 6, "after the second refusal the relay is tried with one letter at a time"
    server.refuses_all = False
    await run(work, clock, 60.0)
    assert sorted(person for person, _ in server.taken if person != POSTMASTER) == people
    assert server.subjects(POSTMASTER) == ["Fax all-clear: the mail server is accepting messages again"]
    told = next(mail for who, mail in server.taken if who == POSTMASTER)
    assert b"Messages that waited: 5" in told and b"550 5.7.1 no" in told


async def test_not_in_five_days_either(spool, clock, a_letter, work, server) -> None:
    server.refuses_all = True
    await spool.outbox.owe([a_letter(recipients=(f"user{number}@example.com",)) for number in range(3)])
    await run(work, clock, 2 * LIMITS.letter_seconds, step=120.0)
    found = await states(spool)
    assert set(found.values()) == {LetterState.WAITING}
    server.refuses_all = False
    await run(work, clock, schedule.RELAY_LONGEST + 1)
    assert len({who for who, _ in server.taken} - {POSTMASTER}) == 3


async def test_who_alone_is_refused_ends_after_several_attempts_and_an_hour(
    spool, clock, a_letter, work, server
) -> None:
    server.refused = {"gone@example.com"}
    await spool.outbox.owe([a_letter(kind="received", recipients=("gone@example.com",))])
    for minute in range(55):
        await spool.outbox.owe([a_letter(recipients=(f"user{minute % 3}@example.com",))])
        await run(work, clock, 60.0)
    assert (await states(spool))["gone@example.com"] is LetterState.WAITING, "an hour has not passed"
    for minute in range(40):
        await spool.outbox.owe([a_letter(recipients=(f"user{minute % 3}@example.com",))])
        await run(work, clock, 60.0)
    assert (await states(spool))["gone@example.com"] is LetterState.UNDELIVERABLE
    assert server.subjects(POSTMASTER) == ["Undeliverable: received fax for gone@example.com"]


async def test_what_was_taken_before_the_relay_broke_counts_against_nobody(
    spool, clock, a_letter, work, server
) -> None:
    server.refused = {"gone@example.com"}
    await spool.outbox.owe([a_letter(recipients=("gone@example.com",)), a_letter(recipients=("user@example.com",))])
    await run(work, clock, 5.0)
    server.refuses_all = True
    await run(work, clock, 4 * 3600.0, step=60.0)
    assert (await states(spool))["gone@example.com"] is LetterState.WAITING


async def test_one_dead_address_where_nobody_else_writes_is_told_and_waits(
    spool, clock, a_letter, work, server
) -> None:
    server.refused = {"gone@example.com"}
    await spool.outbox.owe([a_letter(kind="received", recipients=("gone@example.com",))])
    await run(work, clock, 3 * 3600.0, step=60.0)
    assert server.subjects(POSTMASTER) == ["Refused: received fax for gone@example.com"]
    assert (await states(spool))["gone@example.com"] is LetterState.WAITING


async def test_our_own_postmaster_refused_is_the_relays_trouble_at_once(spool, clock, a_letter, work, server) -> None:
    server.refused = {POSTMASTER}
    await spool.outbox.owe([a_letter(recipients=(POSTMASTER,))])
    assert await work.round()
    await spool.outbox.owe([a_letter()])
    assert not await work.round(), "it is paused"
    clock.now += schedule.RELAY_FIRST
    await run(work, clock, 30.0)
    assert (await states(spool))["alice@example.com"] is LetterState.HANDED_OVER


async def test_a_short_restart_of_the_relay_is_not_worth_a_letter_and_a_long_one_is(
    spool, clock, a_letter, work, server
) -> None:
    for outage, told in ((60.0, 0), (WORTH_TELLING + 300.0, 1)):
        server.down = True
        await spool.outbox.owe([a_letter()])
        await run(work, clock, outage)
        server.down = False
        await run(work, clock, 2 * schedule.RELAY_LONGEST)
        assert len(server.subjects(POSTMASTER)) == told
    assert await states(spool) == {"alice@example.com": LetterState.HANDED_OVER, POSTMASTER: LetterState.HANDED_OVER}


async def test_when_the_relay_is_back_all_that_waited_goes_at_once(spool, clock, a_letter, work, server) -> None:
    server.down = True
    people = [f"user{number}@example.com" for number in range(5)]
    await spool.outbox.owe([a_letter(recipients=(person,)) for person in people])
    await run(work, clock, 3600.0, step=10.0)
    server.down = False
    asked = server.asked
    await run(work, clock, schedule.RELAY_LONGEST)
    assert sorted(person for person, _ in server.taken if person != POSTMASTER) == people
    assert server.asked - asked == 6


async def test_an_undeliverable_letter_is_kept_and_can_be_sent_again(spool, clock, a_letter, work, server) -> None:
    await spool.outbox.owe([a_letter()])
    letter = await spool.outbox.claim(60.0)
    lost = await spool.outbox.advance(letter, letter.after(LetterEvent.REFUSED, problem="550"), LetterEvent.REFUSED)
    again = lost.after(LetterEvent.RESEND, next_attempt_at=clock.now)
    await spool.outbox.advance(lost, again, LetterEvent.RESEND)
    assert await work.round()
    assert [who for who, _ in server.taken] == ["alice@example.com"]


def test_only_one_letter_at_a_time_tries_a_relay_in_trouble() -> None:
    trouble = RelayTrouble(POSTMASTER, lambda: 100.0, lambda: 0.0)
    trouble.unreachable("no route", 0.0)
    with trouble.turn() as may:
        assert not may
    trouble._try_at = 100.0
    with trouble.turn() as first, trouble.turn() as second:
        assert (first, second) == (True, False)
