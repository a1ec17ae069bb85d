"""What systemd hears of the service."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from mailfax.systemd import Systemd


@pytest.mark.parametrize("abstract", [False, True])
def test_what_is_told(tmp_path: Path, abstract: bool) -> None:
    name = f"@mailfax-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind("\0" + name[1:] if abstract else name)
        environment = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}
        systemd = Systemd(environment)
        assert environment == {} and systemd.alive_every == 30
        systemd.ready()
        systemd.reloading()
        systemd.alive()
        systemd.stopping()
        told = [heard.recv(200).decode() for _ in range(4)]
    assert told[0] == "READY=1" and told[1].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert told[2:] == ["WATCHDOG=1", "STOPPING=1"]


def test_without_systemd_nothing_is_told() -> None:
    systemd = Systemd({})
    systemd.ready()
    assert systemd.alive_every == 0


def test_a_watchdog_for_another_process_is_not_ours() -> None:
    assert Systemd({"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "5", "WATCHDOG_PID": "1"}).alive_every == 0
    Systemd({"NOTIFY_SOCKET": "/nowhere"}).ready()
