"""Documents: one per message that has jobs, made by whoever claims it.

In: the pages, or why there are none. Out: documents to make. What becomes of a document and of the jobs that wait for
it is one commit. ``spool.documents``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mailfax.rules.job import Document, FaxJob, Message
from mailfax.rules.states import JOB, JobEvent, JobState
from mailfax.spool.commits import Commit, Hits, Outdated, Statement, Values
from mailfax.spool.content import Contents
from mailfax.spool.engine import SURELY_NOT, Engine
from mailfax.spool.jobs import changed
from mailfax.spool.outbox import Outbox
from mailfax.spool.reports import owe
from mailfax.spool.rows import document_of, document_values, history, message_of, move_aside, readable
from mailfax.spool.usage import Usage


class Documents:
    """``spool.documents``."""

    def __init__(self, engine: Engine, contents: Contents, outbox: Outbox, usage: Usage) -> None:
        self._engine, self._contents, self._outbox, self._usage = engine, contents, outbox, usage
        self._claims = itertools.count(1)

    async def next_at(self, *, slow: bool) -> float:
        """When the next one of a lane is due."""
        [rows] = await self._engine.read(("document_head", {"slow": int(slow)}))
        return float(rows[0]["next_attempt_at"]) if rows else math.inf

    async def claim(
        self, lease: float, *, slow: bool = False, busy: Sequence[str] = ()
    ) -> tuple[Message, Document] | None:
        """The document that is due longest, ours for ``lease`` seconds; None where none is due.

        ``slow``: of those that took too long for the quick lane. Payers in ``busy``, who have some under way, come
        when nobody else has any.

        ``attempts`` counts this one already: a file that kills its renderer is seen by it.
        """
        shares = (0, 1) if busy else (1,)
        for share in shares:
            values = {"lease": lease, "slow": int(slow), "busy": tuple(busy), "any": share}
            if claimed := await self._claim(values):
                return claimed
        return None

    async def _claim(self, wanted: Values) -> tuple[Message, Document] | None:
        while True:
            values = {**wanted, "claim": f"{self._engine.epoch}-{next(self._claims)}"}
            commit = Commit(
                "rendering",
                (
                    Statement("document_claim", values, Hits.ONE),
                    Statement("document_claim_history", values, Hits.ONE),
                ),
            )
            try:
                results = await self._engine.commit(commit)
            except Outdated:
                return None
            [row] = results[0].rows
            [messages] = await self._engine.read(("message_get", {"queue_id": row["message"]}))
            try:
                return message_of(messages[0]), document_of(row)
            except (ValueError, TypeError, LookupError) as trouble:
                await move_aside(self._engine, "document", {"message": row["message"]}, trouble)

    async def ready(
        self, was: Document, now_is: Document, pages: bytes | Path | None, *, message: Message | None = None
    ) -> Document:
        """Store the pages; its ACCEPTED jobs become READY. Raises ``Outdated``, ``OSError``, ``NotCommitted``.

        ``pages`` is None where ``now_is`` has the content of a document that was made of the same.

        With the ``message`` its pages are counted where they are limited; ``PagesUsedUp`` where too few are left.
        """
        now_is = replace(now_is, state="ready")
        content, stored = None, list[Statement]()
        if pages is not None:
            content, sealed = await self._contents.seal(pages)
            now_is, stored = replace(now_is, content_id=sealed.content_id), [sealed.statement()]
        event = JobEvent.DOCUMENT_READY
        jobs = _waiting(was, event, "")
        commit = Commit(
            "document-ready",
            (
                _changed(was, now_is),
                *(self._usage.pages(message, now_is) if message else ()),
                *(stored or (Statement("content_shared", {"content_id": now_is.content_id}, Hits.ONE),)),
                history(
                    was.message,
                    event.value,
                    now_is.state,
                    f"{now_is.pages} pages" if stored else f"{now_is.pages} pages, the same as made before",
                ),
                Statement("document_jobs_history", jobs),
                Statement("document_jobs_ready", jobs),
            ),
        )
        try:
            await self._engine.commit(commit)
        except SURELY_NOT:
            if content is not None:
                content.discard()
            raise
        return replace(now_is, version=was.version + 1, lease_until=0.0)

    async def later(
        self, was: Document, next_attempt_at: float, detail: str, *, counts: bool = True, slow: bool = False
    ) -> Document:
        """It can't be made now; its jobs go on waiting. Raises ``Outdated``.

        ``counts`` is False where our own machine spoiled the attempt: that says nothing against the document.
        ``slow``: from now on it is made beside those that are made quickly.
        """
        attempts = was.attempts - (not counts)
        now_is = replace(was, next_attempt_at=next_attempt_at, attempts=attempts, slow=was.slow or slow)
        event = JobEvent.DOCUMENT_LATER
        commit = Commit(
            "document-later",
            (
                _changed(was, now_is),
                history(was.message, event.value, now_is.state, detail),
                Statement("document_jobs_history", _waiting(was, event, detail)),
            ),
        )
        await self._engine.commit(commit)
        return replace(now_is, version=was.version + 1, lease_until=0.0)

    async def make_now(self, message: str) -> bool:
        """Its next attempt is due, by a person's order; False where it is made just now, or is there."""
        try:
            statement = Statement("document_now", {"message": message}, Hits.ONE)
            await self._engine.commit(Commit("document-now", (statement,)))
        except Outdated:
            return False
        return True

    async def impossible(self, was: Document, jobs: Sequence[tuple[FaxJob, FaxJob]], detail: str) -> None:
        """It can't be made at all: (was, now_is) of each ACCEPTED or HELD job. They owe a report (``spool.reports``).

        Raises ``Outdated`` too where a job of the message is missing in ``jobs``: read them again.
        """
        values = {
            "message": was.message,
            "was_version": was.version,
            "was_epoch": was.epoch,
            "jobs": len(jobs),
        }
        event = JobEvent.DOCUMENT_IMPOSSIBLE.value
        statements = [
            Statement("document_impossible", values, Hits.ONE),
            history(was.message, event, "impossible", detail),
        ]
        for job_was, job_is in jobs:
            statements.append(changed(job_was, job_is))
            statements.append(history(job_was.queue_id, event, job_is.state, detail))
        statements += owe([job_is for _, job_is in jobs])
        await self._engine.commit(Commit("document-impossible", tuple(statements)))

    async def same(self, render_key: str) -> Document | None:
        """The newest document of the last day that was made of the same, or None."""
        [rows] = await self._engine.read(("document_same", {"render_key": render_key}))
        documents = await readable(self._engine, "document", document_of, rows)
        return documents[0] if documents else None

    async def get(self, message: str) -> Document | None:
        """The document of a message."""
        [rows] = await self._engine.read(("document_get", {"message": message}))
        documents = await readable(self._engine, "document", document_of, rows)
        return documents[0] if documents else None


def _changed(was: Document, now_is: Document) -> Statement:
    return Statement("document_change", document_values(was, now_is), Hits.ONE)


def _waiting(document: Document, event: JobEvent, detail: str) -> dict[str, str]:
    """The values of both statements about the jobs that wait for a document."""
    return {
        "message": document.message,
        "event_word": event.value,
        "state": JOB.after(JobState.ACCEPTED, event).value,
        "detail": detail,
    }
