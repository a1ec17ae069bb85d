"""A password is good where it should be, nowhere else, and whoever guesses learns nothing but that it was wrong."""

from __future__ import annotations

import asyncio
import hashlib
import os
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2.exceptions import VerificationError

from mailfax import passwords
from mailfax.config import ConfigError, User, read_users
from mailfax.config.users import write_user
from mailfax.passwords import AT_A_TIME, LONGEST, REMEMBERED, REMEMBERED_SECONDS, Passwords, hash_password

pytestmark = pytest.mark.anyio

SECRET = hash_password("correct horse")
COPIERS = hash_password("copier's own")


class Clock:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "passwords"
    write_user(path, "Alice", User("Alice", SECRET))
    write_user(path, "copier-2", User("copier-2", COPIERS, "old copiers"))
    write_user(path, "clerk", User("clerk", SECRET, "people"))
    return path


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def users(file: Path, clock: Clock) -> Iterator[Passwords]:
    users = Passwords(file, ["copiers", "old copiers"], clock=clock)
    yield users
    users.close()


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that were verified, in order: what a client had to wait for."""
    seen: list[str] = []

    def verify(known: str, password: str) -> bool:
        seen.append(known)
        return real(known, password)

    real = passwords._verify
    monkeypatch.setattr(passwords, "_verify", verify)
    return seen


@pytest.mark.parametrize(
    ("user", "password", "listener", "name"),
    [
        ("Alice", "correct horse", "people", "Alice"),
        ("aLICE", "correct horse", "people", "Alice"),
        (" alice\t", "correct horse", "people", "Alice"),
        ("\uff21lice", "correct horse", "people", "Alice"),
        ("alice", "correct horse", "relay", "Alice"),
        ("alice", "Correct horse", "people", None),
        ("alice", "correct horse ", "people", None),
        ("alice", "copier's own", "people", None),
        ("alice", "", "people", None),
        pytest.param("alice", SECRET, "people", None, id="alice-her hash-people-None"),
        ("", "correct horse", "people", None),
        ("bob", "correct horse", "people", None),
        ("alice:", "correct horse", "people", None),
        ("# alice", "correct horse", "people", None),
        ("al\udcffice", "correct \udcff", "people", None),
        # A copier's password can be read on its way: it opens its own listener and no other.
        ("copier-2", "copier's own", "old copiers", "copier-2"),
        ("copier-2", "copier's own", "copiers", None),
        ("copier-2", "copier's own", "people", None),
        # And nobody's own password is asked for there.
        ("alice", "correct horse", "old copiers", None),
        # Bound to a listener for people.
        ("clerk", "correct horse", "people", "clerk"),
        ("clerk", "correct horse", "relay", None),
    ],
)
async def test_a_password_is_good_for_its_user_and_where_they_belong(
    users: Passwords, user: str, password: str, listener: str, name: str | None
) -> None:
    assert await users.authenticate(user, password, listener) == name
    assert await users.authenticate(user, password, listener) == name, "asked again, the answer is the same"


@pytest.mark.parametrize("typed", ["caf\u00e9 au lait", "cafe\u0301 au lait", "caf\u00e9\u00a0au lait"])
async def test_a_password_is_the_same_however_a_keyboard_writes_it(file: Path, typed: str) -> None:
    write_user(file, "bob", User("bob", hash_password("cafe\u0301 au lait")))
    users = Passwords(file)
    assert await users.authenticate("bob", typed, "people") == "bob"
    users.close()


@pytest.mark.parametrize("password", ["", "a" * (LONGEST + 1), "line\nbreak", "nul\0", "\udcff" * 9])
def test_what_no_client_could_send_is_no_password(password: str) -> None:
    with pytest.raises(ValueError, match="a password has 1 to 1024 signs"):
        hash_password(password)


async def test_a_password_longer_than_any_is_wrong_and_not_cut(file: Path) -> None:
    write_user(file, "bob", User("bob", hash_password("a" * LONGEST)))
    users = Passwords(file)
    assert await users.authenticate("bob", "a" * LONGEST, "people") == "bob"
    assert await users.authenticate("bob", "a" * (LONGEST + 1), "people") is None
    users.close()


# --- what a stranger can find out ------------------------------------------------------------------------------


async def test_a_name_that_nobody_has_takes_as_long_as_one_that_somebody_has(users: Passwords) -> None:
    async def seconds(user: str) -> float:
        began = time.perf_counter()
        await users.authenticate(user, "wrong", "people")
        return time.perf_counter() - began

    took: dict[str, list[float]] = {"alice": [], "nobody": [], "copier-2": []}
    for _ in range(9):
        for user, each in took.items():
            each.append(await seconds(user))
    best = {user: min(each) for user, each in took.items()}
    print({user: f"{statistics.median(each) * 1000:.1f} ms" for user, each in took.items()})
    assert max(best.values()) < 2 * min(best.values())


@pytest.mark.parametrize("user", ["nobody", "al\udcff", "copier-2", ""])
async def test_every_answer_costs_one_verification(users: Passwords, verified: list[str], user: str) -> None:
    assert await users.authenticate(user, "wrong", "people") is None
    assert len(verified) == 1


async def test_it_costs_the_same_where_the_file_is_empty(tmp_path: Path, verified: list[str]) -> None:
    users = Passwords(tmp_path / "passwords")
    assert await users.authenticate("alice", "correct horse", "people") is None
    assert verified[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    users.close()


async def test_a_strangers_costs_are_those_of_a_user_and_always_the_same(file: Path, verified: list[str]) -> None:
    """A file with hashes of another make must not tell its users from strangers."""
    path = file.with_name("mixed")
    dear = "$argon2id$v=19$m=1024,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$3wUzYJxCJzRXSrqeqLXSmCuVkyvRTyrn6N9RZW8cTXk"
    cheap = dear.replace("t=3", "t=1")
    for number in range(8):
        write_user(path, f"user{number}", User(f"user{number}", dear if number % 2 else cheap))
    users = Passwords(path)
    costs: dict[str, set[str]] = {}
    for _ in range(2):
        for name in (f"nobody{number}" for number in range(32)):
            assert await users.authenticate(name, "wrong", "people") is None
            costs.setdefault(name, set()).add(verified[-1].split("$")[3])
    users.close()
    assert all(len(each) == 1 for each in costs.values())
    assert set.union(*costs.values()) == {"m=1024,t=3,p=1", "m=1024,t=1,p=1"}
    assert not set(verified) & {dear, cheap}, "what is verified for a stranger is nobody's hash"


# --- what a busy client pays -----------------------------------------------------------------------------------


async def test_what_was_right_is_remembered_for_minutes(users: Passwords, verified: list[str], clock: Clock) -> None:
    for _ in range(3):
        assert await users.authenticate("alice", "correct horse", "people") == "Alice"
    assert len(verified) == 1
    clock.now += REMEMBERED_SECONDS + 1
    assert await users.authenticate("alice", "correct horse", "people") == "Alice"
    assert len(verified) == 2


async def test_what_was_wrong_is_verified_again_and_again(users: Passwords, verified: list[str]) -> None:
    for _ in range(3):
        assert await users.authenticate("alice", "wrong", "people") is None
    assert len(verified) == 3


async def test_memory_holds_neither_passwords_nor_more_than_it_should(
    users: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_verify", lambda known, password: True)
    for number in range(REMEMBERED + 50):
        await users.authenticate("alice", f"password {number}", "people")
    kept = users._table.right
    assert len(kept) == REMEMBERED
    assert hashlib.sha256(b"password 1049").digest() not in kept
    assert all(len(key) == 32 for key in kept)


async def test_at_most_two_are_verified_at_a_time_and_the_loop_goes_on(
    users: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, most, gate = 0, 0, threading.Event()
    lock = threading.Lock()

    def verify(known: str, password: str) -> bool:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        gate.wait(10)
        with lock:
            now -= 1
        return False

    monkeypatch.setattr(passwords, "_verify", verify)
    asked = [asyncio.create_task(users.authenticate(f"user{each}", "wrong", "people")) for each in range(6)]
    while now < AT_A_TIME:
        await asyncio.sleep(0)
    for task in asked[:4]:
        task.cancel()  # clients that hang up leave no third verification behind
    await asyncio.sleep(0.05)
    gate.set()
    assert await asyncio.gather(*asked[4:]) == [None, None]
    assert most == AT_A_TIME


# --- a file that changes ---------------------------------------------------------------------------------------


async def test_a_new_password_counts_at_once_and_the_old_one_no_more(users: Passwords, file: Path) -> None:
    assert await users.authenticate("alice", "correct horse", "people") == "Alice"
    write_user(file, "alice", User("Alice", hash_password("battery staple")))
    assert await users.authenticate("alice", "correct horse", "people") is None
    assert await users.authenticate("alice", "battery staple", "people") == "Alice"


async def test_a_user_who_was_struck_off_is_nobody_at_once(users: Passwords, file: Path) -> None:
    assert await users.authenticate("alice", "correct horse", "people") == "Alice"
    write_user(file, "ALICE", None)
    assert await users.authenticate("alice", "correct horse", "people") is None


async def test_an_answer_about_the_old_file_is_not_remembered_for_the_new(
    users: Passwords, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, gate = threading.Event(), threading.Event()

    def verify(known: str, password: str) -> bool:
        begun.set()
        gate.wait(10)
        return real(known, password)

    real = passwords._verify
    monkeypatch.setattr(passwords, "_verify", verify)
    asked = asyncio.create_task(users.authenticate("alice", "correct horse", "people"))
    while not begun.is_set():
        await asyncio.sleep(0)
    write_user(file, "alice", User("Alice", hash_password("battery staple")))
    assert await asyncio.gather(users.authenticate("alice", "battery staple", "people"), _set(gate)) == [
        "Alice",
        None,
    ]
    await asked
    assert await users.authenticate("alice", "correct horse", "people") is None


async def _set(gate: threading.Event) -> None:
    gate.set()


@pytest.mark.parametrize("spoilt", ["alice\n", f"alice:{SECRET}\nalice:{SECRET}\n"])
async def test_a_file_that_can_not_be_read_is_no_answer(users: Passwords, file: Path, spoilt: str) -> None:
    """Saying "wrong" would send people to change a password that is right."""
    assert await users.authenticate("alice", "correct horse", "people") == "Alice"
    file.write_text(spoilt)
    for _ in range(2):
        with pytest.raises(ConfigError):
            await users.authenticate("alice", "correct horse", "people")
    file.write_text(f"alice:{SECRET}\n")
    assert await users.authenticate("alice", "correct horse", "people") == "alice"


async def test_a_file_that_others_may_read_is_no_answer(users: Passwords, file: Path) -> None:
    assert await users.authenticate("alice", "correct horse", "people") == "Alice"
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="others can read or change the passwords"):
        await users.authenticate("alice", "correct horse", "people")


async def test_no_memory_is_no_answer(users: Passwords, file: Path) -> None:
    """A hash that can't be computed, here one with less memory than argon2 has at least."""
    write_user(file, "bob", User("bob", SECRET.replace("m=19456", "m=1")))
    with pytest.raises(VerificationError):
        await users.authenticate("bob", "correct horse", "people")


