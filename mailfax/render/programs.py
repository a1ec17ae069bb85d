"""The programs beside mailfax that draw what no library here draws: where they are, and how they are started.

In: this machine. Out: which kinds of files can be drawn here. Programs are never part of mailfax: they are installed
beside it and started as processes of their own (``converters``); what a missing one would draw goes to FaxCore
untouched or is refused. ``mailfax check`` tells which are there.

LIMITS: those of ``confined``: each has one folder, no network, and bounds of memory and of what it writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import shutil
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mailfax.render.confined import confine_converter, excess
from mailfax.render.fonts import font_folders, fonts_beside_the_system
from mailfax.render.kinds import Kind

TEXTS = frozenset([Kind.DOC, Kind.DOCX, Kind.RTF, Kind.ODT])
SHEETS = frozenset([Kind.XLS, Kind.XLSX, Kind.XLSB, Kind.ODS])
SLIDES = frozenset([Kind.PPT, Kind.PPTX, Kind.ODP, Kind.ODG])
OFFICE = TEXTS | SHEETS | SLIDES
PROGRAM_KINDS = OFFICE | {Kind.PS, Kind.XPS}
PATH = "/usr/local/bin:/usr/bin:/bin"
#: What one program may hold in memory, and have in its folder, in bytes; looked at every so many seconds.
MOST_MEMORY, MOST_WRITTEN, LOOK = 1536 * 1024**2, 400_000_000, 0.2


class NotConverted(Exception):
    """No pages. ``opened``: whether the program could read the file at all; ``later``: it may work another time."""

    def __init__(self, why: str, *, opened: bool = True, later: bool = False) -> None:
        super().__init__(why)
        self.opened, self.later = opened, later


@dataclass(frozen=True, slots=True)
class Program:
    """``package`` is Debian's, ``kinds`` are what it draws, ``path`` is "" where it is missing."""

    name: str
    package: str
    kinds: frozenset[Kind]
    path: str


@functools.cache
def programs() -> tuple[Program, ...]:
    """All that are of use, with their paths where they are installed. Looked for once."""
    office = Path(_which("soffice") or "/nonexistent/soffice").resolve().parent
    speaks = (office / "libpyuno.so").exists()

    def part(library: str) -> str:
        return str(office / "soffice.bin") if speaks and (office / library).exists() else ""

    return (
        Program("LibreOffice Writer", "libreoffice-writer-nogui python3-uno", TEXTS, part("libswlo.so")),
        Program("LibreOffice Calc", "libreoffice-calc-nogui python3-uno", SHEETS, part("libsclo.so")),
        Program("LibreOffice Impress", "libreoffice-impress-nogui python3-uno", SLIDES, part("libsdlo.so")),
        Program("Ghostscript", "ghostscript", frozenset([Kind.PS]), _which("gs")),
        Program("xpstopdf", "libgxps-utils", frozenset([Kind.XPS]), _which("xpstopdf")),
    )


def program_for(kind: Kind) -> Program | None:
    """Which program draws this kind, installed or not; None where none does."""
    return next((program for program in programs() if kind in program.kinds), None)


def drawn_by_programs() -> frozenset[Kind]:
    """The kinds that installed programs draw."""
    return frozenset(kind for program in programs() if program.path for kind in program.kinds)


async def start(command: Sequence[str], folder: Path) -> asyncio.subprocess.Process:
    """Start a program that has ``folder`` and nothing else; its standard input and output are pipes."""
    program = _laid_out(command[0], folder)
    process = await asyncio.create_subprocess_exec(
        str(program),
        *command[1:],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=folder,
        env={
            "PATH": PATH,
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "LANG": "C.UTF-8",
            "SAL_USE_VCLPLUGIN": "svp",
            "FONTCONFIG_FILE": str(folder / "fonts.conf"),
        },
        start_new_session=True,
        preexec_fn=lambda: confine_converter(folder, program, shown=font_folders()),
    )
    watching = asyncio.ensure_future(_watch(process, folder))
    _watching.add(watching)
    watching.add_done_callback(_watching.discard)
    return process


_watching: set[asyncio.Task[None]] = set()


async def _watch(process: asyncio.subprocess.Process, folder: Path) -> None:
    """End a program that takes more than it may; its user hears of its death."""
    while process.returncode is None:
        await asyncio.sleep(LOOK)
        if excess(process.pid, folder, memory=MOST_MEMORY, room=MOST_WRITTEN):
            await end(process)


def _laid_out(program: str, folder: Path) -> Path:
    """The program itself, to which names are but links: nothing else is there for it to see."""
    (folder / "fonts.conf").write_text(fonts_beside_the_system(folder), encoding="utf-8")
    return Path(program).resolve()


async def end(process: asyncio.subprocess.Process) -> None:
    """End a program and whatever it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _which(name: str) -> str:
    return shutil.which(name, path=PATH) or ""
