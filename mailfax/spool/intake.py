"""A mail enters: message, content, document, jobs and owed letters in one commit, and only then the 250.

In: a ``Message`` and its jobs as the rules made them, and the content thin SMTP filled. Out: the message as it is
stored. Raises ``NotSent`` where surely nothing was stored, so thin SMTP answers 452 and the client tries again.
Whether a fax may be one that was accepted before, and whether its payer and the site have any left today, is decided
inside the commit, so that no two sessions decide it differently.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator, Sequence
from dataclasses import replace

from mailfax import maillog
from mailfax.rules.failure import NotSent
from mailfax.rules.job import FaxJob, Letter, Message
from mailfax.rules.reason import FOR_APPROVAL
from mailfax.rules.states import JobEvent, JobState
from mailfax.spool.commits import (
    CeilingReached,
    Commit,
    Hits,
    KeyTaken,
    QueueIdTaken,
    QuotaUsedUp,
    ReferenceTaken,
    Statement,
)
from mailfax.spool.content import Contents
from mailfax.spool.engine import Engine, NotCommitted
from mailfax.spool.growing import Content
from mailfax.spool.large import ContentDamaged
from mailfax.spool.outbox import Outbox
from mailfax.spool.rows import history, job_values, log, message_in_part, message_of, message_values
from mailfax.spool.unheard import Found, Unheard
from mailfax.spool.usage import Usage

#: A header block longer than this is not returned in a report (RFC 3461 6.2 leaves the amount to us).
HEADER_LONGEST = 65_536


class Intake:
    """``spool.intake``."""

    def __init__(self, engine: Engine, contents: Contents, outbox: Outbox, usage: Usage) -> None:
        self._engine, self._contents, self._outbox, self._usage = engine, contents, outbox, usage

    async def accept(
        self,
        message: Message,
        jobs: Sequence[FaxJob],
        content: Content,
        letters: Sequence[Letter] = (),
        *,
        unheard: Sequence[Unheard] = (),
        same: Sequence[Found] = (),
        ceiling: int = 0,
    ) -> Message:
        """Durable when it returns. ``content_id`` and ``size`` of the message are filled in from the content.

        ``unheard``: the jobs by their keys; ``same``: what came again with it and is no job of it; ``ceiling``: how
        many faxes the site may send in a day, or 0. Raises ``ReferenceTaken``, ``QueueIdTaken`` (draw again) or
        ``SentBefore`` (read what is known), and may be called again with the same content; ``CeilingReached``,
        ``QuotaUsedUp``, ``KeyTaken`` or ``NotSent``: nothing is stored, and the content is gone; ``CommitUnclear``.
        """
        with not_stored():
            _, sealed = await self._contents.seal(content)
        message = replace(message, content_id=sealed.content_id, size=sealed.size)
        statements = [
            *(statement for one in unheard for statement in one.statements()),
            *(one.same() for one in same),
            *self._usage.faxes(message, sum(not job.preview for job in jobs), ceiling),
            sealed.statement(),
            Statement("message_add", message_values(message), Hits.ONE),
            history(message.queue_id, "accepted", "accepted", f"{len(jobs)} jobs, {sealed.size} bytes"),
        ]
        if jobs:
            statements.append(
                Statement("document_add", {"message": message.queue_id, "payer": message.payer}, Hits.ONE)
            )
        for job in jobs:
            statements.append(Statement("job_add", job_values(job), Hits.ONE))
            statements.append(history(job.queue_id, "accepted", job.state))
            if job.state is JobState.HELD:
                statements.append(history(job.queue_id, JobEvent.HOLD, job.state, FOR_APPROVAL))
        try:
            with not_stored():
                async with self._outbox.sealed(letters) as owed:
                    await self._engine.commit(
                        Commit(
                            "accept",
                            (*statements, *owed),
                            {
                                "job.reference": ReferenceTaken,
                                "job.queue_id": QueueIdTaken,
                                "message.queue_id": QueueIdTaken,
                                "message.header_message_id": KeyTaken,
                                "letter.letter_id": QueueIdTaken,
                            },
                        )
                    )
        except (NotSent, CeilingReached, QuotaUsedUp, KeyTaken):
            content.discard()
            raise
        return message

    async def message(self, queue_id: str) -> Message | None:
        """None where there is none; of a damaged row what can be read, for the answers."""
        [rows] = await self._engine.read(("message_get", {"queue_id": queue_id}))
        try:
            return message_of(rows[0]) if rows else None
        except ValueError as trouble:
            log.error("message %s in the spool can't be read (%s)", queue_id, trouble)
            return message_in_part(rows[0])

    async def header(self, message: Message) -> bytes:
        """The header block as it came, for the answers; empty where it is lost: they go out all the same."""
        header = b""
        try:
            async with contextlib.aclosing(self._contents.chunks(message.content_id)) as blocks:
                async for block in blocks:
                    header += block
                    if b"\r\n\r\n" in header or len(header) > HEADER_LONGEST:
                        break
        except ContentDamaged:
            maillog.content_damaged(message.queue_id)
            return b""
        return header.partition(b"\r\n\r\n")[0][:HEADER_LONGEST] + b"\r\n"


@contextlib.contextmanager
def not_stored() -> Iterator[None]:
    """Trouble of the disk becomes ``NotSent``, in words for the client. Internals stay here."""
    try:
        yield
    except NotCommitted as trouble:
        full, cause = trouble.full, trouble.reason
    except OSError as trouble:
        full, cause = trouble.errno in (errno.ENOSPC, errno.EDQUOT), trouble.strerror or "input/output error"
    else:
        return
    if full:
        raise NotSent(
            "There is no room to store this message now; please try later.", diagnostic="x-mailfax; disk full"
        )
    raise NotSent("This message can't be stored now; please try later.", diagnostic=f"x-mailfax; {cause}")
