"""docs/howto/receive.md, followed word by word: its tables are a configuration, its commands say what it shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from mailfax.cli import main
from mailfax.config import load
from tests.structure.packages import TOP

PAGE = (TOP / "docs/howto/receive.md").read_text()
BASE = """
fax_domains = ["fax.local"]
default_country = "US"
postmaster = "postmaster@example.com"
hostname = "fax.example.com"
[spool]
url = "sqlite:///spool.db"
[relay]
address = "127.0.0.1:25"
[[listener]]
name = "submission"
address = "127.0.0.1:2525"
[[sender]]
from = ["@example.com"]
account = "main"
[[account]]
name = "main"
base_url = "https://api.example.com/api/"
username = "5557152222"
deliver_to = ["office@example.com"]
"""
SECRETS = {
    "MAILFAX_ACCOUNT_MAIN_PASSWORD": "x",
    "MAILFAX_ACCOUNT_BRANCH_PASSWORD": "x",
    "MAILFAX_WEBHOOK_SECRET": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "mailfax.toml"
    path.write_text(BASE + "".join(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)))
    return path


def test_its_tables_are_a_configuration(config: Path) -> None:
    loaded = load(config, SECRETS)
    assert len(loaded.routes) == 6 and loaded.received.contacts == (("+15551234567", "Example Ltd"),)
    assert [account.name for account in loaded.accounts] == ["main", "branch"]


def test_its_command_says_what_it_shows(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [(command, shown)] = re.findall(r"```sh\n(mailfax explain[^\n]*)\n```\n\n```\n(.*?)```", PAGE, re.DOTALL)
    assert main([*shlex.split(command)[1:], "--config", str(config)]) == 0
    said = capsys.readouterr().out
    assert said.endswith(shown), said
