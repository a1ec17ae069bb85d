"""Previews: the very pages come back by mail, nothing is faxed, and no crash loses or doubles one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import documents
import pytest

from tests.support.site import Site, letter, until


@pytest.mark.needs("pdftotext")
def test_a_preview_comes_back_with_the_pages_and_nothing_is_faxed(site: Site, tmp_path: Path) -> None:
    site.settings |= {"account": 'cover = "ours"\nheader_line = true\ndocument = "pdf"'}
    site.start()
    mail = documents.with_pdf(letter(text="Please see the offer."))
    site.send("preview+15557650108/to=Bob_Builder", "preview", mail=mail)
    answers = site.answers(2)
    assert [answer["X-Fax-Outcome"] for answer in answers] == ["preview", "preview"]
    [numbered] = [answer for answer in answers if answer["X-Fax-Number"] == "15557650108"]
    text, pdf = numbered.iter_parts()
    said = text.get_body(("plain",)).get_content()
    assert "Nothing was faxed." in said and "The first page is the cover page." in said
    assert numbered["Subject"] == "[TEST] Preview of your fax: Invoice 12"
    assert numbered["In-Reply-To"] == mail["Message-ID"]
    file = tmp_path / "preview.pdf"
    file.write_bytes(pdf.get_content())
    pages = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True).stdout
    assert "Bob Builder" in pages and "page 3 of 3" in pages
    assert site.faxes() == [] and site.requests("SendFax") == []
    assert {state for (state,) in site.rows("SELECT state FROM job")} == {"previewed"}


def test_what_can_not_be_faxed_can_not_be_previewed_and_says_why(site: Site) -> None:
    site.start()
    mail = letter(text="")
    documents.attach(mail, "program.exe", "application/octet-stream", b"MZ" + bytes(100))
    site.send("preview", mail=mail)
    [answer] = site.answers(1)
    assert answer["X-Fax-Outcome"] == "failed" and answer["X-Fax-Number"] is None
    assert (
        '"program.exe"' in answer.get_body(("plain",)).get_content()
        and "PREVIEW: NOT POSSIBLE" in answer.get_body(("plain",)).get_content()
    )
    assert site.faxes() == []


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("commit", ["document-ready", "previewed"])
def test_a_preview_survives_a_crash(site: Site, moment: str, commit: str) -> None:
    bridge = site.start(moment, commit)
    site.send("preview+15557650109", mail=documents.with_pdf(letter(text="Please see the offer.")))
    until(lambda: bridge.poll() is not None, f"the bridge to die {moment} {commit}", site.log)
    site.start()
    [answer] = site.answers(1)
    assert answer["X-Fax-Outcome"] == "preview" and site.faxes() == []
