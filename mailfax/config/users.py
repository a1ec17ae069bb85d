"""The password file, read and written: who may log in, each with a hash that nobody turns back into the password.

In: a file of lines ``NAME:HASH`` or ``NAME:HASH:LISTENER``; empty lines and those that begin with "#" are passed
over. Out: ``User`` values. Raises ``ConfigError``; a line is told by its number and never shown. Others of the
machine must not read the file, and its group must not write it: whoever has a hash can try passwords against it for
as long as they like. ``mailfax passwd`` writes it.

STANDARDS: RFC 9106 (argon2id), the PHC string format of its hashes.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import tempfile
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from mailfax.config.names import LONGEST_USER_NAME
from mailfax.config.values import ConfigError

_BASE64 = "[A-Za-z0-9+/]+"
_LINE = re.compile(
    rf"(?P<name>[^:#][^:]{{0,{LONGEST_USER_NAME - 1}}})"
    rf":(?P<hash>\$argon2id\$v=19\$m=[0-9]{{1,7}},t=[0-9]{{1,3}},p=[0-9]{{1,2}}\${_BASE64}\${_BASE64})(?::(?P<listener>.+))?"
)
#: Reading by others, and writing by anybody but the owner.
_TOO_OPEN = stat.S_IRWXO | stat.S_IWGRP
#: Ten thousand users and more; anything longer is not a password file.
_LARGEST = 4_000_000


@dataclass(frozen=True, slots=True)
class User:
    """Who may log in. ``listener``: the only one where the password is good; "": all but those for copiers."""

    name: str
    hash: str
    listener: str = ""

    @property
    def line(self) -> str:
        """As it stands in the file."""
        return f"{self.name}:{self.hash}:{self.listener}".removesuffix(":")


def fold(name: str) -> str:
    """A user name as it is compared: upper and lower case, blanks around it and forms of one sign are the same."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def read_users(path: Path) -> tuple[User, ...]:
    """All users of the file at ``path``, each name once; none where there is no file."""
    try:
        with path.open("rb") as file:
            status = path.stat()
            content = file.read(_LARGEST + 1)
    except FileNotFoundError:
        return ()
    except OSError as problem:
        raise ConfigError(
            f"{path}: can't be read ({problem.strerror}); give it to the user that runs mailfax"
        ) from None
    if status.st_mode & _TOO_OPEN:
        raise ConfigError(
            f"{path}: others can read or change the passwords (mode {stat.S_IMODE(status.st_mode):04o}); "
            f"run: chmod 600 {path} (640 where its group runs mailfax)"
        )
    if len(content) > _LARGEST:
        raise ConfigError(
            f"{path}: more than {_LARGEST} bytes, so it is no password file; name another in password_file"
        )
    try:
        lines = content.decode().split("\n")
    except UnicodeDecodeError as problem:
        raise ConfigError(f"{path}: byte {problem.start} is not UTF-8; save the file as UTF-8") from None
    users: dict[str, User] = {}
    for number, line in enumerate(lines, 1):
        user = parse_line(line)
        if user is None:
            continue
        if isinstance(user, str):
            raise ConfigError(f"{path}: line {number}: {user}; take it out and run: mailfax passwd NAME")
        if fold(user.name) in users:
            raise ConfigError(
                f'{path}: line {number}: "{user.name}" stands there a second time; take one of the two out'
            )
        users[fold(user.name)] = user
    return tuple(users.values())


def parse_line(line: str) -> User | str | None:
    """The user of a line, None for an empty line or a comment, or what is wrong with it, as text."""
    written = line.strip()
    if not written or written.startswith("#"):
        return None
    match = _LINE.fullmatch(written)
    if not match or not written.isprintable():
        return "neither NAME:HASH nor NAME:HASH:LISTENER with an argon2id hash"
    return User(match["name"].strip(), match["hash"], (match["listener"] or "").strip())


def write_user(path: Path, name: str, user: User | None) -> None:
    """Put ``user`` in the place of the line of ``name``, or at the end; None takes that line out. All else stays.

    The file is replaced whole and at once. It keeps its owner, group and mode; a new one has mode 0600 and, where
    root makes it, the owner of its folder. Raises ``OSError``; the old file is then as it was.
    """
    path = path.resolve()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        # Two that write at once would lose what one of them wrote.
        fcntl.flock(folder, fcntl.LOCK_EX)
        lines = path.read_text("utf-8").removesuffix("\n").split("\n") if path.exists() else []
        mine = [number for number, line in enumerate(lines) if _is_of(line, name)]
        written = [user.line] if user else []
        if mine:
            lines[mine[0] : mine[0] + 1] = written
        else:
            lines += written
        _replace(path, "".join(f"{line}\n" for line in lines))
        os.fsync(folder)
    finally:
        os.close(folder)


def _is_of(line: str, name: str) -> bool:
    user = parse_line(line)
    return isinstance(user, User) and fold(user.name) == fold(name)


def _replace(path: Path, content: str) -> None:
    """A new file with ``content`` takes the place of the one at ``path``."""
    existing = path.stat() if path.exists() else None
    owner = existing or (path.parent.stat() if os.geteuid() == 0 else None)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            if owner:
                os.fchown(handle, owner.st_uid, owner.st_gid)
            if existing:
                os.fchmod(handle, stat.S_IMODE(existing.st_mode))
            os.fsync(handle)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise
