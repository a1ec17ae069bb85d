"""A cell that was taken over reaches nothing: as root and as a plain user, with all layers and with one missing."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mailfax.render import view

TOP = Path(__file__).parents[2]
USER = 1_900_300_000


@dataclass(frozen=True)
class Told:
    level: str
    layers: set[str]
    closed: str
    stopped_by: dict[str, str | None]
    died: bool

    @property
    def reached(self) -> set[str]:
        return {attempt for attempt, stopped in self.stopped_by.items() if stopped is None}


def interpreter(*, for_others: bool) -> str:
    """A Python that the user of the cell may read: of this version, since ours may lie in a folder of root's."""
    ours = Path(sys.executable).resolve()
    readable = all(folder.stat().st_mode & 0o001 for folder in ours.parents)
    if not for_others or readable:
        return sys.executable
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    if not Path(system).exists():
        pytest.skip(f"needs {system}: {ours} is readable to root alone")
    return system


def test_what_is_told_is_shown_by_the_path_that_is_told(tmp_path: Path) -> None:
    """The fonts of an environment behind a link: Python knows them by the link, the engine by where they lie."""
    assert tmp_path in view.readable([tmp_path]) and tmp_path not in view.readable()


@pytest.fixture
def site() -> Iterator[Path]:
    """What a service has, readable to everybody: only the cell is in the way."""
    folder = Path(tempfile.mkdtemp(prefix="mailfax-site-"))
    folder.chmod(0o777)
    for name in ("spool.db", ".env", "document"):
        (folder / name).write_text("secret")
        (folder / name).chmod(0o666)
    yield folder
    shutil.rmtree(folder)


def imprison(site: Path, *, plain: bool, without: tuple[str, ...] = ()) -> Told:
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX) as unix,
        socket.socket(socket.AF_UNIX) as abstract,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagram,
        subprocess.Popen(["sleep", "300"], env={"PASSWORD": "x"}, user=USER if plain else None) as service,
    ):
        udp.bind(("127.0.0.1", 0))
        unix.bind(str(site / "unix"))
        datagram.bind(str(site / "datagram"))
        abstract.bind(f"\0mailfax-{service.pid}")
        for listener in (unix, abstract):
            listener.listen()
        for name in ("unix", "datagram"):
            (site / name).chmod(0o666)
        targets = {
            "service": service.pid,
            "folder": str(site),
            "spool": str(site / "spool.db"),
            "secret": str(site / ".env"),
            "tcp": tcp.getsockname()[1],
            "udp": udp.getsockname()[1],
            "unix": str(site / "unix"),
            "datagram": str(site / "datagram"),
            "abstract": f"\0mailfax-{service.pid}",
        }
        wanted = {
            "user": USER if plain and os.geteuid() == 0 else None,
            "without": without,
            "targets": targets,
            "document": str(site / "document"),
        }
        packages = sysconfig.get_path("purelib")
        try:
            ran = subprocess.run(
                [interpreter(for_others=plain), "-m", "tests.render.prisoner", json.dumps(wanted)],
                cwd=TOP,
                env={"PYTHONPATH": f"{TOP}:{packages}", "PYTHONDONTWRITEBYTECODE": "1"},
                capture_output=True,
                text=True,
                timeout=90,
            )
        finally:
            service.kill()
    assert ran.returncode == 0, ran.stderr
    closed, stopped_by, died = map(json.loads, ran.stdout.splitlines())
    assert "failed" not in stopped_by, stopped_by
    return Told(closed[0], set(closed[1]), closed[2], stopped_by, died)


WHO = [
    pytest.param(False, id="root", marks=pytest.mark.skipif(os.geteuid() != 0, reason="needs root")),
    pytest.param(True, id="plain user"),
]


@pytest.mark.parametrize("plain", WHO)
def test_with_all_layers_a_cell_reaches_nothing(site: Path, plain: bool) -> None:
    told = imprison(site, plain=plain)
    if told.level != "full":
        pytest.skip(f"this machine closes cells like this: {told.closed}")
    assert told.reached == set()
    assert told.died, "something outlived its cell"
    assert (site / "spool.db").read_text() == "secret"
    assert sorted(each.name for each in site.iterdir()) == [".env", "datagram", "document", "spool.db", "unix"]


@pytest.mark.parametrize("plain", WHO)
@pytest.mark.parametrize("missing", ["namespaces", "Landlock"])
def test_without_one_view_of_files_the_other_is_enough(site: Path, plain: bool, missing: str) -> None:
    told = imprison(site, plain=plain, without=(missing,))
    assert told.level == "good"
    assert f"{missing} (switched off)" in told.closed
    assert told.reached == set()
    assert told.died, "something outlived its cell"


@pytest.mark.parametrize("plain", WHO)
def test_without_any_view_of_files_a_cell_is_too_open(site: Path, plain: bool) -> None:
    """Nothing can be written, reached or signalled even then; but it reads what its user may read."""
    told = imprison(site, plain=plain, without=("namespaces", "Landlock"))
    assert told.level == "low"
    assert "read the spool" in told.reached
    assert told.reached <= {
        "read the spool",
        "read passwords in .env",
        "read the accounts of the machine",
        "read the service's environment",
        "look into the folder of the spool",
        "see the processes",
    }
    assert told.died


@pytest.mark.parametrize("plain", WHO)
def test_without_the_list_of_calls_a_cell_is_too_open(site: Path, plain: bool) -> None:
    """Namespaces and Landlock still keep it from the service, its files and its network."""
    told = imprison(site, plain=plain, without=("seccomp",))
    assert told.level == "low"
    still_reached: set[Any] = told.reached & {
        attempt
        for attempt in told.stopped_by
        if attempt.startswith(("read", "write", "look", "connect", "send", "signal the", "trace", "put", "become"))
    }
    assert still_reached == set()


@pytest.mark.parametrize("plain", WHO)
def test_with_bounds_alone_a_cell_reaches_a_lot(site: Path, plain: bool) -> None:
    """The attempts are real: without layers they succeed."""
    told = imprison(site, plain=plain, without=("namespaces", "Landlock", "seccomp"))
    assert not told.died
    assert told.level == "low"
    assert {
        "read the spool",
        "write the spool",
        "read passwords in .env",
        "connect by TCP",
        "send by UDP",
        "connect to a socket in a folder",
        "connect to an abstract socket",
        "send a datagram from a pair",
        "start a shell",
        "leave its group of processes",
        "write beside its document",
        "put a link beside its document",
        "make a user namespace",
    } <= told.reached
