"""docs/howto/postgresql.md, followed word by word: only the host and the folder are others."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from mailfax.config import load
from mailfax.offramp import fax_accounts
from mailfax.offramp.prepare import MARGIN
from mailfax.offramp.submit import LEASE_FACTOR
from mailfax.onramp import collect
from mailfax.postmaster import deliver
from mailfax.service import LISTENING_SECONDS
from mailfax.spool.postgresql import ANSWER_SECONDS, READERS
from mailfax.spool.server import OLDEST_VERSION
from tests.structure.packages import TOP
from tests.support.postgresql import Cluster, programs
from tests.support.site import Site, until

PAGE = (TOP / "docs/howto/postgresql.md").read_text()


def block(kind: str, number: int = 0) -> str:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)[number]


@pytest.mark.needs("pg_ctl")
def test_a_spool_is_moved_as_the_page_says(tmp_path: Path, cluster: Cluster) -> None:
    site = Site(tmp_path)
    site.start_sandbox()

    def ours(text: str) -> str:
        return text.replace("db.example.com", f"localhost:{cluster.port}").replace("/var/lib/mailfax", str(tmp_path))

    try:
        bridge = site.start()
        site.send("15555550100")
        site.answers(1)
        assert site.stop(bridge) == 0

        psql = [programs() / "psql", cluster.url("postgres"), "-v", "ON_ERROR_STOP=1", "-q"]
        subprocess.run(psql, input=block("sql"), text=True, check=True)
        (tmp_path / ".env").write_text(block("env"))
        cluster.authority.cert_pem.write_to_path(tmp_path / "database-authority.pem")
        for line in block("sh").splitlines():
            moved = site.run(*shlex.split(ours(line))[1:])
            assert moved.returncode == 0, moved.stderr
        written = site.configure().read_text()
        site.config.write_text(written.replace('[spool]\nurl = "sqlite:///spool.db"\n', ours(block("toml"))))
        assert load(site.config, site.environment).spool.password == "a long password of your own"
        queue, check = (site.run(*shlex.split(line)[1:]) for line in block("sh", 1).splitlines())
        assert queue.returncode == 0, queue.stderr
        assert (
            f"ok     spool: postgresql://mailfax@localhost:{cluster.port}/mailfax can be written; 1 fax"
            in check.stdout
        )

        parts = [
            site.start_command(*shlex.split(line)[1:], log=f"{number}.log")
            for number, line in enumerate(block("sh", 2).splitlines())
        ]
        for number in range(len(parts)):
            until(lambda number=number: "is ready" in site.log(f"{number}.log"), "a part", lambda: site.log("0.log"))
        site.send("15555550100")
        site.answers(2)
        assert [site.stop(part) for part in parts] == [0, 0]
    finally:
        site.close()


def test_the_page_says_what_the_code_does() -> None:
    assert f"({OLDEST_VERSION} or newer)" in PAGE
    assert READERS + 2 == 6 and "up to six connections" in PAGE
    leases = {fax_accounts.LEASE, collect.LEASE, deliver.LEASE}
    assert f"| {max(leases) + LISTENING_SECONDS:.0f} seconds at most |" in PAGE
    assert f"`render_seconds` and {MARGIN + LISTENING_SECONDS:.0f} seconds" in PAGE
    assert LEASE_FACTOR == 3 and "three times `timeout_seconds`" in PAGE
    assert f"after {ANSWER_SECONDS:.0f} seconds mail is answered 451" in PAGE
