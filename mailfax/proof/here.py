"""Checks one mail here: reads it as a stream, in a thread of its own, within a time limit.

In: the mail as it lies in the spool. Out: ``Proven`` or ``Unproven``. This module and what it imports need the extra
``dmarc``; they are loaded only where a listener wants them (0.3 s and 12 MB that nobody else pays).

LIMITS: ``THREADS`` mails at a time. They wait for the DNS more than they count, and the spool's threads wait for none
of them. A thread can't be stopped from outside; each step of it is bounded by itself.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import time
from collections.abc import Callable
from typing import BinaryIO, Protocol

from mailfax.proof.author import Author, Field, Unproven
from mailfax.proof.body import BodyHash, BodyUnreadable
from mailfax.proof.examine import Examination
from mailfax.proof.questions import Lookup, Questions
from mailfax.rules.envelope import Client, Proven

log = logging.getLogger(__name__)

THREADS = 8
BLOCK = 65_536


class Content(Protocol):
    """The mail: our own lines, the header block, an empty line, the body."""

    def open(self) -> BinaryIO: ...


class Here:
    """``seconds``: for everything about one mail, waiting for a thread included. ``now``: seconds since 1970."""

    def __init__(self, lookup: Lookup, *, now: Callable[[], float], seconds: float) -> None:
        self._lookup = lookup
        self._now = now
        self._seconds = seconds
        self._threads = concurrent.futures.ThreadPoolExecutor(THREADS, thread_name_prefix="proof")

    def close(self) -> None:
        """No more checks; those under way end by themselves, and nobody waits for them."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def check(
        self, client: Client, sender: str, author: Author, fields: list[Field], header_block: bytes, content: Content
    ) -> Proven | Unproven:
        """What proves the author. ``fields`` are those of ``header_block``."""
        questions = Questions(self._lookup, time.monotonic() + self._seconds)
        body = _Body(content, header_block, questions)

        def examine() -> Proven | Unproven:
            return Examination(author, questions, now=self._now()).judge(client, sender, fields, body)

        check = asyncio.get_running_loop().run_in_executor(self._threads, examine)
        try:
            return await asyncio.wait_for(check, self._seconds)
        except TimeoutError:
            return Unproven("it took too long", temporary=True)
        except Exception:
            # Unknown errors are temporary, and their text is ours alone.
            log.exception("a mail from %s could not be checked", client.ip)
            return Unproven("the check failed", temporary=True)


class _Body:
    """(relaxed) -> (SHA-256, length) of the canonical body. Read at most twice, however many signatures there are."""

    def __init__(self, content: Content, header_block: bytes, questions: Questions) -> None:
        self._content = content
        self._header_block = header_block
        self._questions = questions
        self._hashed: dict[bool, tuple[bytes, int]] = {}

    def __call__(self, relaxed: bool) -> tuple[bytes, int]:
        if relaxed not in self._hashed:
            canonical = BodyHash(relaxed=relaxed)
            try:
                with self._content.open() as file:
                    self._feed(file, canonical)
            except OSError as trouble:
                raise BodyUnreadable(str(trouble)) from trouble
            self._hashed[relaxed] = canonical.finish(), canonical.length
        return self._hashed[relaxed]

    def _feed(self, file: BinaryIO, canonical: BodyHash) -> None:
        head = b""
        while (end := head.find(b"\r\n\r\n")) < 0 and (block := file.read(BLOCK)):
            head += block
        # A mail may end with its header.
        header, body = (head[: end + 2], head[end + 4 :]) if end >= 0 else (head, b"")
        if not header.endswith(self._header_block):
            raise BodyUnreadable("the header in the content is not the one that was judged")
        canonical.update(body)
        while block := file.read(BLOCK):
            self._questions.seconds_left()
            canonical.update(block)
