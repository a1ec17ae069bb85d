"""``mailfax probe``: a fax to oneself comes back as mail, or the step at which it ended is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.site import OTHER_NUMBER, PASSWORD, Site, until

OTHER_ACCOUNT = """
[[account]]
name = "other"
base_url = "http://127.0.0.1:{port}/api/"
username = "{number}"
deliver_to = ["probes@example.com"]
poll_seconds = 1
"""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("probe"))
    site.settings["more"] = OTHER_ACCOUNT.format(port=site.sandbox_port, number=OTHER_NUMBER)
    site.environment["MAILFAX_ACCOUNT_OTHER_PASSWORD"] = PASSWORD
    site.start_sandbox()
    try:
        site.start()
        until(lambda: site.log().count("account-met") == 2, "both accounts to be met", site.log)
        yield site
    finally:
        site.close()


def probe(office: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "mailfax",
        "probe",
        "--config",
        str(office.config),
        "--from",
        "probe@example.com",
    ]
    return subprocess.run(
        [*command, *arguments], env=os.environ | office.environment, capture_output=True, text=True, check=False
    )


def test_a_fax_to_oneself_comes_back_as_mail(office: Site) -> None:
    told = probe(office, "--to", f"1{OTHER_NUMBER}", "--json")
    assert told.returncode == 0, told.stderr
    steps = json.loads(told.stdout)
    assert 0 < steps["delivered_seconds"] <= steps["received_seconds"] <= steps["mailed_seconds"] < 60
    assert len(office.mails("probes@example.com")) == 1
    told = probe(office, "--to", f"1{OTHER_NUMBER}")
    assert [line.split()[0] for line in told.stdout.splitlines()] == ["delivered", "received", "mailed"]


def test_a_number_where_nobody_answers_is_named(office: Site) -> None:
    told = probe(office, "--to", "15555550102")
    assert told.returncode == 1 and "failed: The fax was not delivered" in told.stderr and not told.stdout


def test_what_does_not_come_back_is_named_with_the_last_step(office: Site) -> None:
    """It is delivered, and to a stranger."""
    told = probe(office, "--to", "15555550100", "--within", "0.1")
    assert told.returncode == 1
    assert "not received within 0.1 minutes (until then: delivered)" in told.stderr
