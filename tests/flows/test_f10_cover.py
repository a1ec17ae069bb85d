"""The cover page: what FaxCore is told, and how many pages there are, in every mode."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import documents
import pytest
from house import House, letter, until


@pytest.fixture
def office(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    house.start_sandbox()
    try:
        yield house
    finally:
        house.close()


def with_pdf(text: str) -> EmailMessage:
    """A mail with a PDF of two pages and that text."""
    mail = letter(text=text)
    documents.attach(mail, "offer.pdf", "application/pdf", documents.pdf(2))
    return mail


def faxed(house: House, recipient: str, text: str) -> dict[str, Any]:
    """The fax that comes of a mail with a PDF of two pages."""
    number = recipient.partition("/")[0]
    house.send(recipient, mail=with_pdf(text))
    until(lambda: [mail for mail in house.mails() if mail["X-Fax-Number"] == number], f"{number}'s answer", house.log)
    [mail] = [mail for mail in house.mails() if mail["X-Fax-Number"] == number]
    assert mail["X-Fax-Outcome"] == "delivered", mail.as_string()
    [fax] = [fax for fax in house.faxes() if fax["number"] == number]
    return fax


def test_with_text_there_is_a_cover_page_and_without_there_is_none(office: House) -> None:
    office.start()
    fax = faxed(office, "15557650101", "Please see the offer.")
    assert fax["pages"] == 3 and fax["cover"]["notes"] == "Please see the offer."
    assert fax["cover"]["sendername"] == "Alice Example"
    fax = faxed(office, "15557650102", "\n \n")
    assert (fax["pages"], fax["cover"], fax["subject"]) == (2, None, "")
    fax = faxed(office, "15557650103/cover=yes", "\n")
    assert fax["pages"] == 3 and "Invoice 12 (Ref " in fax["cover"]["subject"]
    fax = faxed(office, "15557650104/cover=no", "Please see the offer.")
    assert (fax["pages"], fax["cover"], fax["subject"]) == (3, None, ""), "the text is a page"


def test_none_sends_no_cover_field_at_all(office: House) -> None:
    office.settings |= {"sender": 'cover_page = "none"'}
    office.start()
    fax = faxed(office, "15557650105", "Please see the offer.")
    assert (fax["pages"], fax["cover"], fax["subject"]) == (3, None, "")
    for request in office.requests("SendFax"):
        assert not {"subject", "notes", "sendername", "sendercompany", "recpname"} & set(str(request).split('"'))
