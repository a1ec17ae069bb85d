"""Trouble with our own disk: one alarm to the postmaster, and one all-clear, as for an account.

In: what the workers meet (a spool that can't store, a folder that can't be written), and how much room is left. Out:
letters. The alarm goes into the outbox where the spool still takes it, and straight to the relay where it does not:
the very trouble that it tells of must not keep it back.

LIMITS: known to one process; a spool that fails for a moment between two looks is told all the same.
"""

from __future__ import annotations

import logging

from mailfax import letters
from mailfax.context import Context, Worker
from mailfax.relay import Relay
from mailfax.rules.failure import Failure
from mailfax.rules.job import Letter
from mailfax.spool import CommitUnclear, NotCommitted

log = logging.getLogger(__name__)

#: Less room than this, in bytes, is trouble before anything fails: a few large mails with their documents.
LEAST_ROOM = 200_000_000
#: Between two looks, and without trouble until the all-clear, in seconds.
LOOK_EVERY, CALM = 20.0, 300.0


class DiskAlarm(Worker):
    """Looks after the disk of the spool. ``failed`` is told what workers meet."""

    def __init__(self, context: Context, relay: Relay, *, least_room: int = LEAST_ROOM) -> None:
        self._spool, self._site, self._marks = context.spool, context.site, context.marks
        self._elapsed, self._relay, self._least_room = context.elapsed, relay, least_room
        self._look_at, self._trouble_at, self._problem = 0.0, 0.0, ""
        self._told = False

    @property
    def problem(self) -> str:
        """What is wrong with the disk now, or nothing."""
        return self._problem

    def failed(self, trouble: BaseException) -> None:
        """A worker could not go on; whatever is not the disk's is none of ours."""
        if isinstance(trouble, NotCommitted | CommitUnclear):
            self._note(str(trouble))
        elif isinstance(trouble, OSError) and not isinstance(trouble, ConnectionError | TimeoutError):
            self._note(f"A file could not be written or read: {trouble.strerror or type(trouble).__name__}.")

    async def round(self) -> bool:
        """Look, and tell; False, since nobody needs to look again at once."""
        now = self._elapsed()
        if now < self._look_at:
            return False
        self._look_at = now + LOOK_EVERY
        try:
            if (room := self._spool.content.room()) < self._least_room:
                self._note(f"Only {room // 1_000_000} MB are left on the disk of the spool.")
        except OSError as gone:
            self.failed(gone)
        if self._problem and not self._told:
            self._told = await self._tell(letters.disk_alarm(self._site, self._marks(), problem=self._problem))
        elif self._told and now - self._trouble_at >= CALM:
            await self._spool.outbox.owe([letters.disk_clear(self._site, self._marks())])
            log.info("the disk is well again")
            self._told, self._problem = False, ""
        return False

    def _note(self, problem: str) -> None:
        if not self._problem:
            log.error("trouble with the disk: %s", problem)
        self._problem, self._trouble_at = problem, self._elapsed()

    async def _tell(self, letter: Letter) -> bool:
        try:
            await self._spool.outbox.owe([letter])
        except (NotCommitted, CommitUnclear, OSError):
            try:
                await self._relay.hand_over(letter.sender, letter.recipients, letter.content)
            except Failure as failure:
                log.error("the postmaster could not be told of it: %s", failure.diagnostic)
                return False
        return True
