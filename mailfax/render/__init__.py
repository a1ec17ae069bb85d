"""A submission becomes pages: one document for FaxCore, made in a cell that nothing escapes from.

In: the path of a mail, a directory. Out: ``Rendered`` with the document's file, or ``CannotRender``. No stranger's
byte is parsed in the service's own process: ``Renderer`` talks to a foreman process (``foreman``), which forks one
cell (``cell``) for each document. In a cell: ``plan`` decides what becomes of the submission, ``html``, ``picture``
and ``pdf`` draw it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mailfax.config import Limits
from mailfax.render.terms import ORDINARY, Terms, Wishes
from mailfax.rules.job import Status
from mailfax.rules.status import Cause, status

#: What the foreman's start may take, in seconds: a slow disk with many fonts.
START_SECONDS = 60.0
#: How much longer than the cell's own limit an answer may take before the foreman itself counts as hung.
MARGIN = 5.0
#: The longest line of an answer.
LINE = 4_500_000


@dataclass(frozen=True, slots=True)
class Rendered:
    """A document. ``pages`` is None where FaxCore makes them (``filename`` is then the attachment's own).

    ``notes`` is for the cover; ``contents`` says which pages are what, ``skipped`` what was left out and why.
    """

    content: Path
    filename: str
    pages: int | None
    notes: str
    contents: tuple[str, ...]
    skipped: tuple[str, ...]
    covered: bool = True  #: whether a fax that asks for nothing gets a cover page


class CannotRender(Exception):
    """No document. ``later``: the worker died or had no room, and it may work again; else it never will."""

    def __init__(self, why: Status, *, later: bool) -> None:
        super().__init__(why.sentence)
        self.status, self.later = why, later


class Renderer:
    """Turns mails into documents. One for the whole service; any number of ``render`` at once.

    ``paper`` is "letter" or "a4".
    """

    def __init__(self, *, paper: str, limits: Limits) -> None:
        self._terms = Terms(paper, limits.pages, limits.document_bytes, limits.render_seconds)
        self._foreman: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._ids = itertools.count(1)
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Start the foreman; raises ``CannotRender`` if it does not come up."""
        async with self._starting:
            if self._foreman is None:
                await self._start()

    async def render(self, source: Path, *, into: Path, wishes: Wishes = ORDINARY) -> Rendered:
        """Make the document of the mail in ``source``; its file is written into the directory ``into``."""
        made = (await self._ask("render", source, into, wishes=asdict(wishes)))["rendered"]
        # The answer comes from where strangers' files are opened: it names a file there, and no other.
        content = into / Path(made["filename"]).name
        if content.is_symlink() or not content.is_file():
            raise CannotRender(status(Cause.RENDER_FAILED, why="the converter made no document"), later=True)
        return Rendered(
            content=content,
            filename=content.name,
            pages=made["pages"],
            notes=made["notes"],
            contents=tuple(made["contents"]),
            skipped=tuple(made["skipped"]),
            covered=made["covered"],
        )

    async def count_pages(self, source: Path) -> int:
        """How many pages a received PDF has; raises ``CannotRender`` where it is damaged."""
        return int((await self._ask("count", source, source.parent))["pages"])

    async def close(self) -> None:
        """End the foreman and whatever cells there are."""
        foreman, self._foreman = self._foreman, None
        if foreman is None:
            return
        assert foreman.stdin is not None and self._listening is not None
        foreman.stdin.close()
        try:
            await asyncio.wait_for(foreman.wait(), MARGIN)
        except TimeoutError:
            foreman.kill()
            await foreman.wait()
        await self._listening

    async def _start(self) -> None:
        # Isolated, with an empty environment: neither secrets nor settings of the service get into it.
        code = (
            "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from mailfax.render.foreman import main; main()"
        )
        foreman = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-c",
            code,
            _search_path(),
            json.dumps(asdict(self._terms)),
            stdin=asyncio.subprocess.PIPE,
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
        if not ready:
            with contextlib.suppress(ProcessLookupError):
                foreman.kill()
            await foreman.wait()
            raise CannotRender(status(Cause.RENDER_FAILED, why="the converter does not start"), later=True)
        self._foreman = foreman
        self._listening = asyncio.create_task(self._listen(foreman, foreman.stdout))

    async def _ask(self, do: str, source: Path, into: Path, **more: object) -> dict[str, Any]:
        await self.start()
        foreman, number = self._foreman, next(self._ids)
        assert foreman is not None and foreman.stdin is not None
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            foreman.stdin.write(_task(number, do, source, into, **more))
            told = await asyncio.wait_for(answer, self._terms.seconds + MARGIN)
        except TimeoutError:
            # The foreman enforces the limit; where it does not, it hangs itself.
            foreman.kill()
            raise CannotRender(status(Cause.RENDER_FAILED, why="the converter hung"), later=True) from None
        except asyncio.CancelledError:
            foreman.stdin.write(json.dumps({"stop": number}).encode() + b"\n")
            raise
        finally:
            del self._waiting[number]
        if "refused" in told:
            raise CannotRender(Status(**told["refused"]), later=told["later"])
        return told

    async def _listen(self, foreman: asyncio.subprocess.Process, answers: asyncio.StreamReader) -> None:
        """Hand each answer to whom it is for; when the foreman is gone, tell all who wait."""
        while line := await answers.readline():
            told = json.loads(line)
            waiting = self._waiting.get(told["id"])
            if waiting is not None and not waiting.done():
                waiting.set_result(told)
        await foreman.wait()
        if self._foreman is foreman:
            self._foreman = None
        gone = status(Cause.RENDER_FAILED, "x-mailfax; the converter ended", why="the converter ended unexpectedly")
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(CannotRender(gone, later=True))


def _search_path() -> str:
    """Where modules are found, as the foreman takes it: its own working directory is the root."""
    return json.dumps([str(Path(entry).absolute()) for entry in sys.path])


def _task(number: int, do: str, source: Path, into: Path, **more: object) -> bytes:
    task = {"id": number, "do": do, "source": str(source.absolute()), "into": str(into.absolute()), **more}
    return json.dumps(task).encode() + b"\n"
