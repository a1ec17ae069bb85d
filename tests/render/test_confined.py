"""A converter reaches its own folder and nothing else, with namespaces and without."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailfax.render import jail, programs
from mailfax.render.confined import confine_converter, excess, taken

PYTHON = Path("/usr/bin/python3").resolve()
USER = 1_900_200_000

PAYLOAD = """
import ctypes, json, os, socket, subprocess, sys
folder, service, port, secret = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
def libc_call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "")
attempts = {
    "its own folder": lambda: open(f"{folder}/written", "w").write("x"),
    "a pair of sockets": lambda: socket.socketpair(),
    "a secret": lambda: open(secret).read(),
    "the environment of the service": lambda: open(f"/proc/{service}/environ").read(),
    "accounts": lambda: open("/etc/passwd").read(),
    "TCP": lambda: socket.create_connection(("127.0.0.1", int(port)), 2),
    "UDP": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "a shell": lambda: os.execv("/bin/sh", ["sh", "-c", "exit 0"]),
    "a signal": lambda: os.kill(int(service), 0),
    "a session": lambda: os.setsid(),
    "a file elsewhere": lambda: open("/var/tmp/mailfax-escaped", "w"),
    "a link to a secret": lambda: os.symlink(secret, f"{folder}/out.pdf") or open(f"{folder}/out.pdf").read(),
    "a user namespace": lambda: libc_call("unshare", 0x10000000),
    "a mount": lambda: libc_call("mount", b"none", folder.encode(), b"tmpfs", 0, b""),
    "tracing": lambda: libc_call("ptrace", 16, int(service), 0, 0),
    "more memory": lambda: bytearray(2 * 1024**3),
    "a larger file": lambda: os.ftruncate(os.open(f"{folder}/large", os.O_CREAT | os.O_RDWR), 10**9),
}
stopped = {}
for name, attempt in attempts.items():
    try:
        attempt()
    except BaseException as error:
        stopped[name] = type(error).__name__
print(json.dumps([list(attempts), stopped]))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the converter's user can reach: pytest's own lie in one for root alone."""
    made = Path(tempfile.mkdtemp(prefix="mailfax-confined-"))
    if os.geteuid() == 0:
        os.chown(made, USER, USER)
    yield made
    shutil.rmtree(made)


@pytest.mark.skipif(not PYTHON.exists(), reason="needs the system's python3; install the package python3")
@pytest.mark.parametrize("namespaces", [True, False], ids=["namespaces", "Landlock alone"])
def test_a_converter_reaches_its_folder_and_nothing_else(
    folder: Path, tmp_path: Path, namespaces: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("password")
    if not namespaces:

        def refuse(*_: object) -> None:
            raise OSError(1, "")

        monkeypatch.setattr(jail.kernel, "unshare", refuse)

    def confine() -> None:
        if os.geteuid() == 0:
            jail.become_user(USER)
        confine_converter(folder, PYTHON)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        arguments = [folder, os.getpid(), listener.getsockname()[1], secret]
        ran = subprocess.run(
            [PYTHON, "-I", "-S", "-c", PAYLOAD, *map(str, arguments)],
            cwd=folder,
            env={},
            start_new_session=True,
            preexec_fn=confine,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert ran.returncode == 0, ran.stderr
    attempts, stopped = json.loads(ran.stdout)
    assert set(attempts) - set(stopped) == {"its own folder", "a pair of sockets"}
    assert taken(folder / "written", 10) == b"x"
    assert taken(folder / "out.pdf", 10_000) == b"", "what it linked to is not read"


def test_only_a_plain_file_of_bounded_length_is_taken(folder: Path) -> None:
    (folder / "good").write_bytes(b"12345")
    os.mkfifo(folder / "pipe")
    assert taken(folder / "good", 5) == b"12345"
    assert taken(folder / "good", 4) == b""
    assert taken(folder / "pipe", 5) == taken(folder, 5) == taken(folder / "none", 5) == b""


def test_a_converter_that_takes_too_much_is_told(folder: Path) -> None:
    assert excess(os.getpid(), folder, memory=10**12, room=10**9) == ""
    assert "memory" in excess(os.getpid(), folder, memory=1, room=10**9)
    (folder / "large").write_bytes(bytes(100_000))
    assert "writes" in excess(os.getpid(), folder, memory=10**12, room=50_000)


#: What takes more than it may, by and by, as documents do that make a program grow.
GREEDY = {
    "memory": "import time; held = [time.sleep(0.01) or b'x' * 2_000_000 for _ in range(300)]; time.sleep(60)",
    "disk": "import time; [open(f'f{n}', 'wb').write(bytes(2_000_000)) or time.sleep(0.01) for n in range(60)]; "
    "time.sleep(60)",
    "nothing": "held = b'x' * 2_000_000",
}


@pytest.mark.skipif(not PYTHON.exists(), reason="needs the system's python3; install the package python3")
@pytest.mark.parametrize(("work", "ended"), [("memory", -signal.SIGKILL), ("disk", -signal.SIGKILL), ("nothing", 0)])
def test_a_converter_that_grows_beyond_its_bounds_is_ended(
    folder: Path, monkeypatch: pytest.MonkeyPatch, work: str, ended: int
) -> None:
    def confine(*given: Any, **more: Any) -> None:
        if os.geteuid() == 0:
            jail.become_user(USER)
        confine_converter(*given, **more)

    async def run() -> int:
        process = await programs.start([str(PYTHON), "-I", "-S", "-c", GREEDY[work]], folder)
        return await asyncio.wait_for(process.wait(), 30)

    monkeypatch.setattr(programs, "confine_converter", confine)
    monkeypatch.setattr(programs, "MOST_MEMORY", 100_000_000)
    monkeypatch.setattr(programs, "MOST_WRITTEN", 40_000_000)
    assert asyncio.run(run()) == ended


def test_a_converter_is_never_run_as_root(folder: Path) -> None:
    if os.geteuid() == 0:
        with pytest.raises(PermissionError):
            confine_converter(folder, PYTHON)
