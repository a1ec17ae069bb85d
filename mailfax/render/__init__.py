"""A submission becomes pages: one document for FaxCore, made in a cell that nothing escapes from.

In: the path of a mail, a directory. Out: ``Rendered`` with the document's file, or ``CannotRender``. No stranger's
byte is parsed in the service's own process: ``Renderer`` talks to a foreman process (``foreman``), which forks one
cell (``cell``) for each document and closes it (``jail``). Neither sees the file system: both files are handed over
open. In a cell: ``plan`` decides what becomes of the submission, ``html``, ``picture`` and ``pdf`` draw it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
import socket
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from mailfax.config import ConfigError, Limits, RenderConfig
from mailfax.render.jail import Level
from mailfax.render.terms import ORDINARY, THUMBNAIL_WIDTH, Order, Terms, Wishes
from mailfax.rules.job import Status
from mailfax.rules.status import Cause, status

#: What the foreman's start may take, in seconds: a slow disk with many fonts.
START_SECONDS = 60.0
#: How much longer than the cell's own limit an answer may take before the foreman itself counts as hung.
MARGIN = 5.0
ORDINARY_CELL = RenderConfig()
#: How a PNG begins.
PNG = b"\x89PNG\r\n\x1a\n"
THUMBNAIL_SECONDS = 10.0
#: The longest line of an answer.
LINE = 4_500_000


@dataclass(frozen=True, slots=True)
class Rendered:
    """A document. ``pages`` is None where FaxCore makes them (``filename`` is then the attachment's own).

    ``notes`` is for the cover; ``contents`` says which pages are what, ``skipped`` what was left out and why;
    ``remarks`` are for the log.
    """

    content: Path
    filename: str
    pages: int | None
    notes: str
    contents: tuple[str, ...]
    skipped: tuple[str, ...]
    covered: bool = True  #: whether a fax that asks for nothing gets a cover page
    remarks: tuple[str, ...] = ()


class CannotRender(Exception):
    """No document. ``later``: the worker died or had no room, and it may work again; else it never will."""

    def __init__(self, why: Status, *, later: bool) -> None:
        super().__init__(why.sentence)
        self.status, self.later = why, later


class Renderer:
    """Turns mails into documents. One for the whole service; any number of ``render`` at once.

    ``paper`` is "letter" or "a4". ``closed`` says how well cells are closed, once it has started.
    """

    closed = ""

    def __init__(self, *, paper: str, limits: Limits, config: RenderConfig = ORDINARY_CELL) -> None:
        self._terms = Terms(paper, limits.pages, limits.document_bytes, limits.render_seconds, config.unsupported)
        self._least = Level[config.cell]
        self._foreman: asyncio.subprocess.Process | None = None
        self._tasks: socket.socket | None = None
        self._listening: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._ids, self._names = itertools.count(1), itertools.count(1)
        self._starting = asyncio.Lock()

    @property
    def paper(self) -> str:
        """The paper that documents are made for."""
        return self._terms.paper

    async def start(self) -> None:
        """Start the foreman; raises ``CannotRender`` if it does not come up, ``ConfigError`` if this machine can't
        close cells as well as the configuration wants it."""
        async with self._starting:
            if self._foreman is None:
                await self._start()

    async def render(self, source: Path, *, into: Path, wishes: Wishes = ORDINARY) -> Rendered:
        """Make the document of the mail in ``source``; its file is written into the directory ``into``."""
        # Nothing can be put in the place of a file that the cell has open, and has no name for.
        document = into / f".document-{next(self._names)}"
        try:
            with source.open("rb") as mail, document.open("xb") as empty:
                told = await self._ask("render", mail.fileno(), empty.fileno(), wishes=asdict(wishes))
            rendered = _rendered(told.get("rendered"), into)
            document.replace(rendered.content)
        finally:
            document.unlink(missing_ok=True)
        return rendered

    async def compose(self, source: Path, order: Order, *, into: Path) -> tuple[Path, int]:
        """Put the document in ``source``, a PDF of ours, together for one recipient: its file in the directory
        ``into``, and its number of pages. The same bytes every time; raises ``CannotRender``."""
        made, wish = into / "composed.pdf", into / "order.json"
        wish.write_text(json.dumps(asdict(order)))  # its pictures may be longer than a task
        with source.open("rb") as document, made.open("xb") as empty, wish.open("rb") as told:
            answer = await self._ask("compose", document.fileno(), empty.fileno(), told.fileno())
        pages = answer.get("pages")
        if not isinstance(pages, int) or not made.stat().st_size:
            raise _no_document()
        return made, pages

    async def examine(self, mail: BinaryIO, *, seconds: float) -> Status | None:
        """Why a mail can't be faxed, as far as that is seen without drawing it; None where nothing speaks against it.

        ``mail`` is an open file. What takes longer than ``seconds``, or goes wrong, speaks against nothing.
        """
        with contextlib.suppress(TimeoutError, OSError):
            try:
                async with asyncio.timeout(seconds):
                    await self._ask("examine", mail.fileno())
            except CannotRender as refused:
                return None if refused.later else refused.status
        return None

    async def count_pages(self, source: Path) -> int:
        """How many pages a received PDF has; raises ``CannotRender`` where it is damaged."""
        with source.open("rb") as fax:
            told = await self._ask("count", fax.fileno())
        pages = told.get("pages")
        if not isinstance(pages, int):
            raise _no_document()
        return pages

    async def picture(self, source: Path, page: int, width: int, *, into: Path) -> tuple[bytes, int]:
        """Page number ``page`` (from 1) of a fax, PDF or TIFF, as a PNG ``width`` dots wide, and the number of pages.
        Raises ``CannotRender``; ``into`` is a directory."""
        made, told = await self._shown("picture", source, into, page=page, width=width)
        pages = told.get("pages")
        # What a cell wrote may be a stranger's, and goes to somebody's browser.
        if not isinstance(pages, int) or not made.startswith(PNG):
            raise _no_document()
        return made, pages

    async def thumbnail(self, source: Path, *, into: Path) -> bytes:
        """The first page of a fax, PDF or TIFF, as notifications show it: a small PNG; nothing where none can be made
        in ``THUMBNAIL_SECONDS``, since none of them waits for it. ``into`` is a directory."""
        with contextlib.suppress(CannotRender, TimeoutError):
            async with asyncio.timeout(THUMBNAIL_SECONDS):
                made, _ = await self.picture(source, 1, THUMBNAIL_WIDTH, into=into)
                return made
        return b""

    async def as_pdf(self, source: Path, *, into: Path) -> bytes:
        """A fax, PDF or TIFF, as a PDF. Raises ``CannotRender``; ``into`` is a directory."""
        made, _ = await self._shown("as pdf", source, into)
        if b"%PDF-" not in made[:1024]:
            raise _no_document()
        return made

    async def lock(self, source: Path, password: str, *, into: Path) -> Path:
        """A received fax, PDF or TIFF, as a PDF that opens with ``password`` alone: its file in the directory
        ``into``. Raises ``CannotRender``."""
        made = into / "locked.pdf"
        with source.open("rb") as fax, made.open("xb") as empty:
            await self._ask("lock", fax.fileno(), empty.fileno(), password=password)
        # A cell may be a stranger's by now: nothing goes out in clear by its word.
        if not await asyncio.to_thread(_is_encrypted, made):
            raise _no_document()
        return made

    async def _shown(self, do: str, source: Path, into: Path, **more: object) -> tuple[bytes, dict[str, Any]]:
        made = into / f".shown-{next(self._names)}"
        try:
            with source.open("rb") as fax, made.open("xb") as empty:
                told = await self._ask(do, fax.fileno(), empty.fileno(), **more)
            return await asyncio.to_thread(made.read_bytes), told
        finally:
            made.unlink(missing_ok=True)

    async def close(self) -> None:
        """End the foreman and whatever cells there are."""
        foreman, self._foreman = self._foreman, None
        if foreman is None:
            return
        assert self._tasks is not None and self._listening is not None
        self._tasks.close()
        try:
            await asyncio.wait_for(foreman.wait(), MARGIN)
        except TimeoutError:
            foreman.kill()
            await foreman.wait()
        await self._listening

    async def _start(self) -> None:
        # Isolated, with an empty environment: neither secrets nor settings of the service get into it.
        code = (
            "import os, sys, json; sys.path[:] = json.loads(sys.argv[1]); "
            "os.environ['OPENBLAS_NUM_THREADS'] = '1'; "  # numpy's library: the foreman has one thread
            "from mailfax.render.foreman import main; main()"
        )
        self._tasks, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._tasks.setblocking(False)
        with theirs:
            foreman = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-c",
                code,
                _search_path(),
                json.dumps(asdict(self._terms)),
                stdin=theirs.fileno(),
                stdout=asyncio.subprocess.PIPE,
                limit=LINE,
                env={},
                cwd="/",
                start_new_session=True,
            )
        assert foreman.stdout is not None
        try:
            ready = await asyncio.wait_for(foreman.stdout.readline(), START_SECONDS)
        except TimeoutError:
            ready = b""
        told = json.loads(ready or "{}")
        if not ready or Level[told["level"]] < self._least:
            with contextlib.suppress(ProcessLookupError):
                foreman.kill()
            await foreman.wait()
            self._tasks.close()
            if ready:
                raise ConfigError(_too_open(self._least, told["closed"]))
            raise CannotRender(status(Cause.RENDER_FAILED, why="the converter does not start"), later=True)
        self.closed = told["closed"]
        self._foreman = foreman
        self._listening = asyncio.create_task(self._listen(foreman, foreman.stdout, self._tasks))

    async def _ask(self, do: str, *files: int, **more: object) -> dict[str, Any]:
        await self.start()
        foreman, number = self._foreman, next(self._ids)
        assert foreman is not None
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            await self._hand_over({"id": number, "do": do, **more}, files)
            told = await asyncio.wait_for(answer, self._terms.seconds + MARGIN)
        except TimeoutError:
            # The foreman enforces the limit; where it does not, it hangs itself.
            foreman.kill()
            raise CannotRender(status(Cause.RENDER_FAILED, why="the converter hung"), later=True) from None
        except asyncio.CancelledError:
            with contextlib.suppress(OSError):
                assert self._tasks is not None
                self._tasks.send(json.dumps({"stop": number}).encode())
            raise
        finally:
            del self._waiting[number]
        if "refused" in told:
            raise _refused(told)
        return told

    async def _hand_over(self, task: dict[str, Any], files: Sequence[int]) -> None:
        """Send a task with its open files; where the foreman is gone, whoever listens to it tells so."""
        while self._tasks is not None:
            try:
                socket.send_fds(self._tasks, [json.dumps(task).encode()], files)
            except BlockingIOError:
                await asyncio.sleep(0.01)
            except OSError:
                return
            else:
                return

    async def _listen(
        self, foreman: asyncio.subprocess.Process, answers: asyncio.StreamReader, tasks: socket.socket
    ) -> None:
        """Hand each answer to whom it is for; when the foreman is gone, tell all who wait."""
        while line := await answers.readline():
            told = _on_one_line(json.loads(line))
            waiting = self._waiting.get(told["id"])
            if waiting is not None and not waiting.done():
                waiting.set_result(told)
        tasks.close()
        await foreman.wait()
        if self._foreman is foreman:
            self._foreman = None
        gone = status(Cause.RENDER_FAILED, "x-mailfax; the converter ended", why="the converter ended unexpectedly")
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(CannotRender(gone, later=True))


def _is_encrypted(pdf: Path) -> bool:
    """Whether a PDF says so itself, in its trailer."""
    content = pdf.read_bytes()
    return content.startswith(b"%PDF-") and b"/Encrypt" in content[-4096:]


def _search_path() -> str:
    """Where modules are found, as the foreman takes it: its own working directory is the root."""
    return json.dumps([str(Path(entry).absolute()) for entry in sys.path])


def _rendered(made: object, into: Path) -> Rendered:
    """The answer comes from where strangers' files are opened: each of its values is looked at."""
    if isinstance(made, dict) and (made.get("filename") in ("", "..") or made.get("pages") in range(-10_000, 1)):
        raise _no_document()
    match made:
        case {
            "filename": str(filename),
            "pages": int() | None as pages,
            "notes": str(notes),
            "contents": list(contents),
            "skipped": list(skipped),
            "covered": bool(covered),
            "remarks": list(remarks),
        } if Path(filename).name == filename and filename.isprintable():
            lines = [*contents, *skipped, *remarks]
            if all(isinstance(line, str) for line in lines):
                told = tuple(contents), tuple(skipped), covered, tuple(remarks)
                return Rendered(into / filename, filename, pages, notes, *told)
    raise _no_document()


def _refused(told: dict[str, Any]) -> CannotRender:
    match told:
        case {
            "refused": {"code": str(code), "sentence": str(sentence), "diagnostic": str(diagnostic)},
            "later": bool(later),
        } if re.fullmatch(r"5\.\d{1,3}\.\d{1,3}", code) and sentence and diagnostic:
            return CannotRender(Status(code, sentence, diagnostic), later=later)
    return _no_document()


def _on_one_line(told: Any, key: str = "") -> Any:
    """The same answer, but no text ends its line or moves what stands beside it in a report; notes have lines."""
    if isinstance(told, dict):
        return {name: _on_one_line(value, name) for name, value in told.items()}
    if isinstance(told, list):
        return [_on_one_line(value) for value in told]
    if isinstance(told, str) and key not in ("notes", "filename"):
        return "".join(sign if sign.isprintable() else " " for sign in told)
    return told


def _no_document() -> CannotRender:
    return CannotRender(status(Cause.RENDER_FAILED, why="the converter made no document"), later=True)


def _too_open(least: Level, closed: str) -> str:
    return (
        f'[render] cell: "{least.name}" is wanted, and here it is {closed}; see "Where it happens" in '
        "docs/reference/submission.md for what each layer needs, or, if strangers' files may reach your own, write "
        'cell = "low" and unconfined = true'
    )
