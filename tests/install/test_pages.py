"""What scripts/walk follows is there to be followed: quick, where the walk itself takes minutes."""

from __future__ import annotations

import shlex
import tomllib
from pathlib import Path

from mailfax.config import load
from tests.install.dockerfile import instructions, is_sent, send_context
from tests.install.walk import Page, local_settings, tables
from tests.structure.packages import TOP


def copied() -> list[str]:
    """The files and folders that the Dockerfile takes from the repository."""
    found = [
        shlex.split(words)[:-1] for instruction, words in instructions(TOP / "Dockerfile") if instruction == "COPY"
    ]
    return [source for sources in found for source in sources]


def test_the_page_has_the_steps_that_the_walk_takes() -> None:
    page = Page(TOP / "docs" / "install.md")
    steps = {
        heading: len(page.blocks(heading)) for heading in ("# Install", "1. pip", "2. systemd", "Upgrade", "Rollback")
    }
    assert steps == {"# Install": 2, "1. pip": 5, "2. systemd": 1, "Upgrade": 1, "Rollback": 1}
    name, settings = local_settings()
    assert name.endswith("/mailfax.service.d/local.conf") and "LoadCredential=.env:" in settings


def test_the_readme_s_configuration_is_one_for_the_walk(tmp_path: Path) -> None:
    (tmp_path / "mailfax.toml").write_text(tables())
    assert load(tmp_path / "mailfax.toml", {"MAILFAX_ACCOUNT_MAIN_PASSWORD": "secret"}).relay.maildir


def test_the_build_is_sent_what_it_copies_and_no_secret(tmp_path: Path) -> None:
    send_context(tmp_path)
    assert [source for source in copied() if not (tmp_path / source).exists()] == []
    rules = (TOP / ".dockerignore").read_text().splitlines()
    for secret in (
        ".env",
        "config/.env",
        "spool.db",
        "var/demo/spool.db",
        "mailfax.toml",
        "passwords",
        ".git/config",
    ):
        assert not is_sent(secret, rules), secret


def test_the_build_copies_what_the_package_is_made_of() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())
    of_pages = [file for files in project["tool"]["setuptools"]["data-files"].values() for file in files]
    wanted = [project["project"]["readme"], *project["project"]["license-files"], *of_pages, "mailfax"]
    assert [file for file in wanted if file not in copied()] == []
