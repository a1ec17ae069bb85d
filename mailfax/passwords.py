"""Whether a password is right: the users of the password file, asked by the SMTP server.

In: user name, password and listener, as a client gave them. Out: the user's name as it was registered, or None. A
verification costs about 20 ms and 19 MiB on purpose, takes place in threads, at most two at a time, and takes as long
for a name that nobody has. What was right a moment ago is remembered, so that a busy client pays once.

STANDARDS: RFC 9106 (argon2id), RFC 4954 and RFC 4616 2 (what AUTH hands over; passwords are compared in NFKC, as
RFC 4013 2.2 has it).
LIMITS: no hash but argon2id, no other source of users.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import time
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from mailfax.config import Config, User, read_users
from mailfax.config.listeners import may_log_in
from mailfax.config.users import fold

#: OWASP's password storage cheat sheet: as strong as RFC 9106's second choice, with a third of its memory.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
#: Verifications at a time: each fills a core and its memory.
AT_A_TIME = 2
#: How long a right password is remembered, in seconds, and how many are.
REMEMBERED_SECONDS, REMEMBERED = 300.0, 1000
#: How many signs a password may have: more than anybody types.
LONGEST = 1024


def hash_password(password: str) -> str:
    """The hash that stands in the password file, with a salt of its own; ValueError for what can't be a password."""
    word = _normal(password)
    if not word:
        raise ValueError(f"a password has 1 to {LONGEST} signs, and none of them is a control character")
    return _HASHER.hash(word)


def _normal(password: str) -> str:
    """One form of what keyboards write in several: "é" as one sign or two (RFC 4013 2.2); "" for no password."""
    word = unicodedata.normalize("NFKC", password[: LONGEST + 1])
    return word if len(word) <= LONGEST and word.isprintable() else ""


@dataclass(frozen=True, slots=True)
class _Table:
    """The file as it was at one moment. ``right``: what was verified with it, and until when that is remembered.

    ``right`` is part of the table, so that an answer to a question about the old file never counts for the new one.
    """

    stamp: tuple[int, ...] | None
    users: dict[str, User] = field(default_factory=dict)
    right: dict[bytes, float] = field(default_factory=dict)


class Passwords:
    """The password file, read anew whenever it changed. ``devices`` names the listeners for copiers."""

    def __init__(
        self, path: Path, devices: Iterable[str] = (), *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path, self._devices, self._clock = path, frozenset(devices), clock
        self._secret = secrets.token_bytes(32)
        # What is verified for a name that nobody has where the file is empty.
        self._nobody = _unmatched(hash_password(secrets.token_urlsafe()))
        self._table = _Table((), {})
        self._threads = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="passwords")

    @classmethod
    def of(cls, config: Config) -> Passwords:
        """The password file of a configuration."""
        return cls(config.password_file, [handler.name for handler in config.listeners if handler.device])

    async def authenticate(self, user: str, password: str, listener: str) -> str | None:
        """The name of ``user`` as it was registered, where ``password`` is theirs and good on ``listener``.

        Raises ``ConfigError`` where the file can't be used, ``argon2.exceptions.VerificationError`` where there is no
        memory: nobody can tell then, and "wrong" would be a lie.
        """
        table, name, word = self._current(), fold(user), _normal(password)
        found = table.users.get(name) if word else None
        question = self._sign(name, word, listener)
        if found and table.right.get(question, -1.0) > self._clock():
            return found.name
        welcome = found is not None and may_log_in(found, listener, device=listener in self._devices)
        known = found.hash if found else self._nobody_s_hash(table, name)
        loop = asyncio.get_running_loop()
        right = await loop.run_in_executor(self._threads, _verify, known, word)
        if not (right and welcome and found):
            return None
        while len(table.right) >= REMEMBERED:
            del table.right[next(iter(table.right))]
        table.right[question] = self._clock() + REMEMBERED_SECONDS
        return found.name

    def stamp(self, user: str) -> str:
        """What stands for the password that ``user`` has now: another one after it was changed, "" where there is no
        such user. Raises ``ConfigError`` where the file can't be used."""
        found = self._current().users.get(fold(user))
        return hashlib.sha256(found.line.encode()).hexdigest()[:32] if found else ""

    def close(self) -> None:
        """Verify nothing more; what is under way ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _current(self) -> _Table:
        """The file as it is now. One look at it costs microseconds; it is read only where it changed."""
        stamp = self._stamp()
        if stamp != self._table.stamp:
            self._table = _Table(stamp, {fold(user.name): user for user in read_users(self._path)})
        return self._table

    def _stamp(self) -> tuple[int, ...] | None:
        try:
            seen = self._path.stat()
        except OSError:
            return None
        return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns

    def _sign(self, *words: str) -> bytes:
        """What stands for these words in memory, so that a dump of it shows no password."""
        # A name may be any text that a client sent; no sign of one word can be taken for the end of it.
        said = b"\xff".join(word.encode("utf-8", "surrogatepass") for word in words)
        return hmac.digest(self._secret, said, hashlib.sha256)

    def _nobody_s_hash(self, table: _Table, name: str) -> str:
        """A hash that no password has, as costly as that of some user: always of the same one for the same name."""
        if not table.users:
            return self._nobody
        users = list(table.users.values())
        return _unmatched(users[int.from_bytes(self._sign(name)[:8]) % len(users)].hash)


def _unmatched(known: str) -> str:
    """A hash with the same costs and length, that belongs to no known password."""
    head, _, digest = known.rpartition("$")
    drawn = secrets.token_bytes(len(digest) * 3 // 4)
    return f"{head}${base64.b64encode(drawn).decode().rstrip('=')}"


def _verify(known: str, password: str) -> bool:
    try:
        return _HASHER.verify(known, password)
    except VerifyMismatchError:
        return False
