"""Mails that come again because nobody heard our 250: known by the keys of their faxes, and never faxed twice.

In: what the spool knows of a key, and what SMTP says of each 250 (``Answer``). Out: whether a fax may be made. It
may not where the client that brought it before is gone, or can't be reached, and has not heard, and that job has not
failed. It may where the client has heard: whoever sends the same again in full knowledge means it. Where that is not
known yet, it is waited for.

LIMITS: clients of another process count as gone until they are known to have heard.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mailfax.rules.failure import NotSent
from mailfax.spool import Found, Keys, Spool, Taken, Unheard

#: So long a 250 may be on its way, in seconds, until its client counts as one that can't be reached: by then Linux
#: has sent it four to six times (RFC 6298 5.5: the pause between two tries doubles).
REACHED_SECONDS = 10.0
#: So long a mail may take to be stored, in seconds. A lock of the spool is waited for no longer.
STORED_SECONDS = 30.0
#: From then on its client may have given it up, and write another Message-ID when it comes again. Before, the same
#: content under another one is another mail.
IMPATIENT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Before:
    """What came before a fax: ``same`` is this very one; ``instead_of`` are others that forbid nothing."""

    same: Found | None = None
    instead_of: tuple[Found, ...] = ()

    def unheard(self, keys: Keys, job: str) -> Unheard:
        """The fax as it is accepted now. Who resends one that has failed is known to be gone: of two that do so at
        once, the second one finds the first."""
        return Unheard(keys, job, self.instead_of, gone=any(one.failed and not one.heard for one in self.instead_of))


class Answer:
    """A 250 on its way to its client, and the faxes that it stands for. The SMTP server tells what becomes of it."""

    def __init__(self, resent: Resent, queue_id: str, faxes: Sequence[Unheard], same: Sequence[Found]) -> None:
        self.queue_id = queue_id
        self.faxes = tuple(fax for fax in faxes if not fax.gone)
        self.rows = [*(fax.row for fax in faxes), *(found.row for found in same)]
        self.on_its_way = True
        self.since = resent.time()
        self.until = self.since + STORED_SECONDS
        self.decided = asyncio.Event()
        self._is_late = False
        self._resent = resent

    @property
    def may_be_given_up(self) -> bool:
        """Whether its client may come again with another Message-ID."""
        return self._is_late or self._resent.time() - self.since >= IMPATIENT_SECONDS

    def late(self) -> None:
        """It was written, and should have been acknowledged by now."""
        self._is_late = True
        self.until = self._resent.time() + REACHED_SECONDS

    def acknowledged(self) -> None:
        """It has arrived. Whether it is read is still to be seen."""
        self.decide()

    def decide(self) -> None:
        """Nobody need wait for it any more."""
        self.on_its_way = False
        self.decided.set()

    def concluded(self, *, heard: bool) -> None:
        """The last word: its client has ``heard``, or is gone before."""
        self._resent.conclude(self, heard=heard)


class Resent:
    """The answers of this process whose clients may still hear."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self.time = time.monotonic
        self._alive: set[str] = set()  #: jobs
        self._by_key: dict[str, list[Answer]] = {}

    async def before(self, faxes: Collection[Keys], *, clash: bool = False) -> Mapping[Keys, Before]:
        """What came before each of these, as far as it matters. ``clash``: the spool knows of something."""
        unreachable = await self._not_reached(faxes)
        if not (clash or unreachable):
            return {}
        found = await self._spool.unheard.find([*faxes, *(fax.keys for fax in unreachable)])
        dead = {fax.job for fax in unreachable}
        known: dict[Keys, Before] = {}
        for keys in faxes:
            ones = [one for one in found if one.keys.key == keys.key or (keys.again and one.keys.again == keys.again)]
            same = next((one for one in ones if self._is_same(one, dead)), None)
            known[keys] = Before(same, () if same else tuple(one for one in ones if one.gone))
        return known

    def _is_same(self, found: Found, dead: set[str]) -> bool:
        if found.failed or found.heard:
            return False
        return found.job in dead or (found.gone and found.job not in self._alive)

    async def _not_reached(self, faxes: Collection[Keys]) -> list[Unheard]:
        """Wait until it is known of all that may be the same whether they have arrived; those that have not."""
        while waiting := [answer for answer in self._undecided(faxes) if answer.until > self.time()]:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(waiting[0].decided.wait(), min(1.0, waiting[0].until - self.time()))
        return [fax for answer in self._undecided(faxes) for fax in answer.faxes]

    def _undecided(self, faxes: Collection[Keys]) -> Iterator[Answer]:
        for keys in faxes:
            yield from (one for one in self._by_key.get(keys.key, ()) if one.on_its_way)
            if keys.again:
                others = self._by_key.get(keys.again, ())
                yield from (one for one in others if one.on_its_way and one.may_be_given_up)

    @contextlib.contextmanager
    def answer(self, queue_id: str, faxes: Sequence[Unheard], same: Sequence[Found]) -> Iterator[Answer]:
        """The 250 that names ``queue_id`` where the commit inside succeeds; there is none where not.

        Entered before the commit, so that whoever comes meanwhile waits for it.
        """
        answer = Answer(self, queue_id, faxes, same)
        for fax in answer.faxes:
            self._alive.add(fax.job)
            for key in filter(None, fax.keys):
                self._by_key.setdefault(key, []).append(answer)
        try:
            yield answer
        except (Taken, NotSent):
            self._forget(answer)
            raise
        except BaseException:
            answer.concluded(heard=False)  # it may be in the spool all the same
            raise

    def conclude(self, answer: Answer, *, heard: bool) -> None:
        """Called by the answer, once."""
        self._forget(answer)
        if heard:
            self._spool.unheard.forget(answer.rows)
        elif answer.faxes:
            self._spool.unheard.gone([fax.row for fax in answer.faxes])

    def _forget(self, answer: Answer) -> None:
        answer.decide()
        for fax in answer.faxes:
            self._alive.discard(fax.job)
            for key in filter(None, fax.keys):
                self._by_key[key].remove(answer)
                if not self._by_key[key]:
                    del self._by_key[key]
