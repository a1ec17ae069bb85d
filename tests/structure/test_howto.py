"""What the how-tos tell people to write is a configuration that starts, and says what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import trustme

from mailfax.config import load
from mailfax.rules.policy import Policy
from tests.structure.packages import TOP

BASE = """
fax_domains = ["fax.local"]
default_country = "US"
postmaster = "postmaster@example.com"
hostname = "fax.example.com"
[spool]
url = "sqlite:///spool.db"
[[account]]
name = "main"
base_url = "https://api.example.com/api/"
username = "5557152222"
[relay]
address = "127.0.0.1:25"
"""
#: Made by ``mailfax passwd`` from the password "secret"; the pages' users.
HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0c2FsdA$3wUzYJxCJzRXSrqeqLXSmCuVkyvRTyrn6N9RZW8cTXk"
PASSWORDS = f"alice:{HASH}\ncopier-2:{HASH}:old-copiers\n"
PAGES = sorted(path for path in TOP.glob("docs/howto/*.md") if "\n[[listener]]" in path.read_text())


def blocks(page: Path) -> list[str]:
    return re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_tables_of_a_page_make_a_configuration(page: Path, tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("fax.example.com")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "fax.example.com.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "fax.example.com.key")
    passwords = tmp_path / "passwords"
    wanted = "".join(blocks(page))
    passwords.write_text("".join(line for line in PASSWORDS.splitlines(True) if line.partition(":")[0] in wanted))
    passwords.chmod(0o600)
    (tmp_path / "mailfax.toml").write_text(BASE + wanted)

    config = load(tmp_path / "mailfax.toml", environ={"MAILFAX_ACCOUNT_MAIN_PASSWORD": "x"})

    assert config.listeners
    assert Policy.of(config)


def test_there_are_pages() -> None:
    assert {page.stem for page in PAGES} == {
        "mail-clients", "postfix-and-exim", "microsoft-365", "google-workspace", "copiers",
    }  # fmt: skip
