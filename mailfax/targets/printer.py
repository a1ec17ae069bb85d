"""A received fax is printed: a queue of CUPS, or a printer that speaks IPP itself, takes its document as one job.

In: a printer's URI and a parcel. Out: nothing once the queue has the job. Before each job the queue is asked for the
jobs it has and had of ours; one that has the name of this one is this one, so that silence leads to no second copy.

STANDARDS: RFC 8010, RFC 8011 (IPP/1.1: Print-Job, Get-Jobs, Get-Printer-Attributes), RFC 3510 (ipp: URLs, port 631),
RFC 7472 (ipps:).
LIMITS: a queue that keeps no finished jobs, or has forgotten them, can't be asked: then a fax whose answer was lost
may be printed twice. Of a fax as PDF and TIFF the PDF is printed. What the paper looks like is the queue's business.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpcore

from mailfax.rules.failure import InDoubt, NotSent, Refused
from mailfax.targets import ipp
from mailfax.targets.parcel import Parcel

CONNECT_SECONDS, ANSWER_SECONDS, WHOLE_SECONDS = 15.0, 60.0, 600.0
#: What is read of an answer, in bytes: the jobs that a queue remembers, a hundred bytes each.
LONGEST_ANSWER = 4_000_000
#: Whose jobs they are. Who asks as their owner is told their names (CUPS keeps them from others).
USER = "mailfax"
_JOBS, _PRINTER = 0x02, 0x04  # groups of an answer (RFC 8010 3.5.1)
#: CUPS names a finished job only where something is asked for that it reads from disk, such as the host (2.4).
_TOLD_OF_JOBS = ("job-name", "job-state", "job-originating-host-name")
#: The printer gave the job up by itself: it may come once more. One that a person cancelled may not (RFC 8011 5.3.7).
ABORTED = 8
#: Status codes that speak of this document (RFC 8011 B.1.4): too large, its format not known, faulty, compressed.
_OF_THE_DOCUMENT = {
    0x0408: "the document is too large for it",
    0x040A: "it does not print this format",
    0x0410: "it can't read the document",
    0x0411: "it finds the document faulty",
}
_OF_THE_PRINTER = {
    0x0401: "it allows nobody to print",
    0x0402: "it wants a login",
    0x0403: "it does not let mailfax print",
    0x0406: "there is no such queue",
    0x0506: "it accepts no jobs",
    0x0507: "it is busy",
}


class Printer:
    """Prints. ``tls`` is for ipps: alone; without it the system's authorities count."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls

    async def take(self, place: str, parcel: Parcel) -> None:
        """Have it printed, unless the queue has it; raises ``NotSent``, ``Refused`` or ``InDoubt``."""
        # The fax's name is for people; behind it the notification's, which differs where somebody wants it once more.
        name = f"Fax {parcel.queue_id} ({parcel.token})"
        if name in await self._ours(place):
            return
        file = parcel.files[0]
        wanted = [(ipp.NAME, "job-name", [name]), (ipp.MEDIA_TYPE, "document-format", [file.kind])]
        told = await self._ask(ipp.PRINT_JOB, place, wanted, file.content)
        if any(job.get("job-state") == [ABORTED] for job in told.found(_JOBS)):
            raise NotSent("The printer gave the job up at once", diagnostic="ipp; job aborted")

    async def probe(self, place: str) -> None:
        """See that the queue is there and takes jobs; nothing is printed."""
        wanted = [(ipp.KEYWORD, "requested-attributes", ["printer-is-accepting-jobs"])]
        told = await self._ask(ipp.GET_PRINTER_ATTRIBUTES, place, wanted)
        if any(printer.get("printer-is-accepting-jobs") == [False] for printer in told.found(_PRINTER)):
            raise NotSent("The printer does not take jobs now", diagnostic="ipp; not accepting jobs")

    async def _ours(self, place: str) -> set[str]:
        """The names of our jobs that it has or had, but for those that it gave up."""
        names = set()
        for which in ("not-completed", "completed"):
            wanted: list[tuple[int, str, Sequence[ipp.Value]]] = [
                (ipp.KEYWORD, "which-jobs", [which]),
                (ipp.BOOLEAN, "my-jobs", [True]),
                (ipp.KEYWORD, "requested-attributes", _TOLD_OF_JOBS),
            ]
            told = await self._ask(ipp.GET_JOBS, place, wanted)
            jobs = [job for job in told.found(_JOBS) if job.get("job-state") != [ABORTED]]
            names |= {str(name) for job in jobs for name in job.get("job-name", ())}
        return names

    async def _ask(
        self,
        operation: int,
        place: str,
        wanted: Sequence[tuple[int, str, Sequence[ipp.Value]]],
        document: bytes = b"",
    ) -> ipp.Answer:
        body = ipp.request(operation, place, USER, wanted) + document
        status, content = await self._post(place, body, printing=operation == ipp.PRINT_JOB)
        if status != 200:
            raise NotSent(f"The printer does not take this now: HTTP {status}", diagnostic=f"http; {status}")
        try:
            told = ipp.answer(content)
        except ValueError as unclear:
            raise _silence(operation == ipp.PRINT_JOB, str(unclear)) from unclear
        if told.status < 0x0100:
            return told
        diagnostic = f"ipp; {told.status:#06x}"
        if why := _OF_THE_DOCUMENT.get(told.status):
            raise Refused(f"The printer refused this: {why}", diagnostic=diagnostic)
        why = _OF_THE_PRINTER.get(told.status, f"status {told.status:#06x}")
        raise NotSent(f"The printer does not take this now: {why}", diagnostic=diagnostic)

    async def _post(self, place: str, body: bytes, *, printing: bool) -> tuple[int, bytes]:
        """The status of HTTP, and the answer."""
        secure, parts = place.startswith("ipps:"), urlsplit(place)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        url = f"{'https' if secure else 'http'}://{host}:{parts.port or 631}{parts.path or '/'}"
        timeouts = {"connect": CONNECT_SECONDS, "read": ANSWER_SECONDS, "write": ANSWER_SECONDS}
        tls = (self._tls or ssl.create_default_context()) if secure else None
        try:
            async with (
                asyncio.timeout(WHOLE_SECONDS),
                httpcore.AsyncConnectionPool(ssl_context=tls, max_keepalive_connections=0) as pool,
                pool.stream(
                    "POST",
                    url,
                    headers=[("Content-Type", "application/ipp")],
                    content=body,
                    extensions={"timeout": timeouts},
                ) as reply,
            ):
                answer = b""
                async for block in reply.aiter_stream():
                    answer += block
                    if len(answer) > LONGEST_ANSWER:
                        raise _silence(printing, "an answer without end")
        except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout) as unreached:
            named = f"x-mailfax; {type(unreached).__name__}"
            raise NotSent("The printer can't be reached", diagnostic=named) from unreached
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, TimeoutError) as silence:
            raise _silence(printing, type(silence).__name__) from silence
        return reply.status, answer


def _silence(printing: bool, why: str) -> NotSent | InDoubt:
    """No answer, or none that can be read. Only a Print-Job leaves a doubt behind; the next attempt looks for it."""
    if printing:
        return InDoubt("The printer did not say whether it took this", diagnostic=f"x-mailfax; {why}")
    return NotSent("The printer does not answer", diagnostic=f"x-mailfax; {why}")
