"""A glance tells ordinary mails from those that may be refused by SMTP."""

from __future__ import annotations

import pytest

from mailfax.rules.suspect import GLANCE, is_suspect
from tests.render.paper import mail

PDF = ("offer.pdf", "application/pdf", b"%PDF-1.7 ...")


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: Scan\r\n\r\nHello\r\n",
        mail("Please see.", PDF),
        mail("Please see.", ("Bericht für Bob.docx", "application/octet-stream", b"PK")),
        mail(None, ("SCAN0001.TIF", "image/tiff", b"II*")),
        mail("Text", html="<p>Text</p>"),
        mail("The plan.", ("plan.svg", "image/svg+xml", b"<svg/>")),
    ],
)
def test_ordinary_mails_are_not_examined(raw: bytes) -> None:
    assert not is_suspect(raw[:GLANCE])


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: nothing\r\n\r\n\r\n",
        mail("See.", ("files.zip", "application/octet-stream", b"PK")),
        mail("See.", ("files.zip", "application/zip", b"PK")),
        mail("See.", ("mail.p7m", "application/pkcs7-mime", b"0")),
        b"Content-Type: multipart/encrypted;\r\n boundary=x\r\n\r\n--x\r\n",
        b"Content-Type: message/partial; id=1\r\n\r\nHello",
        b"Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR",
        mail("-----BEGIN PGP MESSAGE-----\n\nabc"),
        b"CONTENT-TYPE: APPLICATION/ZIP\r\n\r\nHello",
        b"Content-Disposition: attachment; FILENAME=FILES.ZIP\r\n\r\nHello",
        b"\r\n \r\n",
        b"Subject: no end of the header\r\n",
    ],
)
def test_what_may_be_refused_is_examined(raw: bytes) -> None:
    assert is_suspect(raw[:GLANCE])
