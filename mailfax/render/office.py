"""One LibreOffice that is kept warm: a file costs it 0.06 s, where a new one costs 0.8 s.

In: a file in its folder. Out: a PDF in its folder, and what of the file is not on its pages. ``OfficeFailed`` where
it died or hung: then it is not to be used again. A helper (``office_script``) runs beside it under the Python that it
came with, and speaks to it through a named pipe that only this user can open: nothing listens on a network.

Macros never run: the profile forbids them, and so does each opening. Links to elsewhere are never followed.

LIMITS: ``MOST_DOCUMENTS`` and ``MOST_MEMORY`` of one LibreOffice before it is replaced.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import tempfile
from hashlib import md5
from importlib.resources import files
from pathlib import Path
from typing import Any

from mailfax.render.programs import end, start

#: How long LibreOffice may take to come up, in seconds: the first start of a slow machine.
START_SECONDS = 40.0
#: It makes its profile, ends with this status, and wants to be started again.
START_AGAIN = 81
MOST_DOCUMENTS = 200
#: How long one that dies goes on answering, in seconds.
AFTERMATH = 0.5
#: In bytes, resident. Fresh it has 120 MB, after ordinary documents 200 MB.
MOST_MEMORY = 800 * 1024 * 1024
#: Read while we still are who may read it.
SCRIPT = files("mailfax.render").joinpath("office_script.py").read_text(encoding="utf-8")
OPTIONS = ("--headless", "--invisible", "--norestore", "--nologo", "--nodefault", "--nolockcheck")
#: Where LibreOffice lays its pipes, whatever it is told (sal, pipe.cxx): one that is asked for, one for each profile.
PIPES = "/tmp/OSL_PIPE_"  # noqa: S108
#: Path, name and value in LibreOffice's registry.
SETTINGS = (
    ("Office.Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("Office.Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("Office.Writer/Content/Update", "Link", "2"),
    ("Office.Calc/Content/Update", "Link", "2"),
)


def cold(soffice: str, folder: Path, source: Path) -> list[str]:
    """The command by which a new LibreOffice turns ``source`` into a PDF beside it, and ends."""
    where = ["--outdir", str(folder), str(source)]
    return [soffice, *OPTIONS, f"-env:UserInstallation=file://{folder}/profile", "--convert-to", "pdf", *where]


class OfficeFailed(Exception):
    """It died, hung, or did not come up."""


class NotOpened(Exception):
    """LibreOffice can't open the file; it is alive."""


class Office:
    """A LibreOffice with its helper, in a folder of their own."""

    def __init__(self, soffice: str) -> None:
        self._soffice = soffice
        self.folder = Path(tempfile.mkdtemp(prefix="mailfax-office-"))
        self._pipe, self._profile = self.folder.name, f"file://{self.folder}/profile"
        self._office: asyncio.subprocess.Process | None = None
        self._helper: asyncio.subprocess.Process | None = None
        self._documents = 0

    async def start(self) -> None:
        """Come up; raises ``OfficeFailed``."""
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._start()
        except (OSError, TimeoutError) as failed:
            raise OfficeFailed("LibreOffice does not start") from failed

    async def _start(self) -> None:
        profile = self.folder / "profile" / "user"
        profile.mkdir(parents=True)
        (profile / "registrymodifications.xcu").write_text(_registry(), encoding="utf-8")
        self._helper = helper = await start([_python(self._soffice), "-I", "-c", SCRIPT, self._pipe], self.folder)
        ready = asyncio.ensure_future(_line(helper))
        status = START_AGAIN
        while status == START_AGAIN and not ready.done():
            self._remove_pipes()
            command = [self._soffice, *OPTIONS, f"-env:UserInstallation={self._profile}"]
            self._office = await start([*command, f"--accept=pipe,name={self._pipe};urp;"], self.folder)
            ended = asyncio.ensure_future(self._office.wait())
            await asyncio.wait([ready, ended], return_when=asyncio.FIRST_COMPLETED)
            status = ended.result() if ended.done() else 0
            ended.cancel()
        if not ready.done() or "ready" not in ready.result():
            ready.cancel()
            raise OfficeFailed(f"LibreOffice ended with status {status}")

    async def convert(self, source: Path, target: Path, seconds: float) -> list[str]:
        """Make ``target``, a PDF of ``source``; what is not on its pages. Raises ``OfficeFailed``, ``NotOpened``."""
        assert self._office is not None and self._helper is not None and self._helper.stdin is not None
        self._documents += 1
        task = {"in": str(source), "out": str(target)}
        try:
            self._helper.stdin.write(json.dumps(task).encode() + b"\n")
            answer = await asyncio.wait_for(_line(self._helper), seconds)
        except TimeoutError:
            raise OfficeFailed(f"it took longer than {round(seconds)} seconds") from None
        except OSError as gone:
            raise OfficeFailed("it ended") from gone
        if "wrong" in answer:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._office.wait()), AFTERMATH)
                raise OfficeFailed("it ended")
            raise NotOpened(str(answer["wrong"]))
        if "notes" not in answer:
            raise OfficeFailed("it ended")
        return [str(note) for note in answer["notes"]]

    @property
    def worn(self) -> bool:
        """Whether it has done enough, or grown too large, and is to be replaced."""
        assert self._office is not None
        try:
            resident = int(Path(f"/proc/{self._office.pid}/statm").read_text().split()[1]) * 4096
        except OSError:
            return True
        return self._documents >= MOST_DOCUMENTS or resident > MOST_MEMORY

    async def close(self) -> None:
        """End it, whatever it does, and remove its folder."""
        for process in (self._office, self._helper):
            if process is not None:
                await end(process)
        self._remove_pipes()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _remove_pipes(self) -> None:
        """Where /tmp is the machine's, LibreOffice may make sockets there and can't remove them."""
        digest = md5(self._profile.encode("utf-16-le"), usedforsecurity=False).digest()
        for pipe in (self._pipe, "SingleOfficeIPC_" + "".join(f"{byte:x}" for byte in digest)):
            for user in (f"{os.getuid()}_", ""):  # without, where it can't find out who it is
                Path(f"{PIPES}{user}{pipe}").unlink(missing_ok=True)


async def _line(helper: asyncio.subprocess.Process) -> dict[str, Any]:
    """The next answer; {} where the helper is gone, or LibreOffice under it."""
    assert helper.stdout is not None
    line = await helper.stdout.readline()
    return dict(json.loads(line)) if line else {}


def _python(soffice: str) -> str:
    """LibreOffice's own Python where it brings one; else the system's, which python3-uno belongs to."""
    own = Path(soffice).with_name("python")
    return str(own) if own.exists() else "/usr/bin/python3"


def _registry() -> str:
    items = "".join(
        f'<item oor:path="/org.openoffice.{path}"><prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop>'
        "</item>"
        for path, name, value in SETTINGS
    )
    schema = 'xmlns:oor="http://openoffice.org/2001/registry"'
    return f'<?xml version="1.0" encoding="UTF-8"?><oor:items {schema}>{items}</oor:items>'
