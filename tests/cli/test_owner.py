"""What root runs leaves nothing that the service could not use, and who may not use the spool is told whose it is."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest

from mailfax.cli import main
from mailfax.spool.connection import connect
from mailfax.spool.engine import SpoolRefused
from mailfax.spool.files import file_path
from tests.test_config import SECRETS, SMALLEST

NOBODY = 65534

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration whose spool is in a folder of somebody else; that folder is empty yet."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    for folder in tmp_path.parents:  # pytest's own are closed to others
        folder.chmod(folder.stat().st_mode | 0o011)
    tmp_path.chmod(0o755)
    (tmp_path / "var").mkdir(mode=0o700)
    os.chown(tmp_path / "var", NOBODY, NOBODY)
    path = tmp_path / "mailfax.toml"
    path.write_text(SMALLEST.replace("sqlite:///spool.db", "sqlite:///var/spool.db"))
    return path


def owners(folder: Path) -> set[tuple[int, int]]:
    made = [*folder.rglob("*")]
    assert made
    return {(each.stat().st_uid, each.stat().st_gid) for each in made}


def test_a_command_of_root_makes_files_of_the_spools_owner(config: Path) -> None:
    assert main(["queue", "--config", str(config)]) == 0
    assert owners(config.parent / "var") == {(NOBODY, NOBODY)}
    assert (os.geteuid(), os.getegid()) == (0, 0)


def test_what_root_restores_is_the_owners(config: Path) -> None:
    assert main(["queue", "--config", str(config)]) == 0
    database = config.parent / "var" / "spool.db"
    with contextlib.closing(sqlite3.connect(database)) as file, file:
        file.execute("INSERT INTO content (content_id, size, sha256, made_at) VALUES ('aabb', 1, '', 0)")
    large = file_path(config.parent / "var" / "content", "aabb")
    large.parent.mkdir(parents=True)
    large.write_bytes(b"x")
    assert main(["backup", str(config.parent / "copy"), "--config", str(config)]) == 0
    assert main(["restore", str(config.parent / "copy"), "--replace", "--config", str(config)]) == 0
    assert large.read_bytes() == b"x" and owners(config.parent / "var") == {(NOBODY, NOBODY)}


def test_who_may_not_is_told_whose_it_is(config: Path) -> None:
    assert main(["queue", "--config", str(config)]) == 0
    database = config.parent / "var" / "spool.db"
    (config.parent / "var").chmod(0o755)
    os.seteuid(NOBODY - 1)
    try:
        with pytest.raises(SpoolRefused) as refused:
            connect(database)
    finally:
        os.seteuid(0)
    assert "spool.db belongs to nobody (mode 0600): run this as nobody, or as root" in str(refused.value)
