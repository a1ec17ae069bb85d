"""Mails that come again because nobody heard our 250: known by the keys of their faxes, and never faxed twice.

In: what the spool knows of a key, and what the door says of sessions. Out: whether a fax may be made. It may not
where the session that brought it before died without another word and that job has not failed. It may where the
client heard our 250, or may still hear it: whoever sends the same again in full knowledge means it.

LIMITS: sessions of another process count as dead until their key is gone, which is the next commit after they spoke.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from mailfax.spool import Found, Spool, Unheard


class Resent:
    """The sessions of this process whose 250 is on its way, and the faxes that it stands for."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._alive: set[str] = set()  #: jobs
        self._sessions: dict[str, deque[Sequence[Unheard]]] = {}  #: by the queue ID that was answered

    def is_same(self, found: Found) -> bool:
        """Whether this fax is the one that was accepted before, so that it must not be made."""
        return not (found.failed or found.heard or found.job in self._alive)

    @contextlib.contextmanager
    def session(
        self, queue_id: str, faxes: Sequence[Unheard], known: Mapping[str, Found], same: Sequence[Found]
    ) -> Iterator[None]:
        """A session that is answered ``queue_id`` where the commit inside succeeds, and gets no 250 where not.

        Entered before the commit, so that whoever finds its keys finds it alive. Who takes over a failed fax of a
        dead session does not count as alive: two that resend the same mail at once are both resending.
        """
        jobs = {fax.job for fax in faxes if not (fax.key in known and self._is_dead(known[fax.key]))}
        answered = self._sessions.setdefault(queue_id, deque())
        entry = (*faxes, *(Unheard(found.key, found.job) for found in same))
        answered.append(entry)
        self._alive |= jobs
        try:
            yield
        except BaseException:
            # What is in the spool all the same (a commit without an answer) counts as not heard, and that is right.
            self._alive -= jobs
            answered.remove(entry)
            if not answered:
                del self._sessions[queue_id]
            raise

    def concluded(self, queue_id: str, heard: bool) -> None:
        """The client of a mail that was answered 250 said something after it (``heard``), or is gone."""
        answered = self._sessions.get(queue_id)
        if not answered:
            return
        faxes = answered.popleft()
        if not answered:
            del self._sessions[queue_id]
        self._alive.difference_update(fax.job for fax in faxes)
        if heard:
            self._spool.unheard.forget(faxes)

    def _is_dead(self, found: Found) -> bool:
        return not (found.heard or found.job in self._alive)
