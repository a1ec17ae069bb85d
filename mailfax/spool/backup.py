"""The whole spool in one file, made while mailfax runs, and such a file as the spool again.

In: the database, its folder of contents. Out: a tar file: ``spool.db``, a copy from one moment, and below
``content/`` every large content that it counts on. What is restored knows that it is an older copy (``recovery``).

LIMITS: SQLite only; PostgreSQL has its own tools. The file holds everything: numbers, names, documents.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tarfile
import tempfile
import time
from pathlib import Path, PurePosixPath
from typing import Final

from mailfax.spool.connection import alone, connect
from mailfax.spool.engine import SpoolRefused
from mailfax.spool.files import file_path
from mailfax.spool.sql import statements

DATABASE: Final = "spool.db"
#: Pages copied before others may write again (4 KB each), and what of those is waited for, in seconds.
STEP_PAGES, STEP_SECONDS = 2000, 0.005


def back_up(path: Path, target: Path) -> int:
    """Write the spool at ``path`` to ``target``, which must not be there; its bytes. Raises ``SpoolRefused``."""
    if not path.is_file():
        raise SpoolRefused(f"{path}: there is no spool")
    if target.exists():
        raise SpoolRefused(f"{target}: is there already; name another file")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".mailfax-backup-") as folder:
            copy = Path(folder, DATABASE)
            contents = _copied(path, copy)
            whole = Path(folder, "whole")
            with open(whole, "xb", opener=_private) as file:
                with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
                    archive.add(copy, DATABASE)
                    for content in contents:
                        name = file_path(Path("content"), content)
                        try:
                            archive.add(file_path(path.parent / "content", content), str(name))
                        except FileNotFoundError:
                            if _is_there(path, content):
                                raise
                file.flush()
                os.fsync(file.fileno())
            size = whole.stat().st_size
            whole.rename(target)
            _flush(target.parent)
            return size
    except (OSError, sqlite3.Error) as trouble:
        raise SpoolRefused(f"{target}: the spool could not be copied there: {trouble}") from trouble


def _copied(path: Path, copy: Path) -> list[str]:
    """A copy of the database from one moment; the contents that are files beside it. A file is there before the row
    that counts on it, and for an hour after."""
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with contextlib.closing(connect(path)) as source, contextlib.closing(sqlite3.connect(copy)) as target:
        source.backup(target, pages=STEP_PAGES, sleep=STEP_SECONDS)
        target.execute("PRAGMA journal_mode=DELETE")
        return [row[0] for row in target.execute("SELECT content_id FROM content WHERE bytes IS NULL AND size > 0")]


def _is_there(path: Path, content: str) -> bool:
    """Whether a content was not deleted meanwhile: what has ended, and was kept long enough (retention.py)."""
    with contextlib.closing(connect(path)) as spool:
        return bool(spool.execute(statements()["content_size"], {"content_id": content}).fetchall())


def restore(source: Path, path: Path, *, replace: bool = False) -> Path | None:
    """Make ``path`` the spool that ``source`` holds; where the one that was there lies now. Raises ``SpoolRefused``.

    ``replace``: it may take the place of a spool, which is kept beside it.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".mailfax-restore-") as folder:
            with tarfile.open(source) as archive:
                _unpack(archive, Path(folder))
            fresh = Path(folder, DATABASE)
            if not fresh.is_file():
                raise SpoolRefused(f"{source}: holds no spool; name a file that mailfax backup has written")
            _prepare(fresh)
            kept = _aside(path, replace=replace)
            contents = path.parent / "content"
            for file in sorted(Path(folder, "content").rglob("*")):
                if file.is_file():
                    place = contents / file.relative_to(Path(folder, "content"))
                    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    os.utime(file)  # it is not to be swept before its row is there
                    file.replace(place)
                    _flush(place)
                    _flush(place.parent)
            _flush(fresh)
            fresh.replace(path)
            _flush(path.parent)
            return kept
    except tarfile.TarError as wrong:
        raise SpoolRefused(f"{source}: is no file that mailfax backup has written, or is damaged: {wrong}") from wrong
    except (OSError, sqlite3.Error) as trouble:
        raise SpoolRefused(f"{source}: could not be restored: {trouble}") from trouble


def _unpack(archive: tarfile.TarFile, folder: Path) -> None:
    """The files of a backup, and nothing that leads out of the folder.

    By hand, because ``extractall(filter="data")`` is not in Debian 12's Python 3.11.2.
    """
    for member in filter(tarfile.TarInfo.isreg, archive):
        place = PurePosixPath(member.name)
        if place.is_absolute() or ".." in place.parts:
            raise tarfile.TarError(f"{member.name} leads out of it")
        target = folder / place
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = archive.extractfile(member)
        assert content is not None, "a regular file has a content"
        with content, target.open("xb") as file:
            shutil.copyfileobj(content, file)


def _prepare(fresh: Path) -> None:
    """Whole, at the newest schema, and aware that it is a copy."""
    fresh.chmod(0o600)
    now = time.time()
    with alone(fresh, now) as file:
        [(found,)] = file.execute("PRAGMA quick_check(1)").fetchall()
        if found != "ok":
            raise SpoolRefused(f"the database in the backup is damaged: {found}")
        file.execute(statements()["recovery_begin"], {"now": now})
        file.execute("COMMIT")
        file.execute("BEGIN EXCLUSIVE")


def _aside(path: Path, *, replace: bool) -> Path | None:
    """Move the spool that is there out of the way; None where there is none."""
    if not path.exists():
        return None
    if not replace:
        raise SpoolRefused(f"{path}: is a spool that may be newer; to restore all the same, give --replace")
    with alone(path, time.time()):
        pass  # nobody has it open, and its log is written back
    kept = path.with_name(f"{path.name}.replaced-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}")
    path.rename(kept)
    return kept


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
