"""The process that converts: it has the programs ready that draw what no library here draws.

In: files from cells, one connection each (``converters``). Out: their pages as PDF, or why there are none.
LibreOffice is kept warm, watched, and replaced where it dies or hangs; then the file is tried once more, by a new
one. All else is started for each file. It opens no file itself.

LIMITS: ``AT_ONCE`` files are converted at a time, ``LONGEST`` bytes each; each has its time, a hung program is ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from mailfax.render.confined import taken
from mailfax.render.kinds import Kind
from mailfax.render.office import START_AGAIN, NotOpened, Office, OfficeFailed, cold
from mailfax.render.programs import OFFICE, NotConverted, Program, end, program_for, programs, start

#: How many programs work at a time; one LibreOffice is kept warm, a second one is ended when it is not needed.
AT_ONCE = 2
#: LibreOffice is started when it is first needed, or after so many seconds: what ends sooner has no use for it.
WARM_AFTER = 10.0
LONGEST = 200_000_000
#: What of the time of a whole document each of two tries may take.
SHARE = 0.4
#: How programs that are started for each file are told.
COMMANDS = {
    Kind.XPS: "{program} {source} {target}",
    Kind.PS: "{program} -q -dSAFER -dBATCH -dNOPAUSE -dEPSCrop -sDEVICE=pdfwrite -o {target} {source}",
}


def serve(connection: socket.socket, seconds: float) -> None:
    """Work until the foreman is gone; ``seconds`` is what a whole document may take."""
    asyncio.run(_Server(connection, seconds).run())


class _Server:
    """The process that converts."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection, self._seconds = connection, seconds
        self._idle: list[Office] = []
        self._needed = False  #: whether a LibreOffice was ever started
        self._room = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until the foreman is gone."""
        gone = asyncio.Event()
        loop = asyncio.get_running_loop()

        def ask() -> None:
            _, ends, _, _ = socket.recv_fds(self._connection, 1, 1)
            for each in ends:
                self._wait_for(socket.socket(fileno=each))
            if not ends:
                loop.remove_reader(self._connection)
                gone.set()

        loop.add_reader(self._connection, ask)
        for soffice in sorted({program.path for program in programs() if program.path and program.kinds & OFFICE}):
            loop.call_later(WARM_AFTER, lambda path: self._begin(self._warm(path)), soffice)
        await gone.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for office in self._idle:
            await office.close()

    def _wait_for(self, connection: socket.socket) -> None:
        """Most cells never ask: nothing is made for one before it does."""
        loop = asyncio.get_running_loop()

        def heard() -> None:
            loop.remove_reader(connection)
            self._begin(self._serve(connection))

        loop.add_reader(connection, heard)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: socket.socket) -> None:
        """One file after the other, until the cell is gone."""
        reader, writer = await asyncio.open_connection(sock=connection)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError, KeyError):
            while line := await reader.readline():
                asked = json.loads(line)
                content = await reader.readexactly(min(int(asked["bytes"]), LONGEST))
                try:
                    async with self._room:
                        pdf, left_out = await self._convert(Kind(asked["kind"]), content)
                    answer: dict[str, Any] = {"bytes": len(pdf), "left_out": left_out}
                except NotConverted as failed:
                    pdf, answer = b"", {"why": str(failed), "opened": failed.opened, "later": failed.later}
                writer.write(json.dumps(answer).encode() + b"\n" + pdf)
                await writer.drain()
        writer.close()

    async def _convert(self, kind: Kind, content: bytes) -> tuple[bytes, list[str]]:
        program = program_for(kind)
        if program is None or not program.path:
            raise NotConverted("nothing here draws it")
        if kind in OFFICE:
            return await self._with_office(program.path, kind, content)
        return await self._with_program(program, kind, content), []

    async def _with_program(self, program: Program, kind: Kind, content: bytes) -> bytes:
        """By a program that is started for each file."""
        with tempfile.TemporaryDirectory(prefix="mailfax-convert-") as folder:
            source, target = _laid_down(folder, kind, content)
            command = COMMANDS[kind].format(program=program.path, source=source, target=target)
            code = await self._run(command.split(), folder)
            if code == -1:
                raise NotConverted(f"{program.name} took longer than {round(self._seconds * SHARE)} seconds")
            pdf = b"" if code else taken(target, LONGEST)
            if not pdf:
                raise NotConverted(f"{program.name} can't read it", opened=False)
            return pdf

    async def _with_office(self, soffice: str, kind: Kind, content: bytes) -> tuple[bytes, list[str]]:
        """By the warm one; where that dies, by a new one, once.

        A warm one without a screen dies of comments in a text (7.4: their window has no form) that could not be taken
        out of it (DOC, RTF); a cold one never shows them. It can't be asked what it leaves out.
        """
        with contextlib.suppress(OfficeFailed):
            return await self._by_office(soffice, kind, content)
        with tempfile.TemporaryDirectory(prefix="mailfax-office-") as folder:
            source, target = _laid_down(folder, kind, content)
            command = cold(soffice, Path(folder), source)
            code = await self._run(command, folder)
            if code == START_AGAIN:
                code = await self._run(command, folder)
            if code == 0 and (pdf := taken(target.with_name("in.pdf"), LONGEST)):
                return pdf, ["comments and hidden parts, if it has any"]
        if code == 0:
            raise NotConverted("LibreOffice can't open it", opened=False)
        raise NotConverted("LibreOffice could not turn it into pages, and was ended or ended itself")

    async def _run(self, command: list[str], folder: str) -> int:
        """Let a program work in its folder: how it ended; -1 where it had to be ended."""
        process = await start(command, Path(folder))
        try:
            async with asyncio.timeout(self._seconds * SHARE):
                return await process.wait()
        except TimeoutError:
            return -1
        finally:
            await end(process)

    async def _by_office(self, soffice: str, kind: Kind, content: bytes) -> tuple[bytes, list[str]]:
        office = self._idle.pop() if self._idle else await self._new(soffice)
        good = False
        try:
            with tempfile.TemporaryDirectory(dir=office.folder) as folder:
                source, target = _laid_down(folder, kind, content)
                try:
                    left_out = await office.convert(source, target, self._seconds * SHARE)
                    good = True
                    return taken(target, LONGEST), left_out
                except NotOpened:
                    good = True
                    raise NotConverted("LibreOffice can't open it", opened=False) from None
        finally:
            if good and not office.worn and not self._idle:
                self._idle.append(office)
            else:
                await office.close()

    async def _new(self, soffice: str) -> Office:
        self._needed = True
        office = Office(soffice)
        try:
            await office.start()
        except BaseException:
            await office.close()
            raise
        return office

    async def _warm(self, soffice: str) -> None:
        """Start the one that is kept, unless a file has already asked for it, or does while it comes up."""
        if self._needed:
            return
        with contextlib.suppress(OfficeFailed):
            office = await self._new(soffice)
            if self._idle:
                await office.close()
            else:
                self._idle.append(office)


def _laid_down(folder: str, kind: Kind, content: bytes) -> tuple[Path, Path]:
    """The file in its folder, and where its PDF is to be."""
    source = Path(folder, f"in.{kind.value}")
    source.write_bytes(content)
    return source, Path(folder, "out.pdf")
