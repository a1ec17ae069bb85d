"""A spool moves into a database by one command, which says what to do next."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mailfax.spool import Spool
from tests.support.postgresql import Cluster
from tests.support.site import Site


@pytest.mark.needs("pg_ctl")
def test_a_spool_is_moved(tmp_path: Path, cluster: Cluster) -> None:
    site = Site(tmp_path)
    config = str(site.configure())

    async def make() -> str:
        await (await Spool.open("sqlite:///spool.db", tmp_path)).close()
        return (await cluster.new_database()).replace("tester@", f"{await cluster.lock('secret')}@")

    url = asyncio.run(make())
    refused = site.run("migrate", "sqlite:///spool.db", url, "--config", config)
    assert (refused.returncode, refused.stderr.count("MAILFAX_SPOOL_PASSWORD")) == (1, 1)
    (tmp_path / ".env").write_text("MAILFAX_SPOOL_PASSWORD='secret'\n")
    moved = site.run("migrate", "sqlite:///spool.db", url, "--config", config)
    assert moved.returncode == 0, moved.stderr
    assert moved.stdout.endswith(f'write url = "{url}" in [spool], and start mailfax\n')
    assert (tmp_path / "spool.db.moved").exists()
    site.settings["spool"] = url
    asked = site.run("queue", "--config", str(site.configure()))
    assert asked.returncode == 0, asked.stderr


@pytest.mark.parametrize(
    ("source", "target", "says"),
    [
        ("postgresql:///a", "postgresql:///b", "is no spool in a file"),
        ("sqlite:///a.db", "sqlite:///b.db", "is no database"),
        ("sqlite:///a.db", "postgresql://me:secret@db/mailfax", "a password in the URL"),
        ("sqlite:///a.db", "postgresql://me@127.0.0.1:1/mailfax", "there is no spool"),
    ],
)
def test_what_can_not_be_moved_is_said(source: str, target: str, says: str, tmp_path: Path) -> None:
    site = Site(tmp_path)
    ran = site.run("migrate", source, target)
    assert ran.returncode == 1 and says in ran.stderr
    assert list(tmp_path.iterdir()) == []
