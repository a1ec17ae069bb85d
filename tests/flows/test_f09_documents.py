"""The page that the other side gets is the page that the sender meant: judged by libtiff and poppler."""

from __future__ import annotations

import base64
import hashlib
import re
import smtplib
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import documents
import pytest

from tests.support.site import NUMBER, PASSWORD, Site, letter, until


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for all documents: each goes to a number of its own."""
    site = Site(tmp_path_factory.mktemp("office"))
    site.settings |= {"account": 'document = "pdf"'}  # whose text can be read
    site.start_sandbox()
    try:
        site.start()
        yield site
    finally:
        site.close()


def ended(site: Site, number: str) -> tuple[Any, list[dict[str, Any]]]:
    """The only answer about a number, and the faxes to it."""
    until(lambda: [mail for mail in site.mails() if mail["X-Fax-Number"] == number], f"{number}'s answer", site.log)
    [mail] = [mail for mail in site.mails() if mail["X-Fax-Number"] == number]
    return mail, [fax for fax in site.faxes() if fax["number"] == number]


def download(site: Site, fax_id: str, kind: str, file: Path) -> Path:
    """The pages as FaxCore's own clients get them."""
    url = f"http://127.0.0.1:{site.sandbox_port}/api/DownloadFax?faxid={fax_id}&filetype={kind}"
    login = base64.b64encode(f"{NUMBER}:{PASSWORD}".encode()).decode()
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": f"Basic {login}"})) as reply:
        file.write_bytes(base64.b64decode(reply.read()))
    return file


def tell(*command: str | Path) -> str:
    """What a program says about a file; it must not complain."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.needs("tiffinfo", "pdfinfo", "pdftotext")
def test_all_parts_become_one_fax_in_their_order(office: Site, tmp_path: Path) -> None:
    number = "15557650001"
    mail = letter(subject="Offer 4711", text="Please see the attached documents.")
    mail.add_alternative("<p>Please see the <b>attached</b> documents.</p>", subtype="html")
    documents.attach(mail, "offer.pdf", "application/pdf", documents.pdf(2, "Typed page"))
    documents.attach(mail, "plan.tif", "image/tiff", documents.tiff(2))
    mail.add_attachment("Words in a note\n", filename="words.txt")
    mail.add_attachment("<h1>Heading of a page</h1><p>Marked up</p>", subtype="html", filename="page.html")
    office.send(number, mail=mail)
    answer, [fax] = ended(office, number)
    assert answer["X-Fax-Outcome"] == "delivered"

    own, cover = 2 + 2 + 1 + 1, 1
    tiff = tell("tiffinfo", download(office, fax["id"], "TIF", tmp_path / "fax.tif"))
    assert tiff.count("TIFF Directory at") == own + cover
    assert re.findall(r"Image Width: (\d+)", tiff) == ["1728"] * (own + cover)
    assert tiff.count("CCITT Group 4") == own + cover
    pdf = tell("pdfinfo", download(office, fax["id"], "PDF", tmp_path / "fax.pdf"))
    assert re.search(rf"^Pages: +{own + cover}$", pdf, re.MULTILINE)

    submitted = tmp_path / "submitted.pdf"
    url = f"http://127.0.0.1:{office.sandbox_port}/_sandbox/faxes/{fax['id']}/document"
    submitted.write_bytes(urllib.request.urlopen(url).read())
    pages = tell("pdftotext", "-layout", submitted, "-").split("\f")[:-1]
    words = ["Typed page 1", "Typed page 2", "", "", "Words in a note", "Heading of a page"]
    assert [word in page for word, page in zip(words, pages, strict=True)] == [True] * own, pages
    assert "Marked up" in pages[-1]


PCL = b"\x1bE\x1b&l0OTyped for a printer\x1bE"


def test_a_file_that_only_the_service_draws_goes_through_untouched(office: Site) -> None:
    number = "15557650002"
    mail = letter()
    documents.attach(mail, "minutes.pcl", "application/octet-stream", PCL)
    office.send(number, mail=mail)
    answer, [fax] = ended(office, number)
    assert answer["X-Fax-Outcome"] == "delivered"
    assert fax["sha256"] == hashlib.sha256(PCL).hexdigest() and fax["size"] == len(PCL)
    assert fax["filename"].endswith(".pcl")


def test_such_a_file_beside_another_is_refused_by_its_name_while_its_sender_listens(office: Site) -> None:
    mail = letter()
    documents.attach(mail, "offer.pdf", "application/pdf", documents.pdf(1))
    documents.attach(mail, "minutes.pcl", "application/octet-stream", PCL)
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        office.send("15557650003", mail=mail)
    assert refused.value.smtp_code == 554
    said = b'5.6.1 "minutes.pcl" can\'t be joined with other documents into one fax; send this one alone'
    assert refused.value.smtp_error == said


@pytest.mark.needs("soffice", "pdftotext")
def test_word_beside_a_pdf_is_one_fax(office: Site, tmp_path: Path) -> None:
    number = "15557650005"
    mail = letter()
    documents.attach(mail, "offer.pdf", "application/pdf", documents.pdf(1, "Typed page"))
    documents.attach(mail, "minutes.docx", "application/octet-stream", documents.docx("Typed in a word processor"))
    office.send(number, mail=mail)
    answer, [fax] = ended(office, number)
    assert answer["X-Fax-Outcome"] == "delivered"
    submitted = tmp_path / "submitted.pdf"
    url = f"http://127.0.0.1:{office.sandbox_port}/_sandbox/faxes/{fax['id']}/document"
    submitted.write_bytes(urllib.request.urlopen(url).read())
    pages = tell("pdftotext", "-layout", submitted, "-").split("\f")[:-1]
    assert ["Typed page 1" in pages[0], "Typed in a word processor" in pages[1]] == [True, True]


def test_who_asked_for_it_gets_a_report_of_success(office: Site) -> None:
    number = "15557650004"
    mail = letter(subject="Important")
    office.send(number, mail=mail, options=["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;fax@branch.example.com"])
    answer, [_] = ended(office, number)
    assert answer.get_content_type() == "multipart/report"
    _, machines, original = answer.iter_parts()
    _, fields = machines.get_payload()
    assert (fields["Action"], fields["Status"]) == ("delivered", "2.0.0")
    assert fields["Original-Recipient"] == "rfc822; fax@branch.example.com"
    assert "Important" in original.as_string()
    assert answer["In-Reply-To"] == mail["Message-ID"]
