"""The cover page: what FaxCore is told, and how many pages there are, in every mode."""

from __future__ import annotations

import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import documents
import pytest

from tests.support.site import Site, letter, until


def faxed(site: Site, recipient: str, text: str) -> dict[str, Any]:
    """The fax that comes of a mail with a PDF of two pages."""
    number = recipient.partition("/")[0]
    site.send(recipient, mail=documents.with_pdf(letter(text=text)))
    until(lambda: [mail for mail in site.mails() if mail["X-Fax-Number"] == number], f"{number}'s answer", site.log)
    [mail] = [mail for mail in site.mails() if mail["X-Fax-Number"] == number]
    assert mail["X-Fax-Outcome"] == "delivered", mail.as_string()
    [fax] = [fax for fax in site.faxes() if fax["number"] == number]
    return fax


def test_with_text_there_is_a_cover_page_and_without_there_is_none(site: Site) -> None:
    site.start()
    fax = faxed(site, "15557650101", "Please see the offer.")
    assert fax["pages"] == 3 and fax["cover"]["notes"] == "Please see the offer."
    assert fax["cover"]["sendername"] == "Alice Example"
    fax = faxed(site, "15557650102", "\n \n")
    assert (fax["pages"], fax["cover"], fax["subject"]) == (2, None, "")
    fax = faxed(site, "15557650103/cover=yes", "\n")
    assert fax["pages"] == 3 and "Invoice 12 (Ref " in fax["cover"]["subject"]
    fax = faxed(site, "15557650104/cover=no", "Please see the offer.")
    assert (fax["pages"], fax["cover"], fax["subject"]) == (3, None, ""), "the text is a page"


def test_none_sends_no_cover_field_at_all(site: Site) -> None:
    site.settings |= {"sender": 'cover_page = "none"'}
    site.start()
    fax = faxed(site, "15557650105", "Please see the offer.")
    assert (fax["pages"], fax["cover"], fax["subject"]) == (3, None, "")
    for request in site.requests("SendFax"):
        assert not {"subject", "notes", "sendername", "sendercompany", "recpname"} & set(str(request).split('"'))


@pytest.mark.needs("pdftotext")
def test_our_own_cover_page_is_the_first_page_of_each_recipient_s_fax(site: Site, tmp_path: Path) -> None:
    """The mail is rendered once; cover page and paper are each recipient's own, and FaxCore draws no cover page."""
    site.settings |= {"account": 'cover = "ours"\nheader_line = true\ndocument = "pdf"'}
    site.start()
    mail = documents.with_pdf(letter(text="Пожалуйста, посмотрите предложение. 请查收附件"))
    mail["To"] = "Bob Builder <15557650106@fax.local>"
    numbers = ("15557650106", "442079460958", "15557650107/cover=no")
    queue_id = site.send(*numbers, mail=mail)
    site.answers(1)
    assert site.rows("SELECT event FROM history WHERE queue_id = ? AND event = 'rendering'", queue_id) == [
        ("rendering",)
    ]
    texts = {}
    for fax in site.faxes():
        assert fax["cover"] is None and fax["subject"] == ""
        file = tmp_path / "sent.pdf"
        url = f"http://127.0.0.1:{site.sandbox_port}/_sandbox/faxes/{fax['id']}/document"
        file.write_bytes(urllib.request.urlopen(url).read())
        told = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True).stdout
        size = subprocess.run(["pdfinfo", file], capture_output=True, text=True, check=True).stdout
        texts[fax["number"]] = (fax["pages"], told.split("\f")[:-1], "(A4)" in size)
    assert {number: (count, is_a4) for number, (count, _, is_a4) in texts.items()} == {
        "15557650106": (4, False),
        "442079460958": (4, True),
        "15557650107": (3, False),
    }
    first = texts["15557650106"][1][0]
    assert "Bob Builder" in first and "Alice Example" in first and "Invoice 12" in first
    assert "+44 20 7946 0958" in texts["442079460958"][1][0] and "Bob" not in texts["442079460958"][1][0]
    for count, told, _ in texts.values():
        assert [f"page {number} of {count}" in page for number, page in enumerate(told, 1)] == [True] * count


@pytest.mark.needs("tiffinfo")
def test_fax_pages_made_here_reach_the_other_side(site: Site, tmp_path: Path) -> None:
    """A document is a TIFF for all recipients alike, and one for each where their pages differ."""
    site.start()
    fax = faxed(site, "15557650110", "Please see the offer.")
    assert (fax["pages"], fax["filename"]) == (3, "fax.tif")
    fax = faxed(site, "442079460959", "Please see the offer.")
    assert (fax["pages"], fax["filename"]) == (3, "fax.tif")
    file = tmp_path / "sent.tif"
    file.write_bytes(
        urllib.request.urlopen(f"http://127.0.0.1:{site.sandbox_port}/_sandbox/faxes/{fax['id']}/document").read()
    )
    assert file.read_bytes()[:8] == b"II*\0\x08\0\0\0"
    told = subprocess.run(["tiffinfo", file], capture_output=True, text=True, check=True).stdout
    assert told.count("Image Length: 2292") == 2, "A4 for London"


def test_signature_and_quoted_message_are_left_out_and_told(site: Site) -> None:
    site.settings |= {"sender": 'strip = ["signature", "quote"]'}
    site.start()
    text = "Please see the offer.\n\n-- \nAlice, Sales\n\nOn Monday Bob wrote:\n> When does it come?\n> Bob\n"
    fax = faxed(site, "15557650111", text)
    assert fax["cover"]["notes"] == "Please see the offer."
    [answer] = site.mails()
    told = str(answer.get_body(("plain",)))
    assert "signature" in told and "quoted" in told


def test_a_cover_page_that_has_to_be_left_off_is_told(site: Site) -> None:
    """Nothing of ours can stand before a file that goes to the fax service as it is."""
    site.settings |= {"account": 'cover = "ours"'}
    site.start()
    mail = letter(text="")
    documents.attach(mail, "print.pcl", "application/vnd.hp-pcl", b"\x1bE\x1b&l0OHello\x1bE")
    site.send("15557650112/cover=yes", mail=mail)
    [answer] = site.answers(1)
    assert "cover page: none, since nothing of ours can stand before a file" in " ".join(str(answer).split())