async def test_where_the_file_is_taken_away_nobody_can_log_in(users: Passwords, file: Path) -> None:
    assert await users.authenticate("alice", "correct horse", "people") == "Alice"
    file.unlink()
    assert await users.authenticate("alice", "correct horse", "people") is None


# --- the file as it is written -----------------------------------------------------------------------------------


def test_other_lines_comments_and_their_order_stay(tmp_path: Path) -> None:
    path = tmp_path / "passwords"
    path.write_text(f"# people\nbob:{SECRET}\n\n  Alice:{SECRET}:people \n# copiers\ncopier:{SECRET}:copiers")
    path.chmod(0o640)
    write_user(path, "alice", User("Alice", COPIERS))
    write_user(path, "bob", None)
    write_user(path, "zoe", User("zoe", SECRET))
    assert path.read_text() == (f"# people\n\nAlice:{COPIERS}\n# copiers\ncopier:{SECRET}:copiers\nzoe:{SECRET}\n")
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    write_user(tmp_path / "passwords", "alice", User("alice", SECRET, "people: all"))
    assert (tmp_path / "passwords").stat().st_mode & 0o777 == 0o600
    assert read_users(tmp_path / "passwords") == (User("alice", SECRET, "people: all"),)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").touch(0o600)
    (tmp_path / "passwords").symlink_to("real")
    write_user(tmp_path / "passwords", "alice", User("alice", SECRET))
    assert (tmp_path / "passwords").is_symlink()
    assert [user.name for user in read_users(tmp_path / "real")] == ["alice"]


def test_two_who_write_at_once_lose_nothing(tmp_path: Path) -> None:
    names = [f"user{number}" for number in range(20)]
    writers = [
        threading.Thread(target=write_user, args=(tmp_path / "passwords", name, User(name, SECRET))) for name in names
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(user.name for user in read_users(tmp_path / "passwords")) == sorted(names)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "passwords"
    write_user(path, "alice", User("alice", SECRET))

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_user(path, "bob", User("bob", SECRET))
    assert [user.name for user in read_users(path)] == ["alice"]
    assert list(tmp_path.iterdir()) == [path]
