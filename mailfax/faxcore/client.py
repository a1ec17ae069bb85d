"""The client: six calls to one FaxCore account.

In go values, out come values; what went wrong is one of ``errors``, decided for SendFax by how much of the
document had left us.

STANDARDS: RFC 9110.
LIMITS: the service has no idempotency key (A36), so one send_fax is one POST, whatever happens. Beyond ``pace``
calls are not spaced here: that is the workers' business (A32).
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx

from mailfax.faxcore import answers, verdict
from mailfax.faxcore.connection import (
    CONNECT_SECONDS,
    checked_url,
    connection_trouble,
    is_loopback,
    open_line,
)
from mailfax.faxcore.dates import hours_off
from mailfax.faxcore.download import FaxFile, FileType, NotTheFile
from mailfax.faxcore.errors import (
    AccountTrouble,
    Failure,
    InDoubt,
    NotSent,
    Refused,
    Unavailable,
)
from mailfax.faxcore.observed import Observed
from mailfax.faxcore.pace import LISTS_A_MINUTE, Pace
from mailfax.faxcore.reply import Reply
from mailfax.faxcore.upload import Handover
from mailfax.faxcore.values import FaxDetails, FaxUpload, Folder, Progress, is_test_number, progress_of, query_for
from mailfax.faxcore.xml import ANSWER_LIMIT, Answer

FORM = "application/x-www-form-urlencoded"  # to the letter of the reference (A7)
STREAM_SECONDS = 900.0  # for a whole list or file


class FaxCore:
    """One account. ``aclose`` it at the end.

    ``base_url`` has no default: a built-in host would be one that passwords leak to (A1). ``username`` and
    ``password`` go out as they are (A23). ``read_timeout``: seconds for an answer, longer than the 110 that
    ASP.NET allows itself. ``server_timezone``: how to read the service's dates. ``content_type``: of the upload (A7).
    ``lists_a_minute``: 0 is no bound; None is the usual one, and none on this machine.
    Raises ValueError, with a sentence for the administrator, where one of them can't be right.
    """

    def __init__(
        self,
        *,
        base_url: str,
        username: str,
        password: str,
        ca_file: Path | None = None,
        read_timeout: float = 180.0,
        server_timezone: str = "America/Los_Angeles",
        content_type: str = FORM,
        lists_a_minute: int | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        url = checked_url(base_url)
        self.observed = Observed()
        self._base = str(url).rstrip("/") + "/"
        self._is_loopback = is_loopback(url.host)
        self._zone = _zone(server_timezone)
        self._content_type = content_type
        usual = 0 if self._is_loopback else LISTS_A_MINUTE
        self.pace = Pace(usual if lists_a_minute is None else lists_a_minute, monotonic)
        self._read_timeout = read_timeout
        self._http = open_line(url, username, password, ca_file=ca_file, read_timeout=read_timeout)

    async def aclose(self) -> None:
        """Closes what is open."""
        await self._http.aclose()

    async def send_fax(
        self, upload: FaxUpload, chunks: AsyncIterator[bytes], *, may_finish: Callable[[], bool]
    ) -> str:
        """Hands one document over and returns its fax id.

        ``chunks`` are the ``upload.length`` bytes, and stay the caller's to close. ``may_finish`` is asked once,
        right before the last of them leave; False breaks the call off. Raises NotSent (AccountTrouble), Refused
        or InDoubt. A caller that is cancelled in here has to take the fax as in doubt.
        """
        if is_test_number(upload.number) and not self._is_loopback:
            raise Refused(
                "Numbers from 555-0100 to 555-0199 are for trials with the sandbox and are not faxed to.",
                diagnostic="test number",
            )
        handover = Handover(chunks, upload.length, may_finish)
        try:
            reply = await self._post(query_for(upload), handover, upload.length)
        except Failure:
            raise
        except Exception as error:  # whatever its name: only how much had left us counts
            raise _lost(error, finished=handover.finished) from error
        attempt = verdict.Attempt(
            number=upload.number,
            length=upload.length,
            finished=handover.finished,
            address_proven=self.observed.answers_as_faxcore,
        )
        fax_id = verdict.fax_id(reply, attempt)
        self.observed.answers_as_faxcore = True
        return fax_id

    async def fax_status(self, fax_id: str) -> str:
        """The status word of a fax, as reported; ``progress_of`` reads it. Raises NotRead or AccountTrouble."""
        word = answers.status_word(await self._ask("FaxStatus", about_fax=True, faxid=fax_id))
        self._note_word(word)
        return word

    async def list_folder(self, folder: Folder, *, hide_downloaded: bool = False) -> AsyncGenerator[str, None]:
        """The ids in a folder, one by one, in no order to rely on (A33).

        Only an iteration that ends by itself has seen the whole folder; a list that is cut short or not understood
        raises, perhaps after some ids. Close it (``aclosing``) where it is left early. ``hide_downloaded`` is an
        economy and may be ignored over there (A5, A6). Raises NotRead or AccountTrouble.
        """
        flag = "true" if hide_downloaded else "false"
        found = answers.IdList()
        with _failures_of_reading():
            async with self._get("GetFaxList", folder=folder.value, hidedownloaded=flag) as response:
                await self._check(response, about_fax=False)
                async with aclosing(_pieces(response, STREAM_SECONDS)) as pieces:
                    async for piece in pieces:
                        for fax_id in found.feed(piece):
                            yield fax_id
            for fax_id in found.close():
                yield fax_id
        self.observed.answers_as_faxcore = True
        self.observed.byte_order_mark = self.observed.byte_order_mark or found.byte_order_mark

    async def fax_details(self, fax_id: str, *, submitted: datetime | None = None) -> FaxDetails:
        """What the service knows about a fax. Raises NotRead or AccountTrouble.

        ``submitted`` (aware): when the attempt that brought this id was made, and only where that is known: the time
        of another attempt would be taken for another zone. It settles an ambiguous hour, and shows by how many hours
        the service's clock is off from ``server_timezone``; once learned, all dates are put right by that (A16).
        """
        answer = await self._ask("GetFaxDetails", about_fax=True, faxid=fax_id)
        details = answers.details(answer, fax_id, self._zone, near=submitted)
        if details.status:
            self._note_word(details.status)
        if submitted is not None and details.created is not None:
            off = hours_off(details.created, submitted)
            self.observed.hours_off = self.observed.hours_off if off is None else off
        correction = timedelta(hours=self.observed.hours_off or 0)
        return replace(
            details,
            created=details.created and details.created - correction,
            completed=details.completed and details.completed - correction,
        )

    async def download_fax(self, fax_id: str, *, filetype: FileType, to: BinaryIO) -> int:
        """Writes the pages of a fax to ``to`` and returns their bytes.

        What has been written before a failure is worth nothing. Raises NotRead or AccountTrouble, and whatever
        ``to.write`` raises.
        """
        written = 0
        with _failures_of_reading():
            async with self._get("DownloadFax", faxid=fax_id, filetype=filetype) as response:
                await self._check(response, about_fax=True)
                file = FaxFile(filetype, framed=_is_framed(response))
                async with aclosing(_pieces(response, STREAM_SECONDS)) as pieces:
                    async for piece in pieces:
                        written += await asyncio.to_thread(_write, to, file.feed(piece))
            written += await asyncio.to_thread(_write, to, file.feed(b"", last=True))
        return written

    async def delete_fax(self, fax_id: str) -> None:
        """Deletes a fax over there, most likely into the Trash (A21). Raises NotRead or AccountTrouble."""
        answers.check_deleted(await self._ask("DeleteFax", about_fax=True, faxid=fax_id))

    async def _post(self, query: str, handover: Handover, length: int) -> Reply:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(None) as limit, aclosing(handover.pieces()) as body:
            # from the last piece on the whole answer has read_timeout, however it dribbles in
            handover.on_finish = lambda: limit.reschedule(loop.time() + self._read_timeout)
            request = self._http.build_request(
                "POST",
                f"{self._base}SendFax?{query}",
                content=body,
                headers={"Content-Type": self._content_type, "Content-Length": str(length)},
            )
            response = await self._http.send(request, stream=True)
            try:
                self.observed.note_headers("SendFax", dict(response.headers))
                return await self._reply(response, self._read_timeout)
            finally:
                await response.aclose()

    async def _ask(self, call: str, *, about_fax: bool, **parameters: str) -> Answer:
        with _failures_of_reading():
            async with self._get(call, **parameters) as response:
                await self._check(response, about_fax=about_fax)
                answer = answers.read_whole(await self._reply(response, self._read_timeout))
        self.observed.answers_as_faxcore = True
        self.observed.repaired += answer.repaired
        self.observed.byte_order_mark = self.observed.byte_order_mark or answer.byte_order_mark
        return answer

    @asynccontextmanager
    async def _get(self, call: str, **parameters: str) -> AsyncGenerator[httpx.Response, None]:
        await self.pace.turn(call)
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
        request = self._http.build_request("GET", f"{self._base}{call}?{query}")
        async with asyncio.timeout(CONNECT_SECONDS + self._read_timeout):
            response = await self._http.send(request, stream=True)
        try:
            self.observed.note_headers(call, dict(response.headers))
            head = Reply(response.status_code, dict(response.headers), b"", datetime.now(UTC))
            self.pace.answered(call, head.status, head.retry_after)
            yield response
        finally:
            await response.aclose()

    async def _check(self, response: httpx.Response, *, about_fax: bool) -> None:
        if not response.is_success:
            reply = await self._reply(response, self._read_timeout)
            answers.check_status(reply, about_fax=about_fax, address_proven=self.observed.answers_as_faxcore)

    @staticmethod
    async def _reply(response: httpx.Response, seconds: float) -> Reply:
        body = bytearray()
        async with aclosing(_pieces(response, seconds)) as pieces:
            async for piece in pieces:
                body += piece
                if len(body) > ANSWER_LIMIT:
                    break  # read_answer refuses what is longer
        return Reply(response.status_code, dict(response.headers), bytes(body), datetime.now(UTC))

    def _note_word(self, word: str) -> None:
        if progress_of(word) is Progress.UNKNOWN:
            self.observed.note_unknown_word(word)


async def _pieces(response: httpx.Response, seconds: float) -> AsyncGenerator[bytes, None]:
    """The body as it comes in, within ``seconds``: a read timeout alone lets a server dribble for ever."""
    if response.headers.get("content-encoding", "identity") != "identity":
        return  # not asked for; nothing reads as an answer that was not understood
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    async for piece in response.aiter_raw():
        if loop.time() > deadline:
            raise TimeoutError
        yield piece


def _write(to: BinaryIO, block: bytes) -> int:
    if block:
        to.write(block)
    return len(block)


def _is_framed(response: httpx.Response) -> bool:
    """Whether a cut-off body would show: it has a length, or is chunked (RFC 9112 section 6.3)."""
    return "content-length" in response.headers or "transfer-encoding" in response.headers


@contextmanager
def _failures_of_reading() -> Generator[None, None, None]:
    try:
        yield
    except NotTheFile as odd:
        raise answers.no_file(str(odd), odd.said) from odd
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, ssl.SSLError, TimeoutError) as error:
        if (trouble := connection_trouble(error)) is not None:
            raise AccountTrouble(trouble, diagnostic=_name(error)) from error
        raise Unavailable(answers.NOT_NOW, diagnostic=_name(error)) from error


def _lost(error: Exception, *, finished: bool) -> Failure:
    """What a broken call means for a fax; the exception's name is only told, never judged by."""
    if finished:
        return InDoubt(verdict.IN_DOUBT, diagnostic=_name(error))
    if (trouble := connection_trouble(error)) is not None:
        return AccountTrouble(trouble, diagnostic=_name(error))
    return NotSent(verdict.NOT_WHOLE, diagnostic=_name(error))


def _name(error: Exception) -> str:
    return f"{type(error).__name__} on the call to the fax service"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            f"server_timezone {name!r} is not a time zone; an example is America/Los_Angeles, or Etc/GMT+8 for "
            "eight hours behind UTC all year."
        ) from error
