"""Received faxes as files in a folder, with a JSON beside each that says everything that is known.

In: a folder and a parcel. Out: durable files. A file has its name only when it is whole: it is written under another
one, synced, and linked. The JSON comes last, so that whoever sees it may read the documents. The same fax has the
same names, so that a second writing (we died before it was noted) finds the first one and changes nothing; a file
that is there and is another one is never overwritten.

LIMITS: the folder is never made: a disk that is not mounted must not fill the one below it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
from pathlib import Path

from mailfax.rules.failure import NotSent, Refused
from mailfax.targets.parcel import Parcel


class Folder:
    """Writes into folders."""

    async def take(self, place: str, parcel: Parcel) -> None:
        """Write the documents and the JSON; raises ``NotSent`` where the disk does not take them, or ``Refused``."""
        await asyncio.to_thread(_store, Path(place), parcel)

    async def probe(self, place: str) -> None:
        """See that the folder is there and can be written; raises ``NotSent``."""
        await asyncio.to_thread(_look, Path(place))


def _look(folder: Path) -> None:
    if not folder.is_dir():
        raise NotSent(f"The folder {folder} is not there", diagnostic="x-mailfax; no such folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise NotSent(f"The folder {folder} can't be written", diagnostic="x-mailfax; not writable")


def _store(folder: Path, parcel: Parcel) -> None:
    _look(folder)
    facts = json.dumps(parcel.facts, indent=2, ensure_ascii=False).encode() + b"\n"
    try:
        for name, content in (*((file.name, file.content) for file in parcel.files), (f"{parcel.name}.json", facts)):
            _write(folder, name, content)
            _sync(folder)
        for left in folder.glob(f".{parcel.name}.*.part"):  # of a process that died at it
            left.unlink(missing_ok=True)
    except OSError as failed:
        sentence = f"The folder {folder} can't be written: {failed.strerror}"
        raise NotSent(sentence, diagnostic=f"x-mailfax; {failed.strerror}") from failed


def _write(folder: Path, name: str, content: bytes) -> None:
    if _is_there(folder / name, content):
        return
    stem, _, _ = name.rpartition(".")
    part = folder / f".{stem}.{secrets.token_hex(6)}.part"
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, folder / name)  # unlike a renaming, it never takes the place of another file
        except FileExistsError:
            _is_there(folder / name, content)  # another process wrote it at the same time
        except OSError:
            part.rename(folder / name)  # a file system without links
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _is_there(path: Path, content: bytes) -> bool:
    """Whether this very file was written before; raises ``Refused`` where it is another one."""
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        return False
    if found != content:
        raise Refused(f"{path} is there and is another file", diagnostic="x-mailfax; the name is taken")
    return True


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
