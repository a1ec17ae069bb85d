"""The same mail sent again has the same key, and whatever changes a page changes the key."""

from __future__ import annotations

import pytest

from mailfax.rules.sameness import pages_key

MAIL = (
    b"Message-ID: <1@example.com>\r\nDate: Mon, 1 Jan 2026 10:00:00 +0000\r\nFrom: a@example.com\r\n"
    b"Subject: Offer\r\n"
    b'Content-Type: multipart/mixed;\r\n boundary="==1=="\r\n\r\n'
    b"--==1==\r\nContent-Type: text/plain\r\n\r\nDear Bob\r\n--==1==--\r\n"
)


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        (b"<1@example.com>", b"<2@example.com>", True),
        (b"10:00:00", b"11:00:00", True),
        (b"==1==", b"=_another", True),
        (b"Dear Bob", b"Dear Rob", False),
        (b"text/plain", b"text/html", False),
        (b"Subject: Offer", b"Subject: Order", False),
        (b"multipart/mixed", b"multipart/alternative", False),
    ],
)
def test_what_is_drawn_counts_and_nothing_else(old: bytes, new: bytes, same: bool) -> None:
    assert (pages_key(MAIL, "x") == pages_key(MAIL.replace(old, new), "x")) is same


def test_settings_count() -> None:
    assert pages_key(MAIL, "letter") != pages_key(MAIL, "a4")
