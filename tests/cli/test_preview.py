"""``mailfax preview``: a mail from a file, its pages and its plan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mailfax.cli import main
from tests.render.paper import letter, mail, text_of


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MAILFAX_ACCOUNT_MAIN_PASSWORD", "secret")
    file = tmp_path / "mailfax.toml"
    file.write_text(
        'fax_domains = ["fax.local"]\ndefault_country = "US"\n'
        'postmaster = "p@example.com"\nhostname = "fax.example.com"\n'
        '[spool]\nurl = "sqlite:///spool.db"\n[[listener]]\nname = "l"\naddress = "127.0.0.1:2525"\n'
        '[[account]]\nname = "main"\nbase_url = "https://api.example.com/api/"\nusername = "5557152222"\n'
        'cover = "ours"\n'
        '[[sender]]\nfrom = ["@example.com"]\naccount = "main"\n[relay]\naddress = "127.0.0.1:25"\n'
    )
    return file


def test_the_pages_and_the_plan(configuration: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, pages = tmp_path / "mail.eml", tmp_path / "out.pdf"
    source.write_bytes(mail("See attached.", ("a.pdf", "application/pdf", letter(2))))
    command = ["preview", str(source), "--config", str(configuration), "--to", "442079460958/to=Jane"]
    assert main([*command, "-o", str(pages), "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["pages"], plan["paper"], plan["cover"], plan["notes"]) == (3, "a4", "ours", "See attached.")
    first, *rest = text_of(pages)
    assert "Jane" in first and "See attached." in first and "Letter page 2" in rest[1]
    assert main([*command, "-o", str(tmp_path / "out.tif"), "--fax"]) == 0
    assert "a.pdf: pages 1-2" in capsys.readouterr().out
    assert (tmp_path / "out.tif").read_bytes()[:4] == b"II*\0"


def test_what_can_not_be_faxed_says_why(
    configuration: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "mail.eml"
    source.write_bytes(mail(None, ("a.exe", "application/octet-stream", b"MZ" + bytes(100))))
    assert main(["preview", str(source), "--config", str(configuration), "--json"]) == 1
    assert '"a.exe"' in capsys.readouterr().err
    assert main(["preview", str(source), "--config", str(configuration)]) == 1
    assert "nothing to do" in capsys.readouterr().err
