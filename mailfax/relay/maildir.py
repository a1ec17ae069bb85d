"""Our mail into Maildirs on disk: one for each address, below one directory: ``<root>/<address>/{tmp,new,cur}``.

In: an envelope and a whole mail with CRLF. Out: nothing once it is durable; otherwise ``NotSent``.

STANDARDS: Maildir (cr.yp.to/proto/maildir.html), RFC 5321 4.4 (Return-Path at final delivery).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from mailfax.rules.failure import NotSent

#: Longest name of a directory; longer addresses end with a digest.
_NAME_LONGEST = 200


class Maildir:
    """One Maildir for each address, below one directory: ``<root>/<address>/{tmp,new,cur}``."""

    def __init__(self, root: Path, hostname: str) -> None:
        self._root = root
        # A file name of a Maildir may hold neither "/" nor ":" (the separator of flags).
        self._hostname = re.sub(r"[^A-Za-z0-9.-]", "_", hostname)

    async def hand_over(self, sender: str, recipients: Sequence[str], content: bytes) -> None:
        """Store a mail for each recipient, durably; raises ``NotSent`` where the disk doesn't take it."""
        try:
            for recipient in recipients:
                await asyncio.to_thread(self._store, sender, recipient, content)
        except OSError as failed:
            raise _disk(failed) from failed

    async def probe(self) -> None:
        """See that the root can be written; raises ``NotSent``."""
        try:
            await asyncio.to_thread(self._root.mkdir, mode=0o700, parents=True, exist_ok=True)
        except OSError as failed:
            raise _disk(failed) from failed
        if not os.access(self._root, os.W_OK | os.X_OK):
            raise NotSent(f"The mail directory {self._root} can't be written", diagnostic="x-mailfax; not writable")

    async def close(self) -> None:
        """Nothing is open between two mails."""

    def _store(self, sender: str, recipient: str, content: bytes) -> None:
        folder = self._root / _folder_name(recipient)
        for part in ("tmp", "new", "cur"):
            (folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{time.time_ns() // 1_000_000_000}.{secrets.token_hex(10)}.{self._hostname}"
        # Final delivery: the envelope is written into the mail (RFC 5321 4.4), and lines end as files here do.
        top = f"Return-Path: <{_bare(sender)}>\nDelivered-To: {_bare(recipient)}\n".encode()
        waiting = folder / "tmp" / name
        try:
            with waiting.open("xb") as file:
                file.write(top + content.replace(b"\r\n", b"\n"))
                file.flush()
                os.fsync(file.fileno())
            waiting.rename(folder / "new" / name)
        except OSError:
            waiting.unlink(missing_ok=True)
            raise
        # The new name, and the directories that may be new as well, must survive a crash before we say "taken".
        for directory in (folder / "new", folder, self._root):
            _sync_directory(directory)


def _folder_name(address: str) -> str:
    """An address as one directory name: no separators, no leading dot, one case (mailboxes are compared without)."""
    name = quote(address.lower().encode("utf-8", "surrogateescape"), safe="@+=_-.")
    if name.startswith("."):
        name = "%2E" + name[1:]
    if len(name) > _NAME_LONGEST:
        name = f"{name[: _NAME_LONGEST - 33]}~{hashlib.sha256(name.encode()).hexdigest()[:32]}"
    return name or "%"


def _bare(address: str) -> str:
    return "".join(char for char in address if char.isprintable())


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _disk(failed: OSError) -> NotSent:
    sentence = f"The mail directory can't be written: {failed.strerror}"
    return NotSent(sentence, diagnostic=f"x-mailfax; {failed}", everybody=True)
