"""Letters from the outbox to the relay: one letter a round, claimed, handed over, and what became of it committed.

A mail may be repeated where a fax may not (its copy has the same Message-ID): silence of the relay, and our own death
between its 250 and our commit, lead to another attempt. A letter ends by being taken, by being refused for good, or
by age; the postmaster then hears of it, without its content, unless it was meant for him.

In: the outbox. Out: mail at the relay, letter states, alarms.
STANDARDS: RFC 5321 4.5.4.1 (give up after four to five days), RFC 4160 4.6, RFC 4161 2.5 (a notice that fails).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Callable

from mailfax import letters, maillog
from mailfax.config import Limits
from mailfax.letters import Marks, Site
from mailfax.relay import Relay
from mailfax.rules import schedule
from mailfax.rules.failure import Failure, InDoubt, NotSent, Refused
from mailfax.rules.job import Letter
from mailfax.rules.states import LetterEvent
from mailfax.spool import Outdated, Spool

log = logging.getLogger(__name__)
#: Renewed while the relay reads, in seconds: short, so that the letter of a process that died is soon taken up.
LEASE = 60.0


class Deliver:
    """Hands letters over, one a round. Several may work beside each other."""

    def __init__(
        self,
        spool: Spool,
        relay: Relay,
        *,
        site: Site,
        marks: Callable[[], Marks],
        limits: Limits,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._spool, self._relay = spool, relay
        self._site, self._marks, self._limits, self._jitter = site, marks, limits, jitter

    async def round(self) -> bool:
        """Take up letters whose process died, hand one letter over; False if none was due."""
        await self._spool.outbox.recover()
        letter = await self._spool.outbox.claim(LEASE)
        if letter is None:
            return False
        # Outdated: its lease ran out and somebody else has it now; the copy has the same Message-ID.
        with contextlib.suppress(Outdated):
            await self._carry(letter)
        return True

    async def _carry(self, letter: Letter) -> None:
        if letter.problem and not letter.content:
            await self._give_up(letter, LetterEvent.REFUSED, letter.problem)
            return
        try:
            async with self._holding(letter):
                await self._relay.hand_over(letter.sender, letter.recipients, letter.content)
        except Refused as refused:
            await self._give_up(letter, LetterEvent.REFUSED, refused.diagnostic)
        except InDoubt as silence:
            await self._later(letter, LetterEvent.MAYBE_TAKEN, silence)
        except NotSent as not_now:
            await self._later(letter, LetterEvent.NOT_TAKEN, not_now)
        except Exception as unforeseen:
            # Nobody knows how far it came. Waits grow and age ends it, as with a silent relay.
            log.exception("letter %s: handing it over failed", letter.letter_id)
            problem = f"x-mailfax; {type(unforeseen).__name__}"
            await self._later(letter, LetterEvent.MAYBE_TAKEN, InDoubt("Handing it over failed.", diagnostic=problem))
        else:
            taken = letter.after(LetterEvent.TAKEN, problem="")
            maillog.letter_taken(await self._spool.outbox.advance(letter, taken, LetterEvent.TAKEN))

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

    async def _later(self, letter: Letter, event: LetterEvent, why: Failure) -> None:
        now = self._spool.now()
        if now - letter.decided_at >= self._limits.letter_seconds:
            await self._give_up(letter, LetterEvent.TOO_OLD, why.diagnostic)
            return
        again = max(schedule.letter_attempt(letter.attempts, now, self._jitter()), now + (why.retry_after or 0.0))
        waiting = letter.after(event, next_attempt_at=again, problem=why.diagnostic)
        waiting = await self._spool.outbox.advance(letter, waiting, event, detail=why.diagnostic)
        maillog.letter_not_taken(waiting, why.diagnostic)

    async def _give_up(self, letter: Letter, event: LetterEvent, problem: str) -> None:
        lost = letter.after(event, problem=problem)
        alarms: tuple[Letter, ...] = ()
        # A letter to the postmaster that can't reach him would only be followed by another: the log tells of it.
        if self._site.postmaster not in letter.recipients:
            alarms = (letters.undeliverable(self._site, self._marks(), letter=lost, problem=problem),)
        lost = await self._spool.outbox.advance(letter, lost, event, detail=problem, letters=alarms)
        maillog.letter_not_taken(lost, problem)
