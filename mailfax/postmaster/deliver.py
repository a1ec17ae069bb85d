"""Letters from the outbox to the relay, and to folders, webhooks and printers: one a round, claimed, handed over, and
what became of it committed. Those that are no mail wait in a line of their own, so that neither keeps the other
waiting.

A mail may be repeated where a fax may not (its copy has the same Message-ID): silence of the relay, and our own death
between its 250 and our commit, lead to another attempt. A letter ends by being taken, by being refused again and
again while the relay takes others, or by age; the postmaster then hears of it, without its content, unless it was
meant for him. It is kept, and a person can have it sent again. What the relay says while it is in trouble itself
(``relay_trouble``) ends nothing.

In: the outbox. Out: mail at the relay, letter states, alarms.
STANDARDS: RFC 5321 4.5.4.1 (give up after four to five days), RFC 4160 4.6, RFC 4161 2.5 (a notice that fails).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Protocol

from mailfax import letters, maillog
from mailfax.context import Context, Worker
from mailfax.postmaster.relay_trouble import RelayTrouble
from mailfax.rules import schedule
from mailfax.rules.failure import Failure, Impossible, InDoubt, NotSent, Refused
from mailfax.rules.job import Letter
from mailfax.rules.states import LetterEvent
from mailfax.spool import Outdated

log = logging.getLogger(__name__)
#: Renewed while the relay reads, in seconds: short, so that the letter of a process that died is soon taken up.
LEASE = 50.0
#: How many look for a letter at once: of those that wake for one letter all but one come in vain, each with a commit.
CLAIMING = 4


class HandsOver(Protocol):
    """The relay, or what takes received faxes to other places."""

    async def hand_over(self, sender: str, recipients: Sequence[str], content: bytes) -> None: ...


class Deliver(Worker):
    """Hands letters over, one a round: mail to ``relay``, or, where ``elsewhere`` is said, all else to what is given
    instead. Several may work beside each other."""

    news = ("letter_add", "letter_recover", "letters_due", "letter-resend", "outbox-released")

    def __init__(self, context: Context, relay: HandsOver, *, elsewhere: bool = False) -> None:
        self._spool, self._site, self._marks = context.spool, context.site, context.marks
        self._limits, self._jitter, self._relay = context.limits, context.jitter, relay
        self._steady = context.steady
        self._elsewhere = elsewhere
        self._claiming = asyncio.Semaphore(CLAIMING)
        self._trouble = RelayTrouble(context.site.postmaster, context.elapsed, context.jitter)

    @property
    def relay_problem(self) -> str:
        """What the relay says while it is in trouble, or nothing."""
        return self._trouble.said

    async def round(self) -> bool:
        """Take up letters whose process died, hand one letter over; False if none was due."""
        with contextlib.ExitStack() as trying:
            async with self._claiming:
                if not await self._is_due() or not trying.enter_context(self._trouble.turn()):
                    return False
                letter = await self._spool.outbox.claim(LEASE, elsewhere=self._elsewhere)
            if letter is None:
                return False
            # Outdated: its lease ran out and somebody else has it now; the copy has the same Message-ID.
            with contextlib.suppress(Outdated):
                await self._work(letter)
            return True

    async def _is_due(self) -> bool:
        due, lease_ends = await self._spool.outbox.next_at(elsewhere=self._elsewhere)
        self.next_at, now = min(due, lease_ends), self._spool.now()
        if self.next_at > now:
            return False
        if lease_ends <= now:  # not in each round: a commit that hits nothing slows those that share its group
            await self._spool.outbox.recover()
        self.next_at = math.inf
        return True

    async def _work(self, letter: Letter) -> None:
        if letter.problem and not letter.content:
            await self._give_up(letter, LetterEvent.REFUSED, letter.problem)
            return
        try:
            async with self._holding(letter):
                await self._relay.hand_over(letter.sender, letter.recipients, letter.content)
        except Impossible as impossible:
            await self._give_up(letter, LetterEvent.REFUSED, impossible.diagnostic)
        except Refused as refused:
            await self._refused(letter, refused)
        except InDoubt as silence:
            await self._later(letter, LetterEvent.MAYBE_TAKEN, silence)
        except NotSent as not_now:
            if not_now.everybody:
                self._unreachable(not_now)
            await self._later(letter, LetterEvent.NOT_TAKEN, not_now)
        except Exception as unforeseen:
            # Nobody knows how far it came. Waits grow and age ends it, as with a silent relay.
            log.exception("letter %s: handing it over failed", letter.letter_id)
            problem = f"x-mailfax; {type(unforeseen).__name__}"
            await self._later(letter, LetterEvent.MAYBE_TAKEN, InDoubt("Handing it over failed.", diagnostic=problem))
        else:
            taken = letter.after(LetterEvent.TAKEN, problem="")
            place = letter.recipients[0] if self._elsewhere else ""
            maillog.letter_taken(await self._spool.outbox.advance(letter, taken, LetterEvent.TAKEN, detail=place))
            await self._takes_mail(letter)

    @contextlib.asynccontextmanager
    async def _holding(self, letter: Letter) -> AsyncIterator[None]:
        """Keep the lease while the relay reads, however long that takes."""

        async def renew() -> None:
            with contextlib.suppress(Outdated):
                while True:
                    await asyncio.sleep(LEASE / 3)
                    await self._spool.outbox.renew(letter, LEASE)

        renewing = asyncio.create_task(renew())
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)

    async def _takes_mail(self, letter: Letter) -> None:
        """The relay took a letter: a trouble of its own is over, and whatever it kept waiting is due."""
        was_in_trouble = self._trouble.is_there
        over = self._trouble.took(letter.recipients, self._spool.now())
        if not was_in_trouble or self._elsewhere:
            return
        waited = await self._spool.outbox.make_due()
        maillog.relay_resumed(waited)
        if over:
            told = letters.relay_clear(self._site, self._marks(), since=over.since, said=over.said, waited=waited)
            await self._spool.outbox.owe([told])

    def _unreachable(self, why: Failure) -> None:
        if not self._trouble.is_there:
            maillog.relay_paused(why.diagnostic)
        self._trouble.unreachable(why.diagnostic, self._spool.now(), why.retry_after)

    async def _refused(self, letter: Letter, why: Refused) -> None:
        """A refusal counts against a letter only where others are answered differently; until then it waits."""
        now, was_in_trouble = self._spool.now(), self._trouble.is_there
        self._trouble.refused(letter.recipients, why.diagnostic, now)
        if self._trouble.is_there and not was_in_trouble and not self._elsewhere:
            maillog.relay_paused(why.diagnostic)
        counts = self._trouble.took_another(letter.recipients, letter.tried_at, now)
        letter = replace(letter, refusals=letter.refusals + counts, refused_at=letter.refused_at or now, tried_at=now)
        long_enough = self._older(letter.refused_at, schedule.REFUSED_SECONDS)
        if letter.refusals >= schedule.REFUSALS and long_enough:
            await self._give_up(letter, LetterEvent.REFUSED, why.diagnostic)
            return
        asked: tuple[Letter, ...] = ()
        if (
            long_enough
            and not (letter.refusals or self._trouble.told)
            and self._site.postmaster not in letter.recipients
        ):
            # This letter is the other one: if the relay takes it, its word about the first is worth something.
            self._trouble.told = True
            asked = (letters.refused(self._site, self._marks(), letter=letter, problem=why.diagnostic),)
        await self._later(letter, LetterEvent.NOT_TAKEN, why, asked)

    async def _later(self, letter: Letter, event: LetterEvent, why: Failure, owed: Sequence[Letter] = ()) -> None:
        now = self._spool.now()
        if self._older(letter.decided_at, self._limits.letter_seconds) and not self._trouble.is_there:
            await self._give_up(letter, LetterEvent.TOO_OLD, why.diagnostic)
            return
        again = schedule.letter_attempt(letter.attempts, now, self._jitter(), why.retry_after)
        if self._trouble.is_there:  # its end is seen by trying some letter: none may be far from due
            again = min(again, now + schedule.RELAY_LONGEST)
        waiting = letter.after(event, next_attempt_at=again, problem=why.diagnostic)
        waiting = await self._spool.outbox.advance(letter, waiting, event, detail=why.diagnostic, letters=owed)
        maillog.letter_not_taken(waiting, why.diagnostic)

    def _older(self, moment: float, seconds: float) -> bool:
        """Whether so much has passed since; never while the wall clock can't be believed."""
        return self._steady.is_steady() and self._spool.now() - moment >= seconds

    async def _give_up(self, letter: Letter, event: LetterEvent, problem: str) -> None:
        lost = letter.after(event, problem=problem)
        alarms: tuple[Letter, ...] = ()
        # A letter to the postmaster that can't reach him would only be followed by another: the log tells of it.
        if self._site.postmaster not in letter.recipients:
            alarms = (letters.undeliverable(self._site, self._marks(), letter=lost, problem=problem),)
        lost = await self._spool.outbox.advance(letter, lost, event, detail=problem, letters=alarms)
        maillog.letter_not_taken(lost, problem)
