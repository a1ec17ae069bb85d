"""A mail that Outlook kept in a file is read like any forwarded mail."""

from __future__ import annotations

import struct

import pytest

from mailfax.rules.msg import as_mail, is_msg
from mailfax.rules.part import NotFaxable, Part
from mailfax.rules.submission import Submission, understand
from tests.render.paper import mail
from tests.support.compound import compound

#: 3 June 2026, 14:30 UTC, as FILETIME.
SENT = struct.pack("<HHIQ", 0x40, 0x39, 6, 134_249_850_000_000_000)


def outlook(**more: bytes) -> bytes:
    wide = {
        "0037": "Größe 4711",
        "0C1A": "Zoë Example",
        "5D01": "zoe@example.com",
        "0E04": "Bob",
        "1000": "Inner text",
    }
    streams = {f"__substg1.0_{tag}001F": text.encode("utf-16-le") for tag, text in wide.items()}
    return compound({"__properties_version1.0": bytes(32) + SENT, **streams, **more})


def attached(at: int, name: str, content: bytes) -> dict[str, bytes]:
    folder = f"__attach_version1.0_#{at:08X}"
    return {
        f"{folder}/__properties_version1.0": bytes(8),
        f"{folder}/__substg1.0_3707001F": name.encode("utf-16-le"),
        f"{folder}/__substg1.0_37010102": content,
    }


def read(content: bytes) -> Submission:
    return understand(mail("See attached.", ("offer.msg", "application/vnd.ms-outlook", content)))


def test_its_heading_text_and_files_become_parts() -> None:
    content = outlook(**attached(0, "Überblick.txt", b"INNER FILE"), **attached(1, "large.bin", b"%PDF-" * 2000))
    assert is_msg(content)
    page, note, large = read(content).parts
    for said in ("From: Zoë Example <zoe@example.com>", "To: Bob", "Subject: Größe 4711", "Jun 2026", "Inner text"):
        assert said in (page.text or "")
    assert page.name == "Größe 4711 (forwarded mail)"
    assert (note.name, note.content) == ("Überblick.txt", b"INNER FILE")
    assert large.content == b"%PDF-" * 2000


def test_html_is_taken_before_text() -> None:
    [page] = read(outlook()).parts
    assert page.label == "text/plain"
    html = b"<html><meta charset=utf-8><p>Rich \xc3\xa4 text</p></html>"
    [page] = read(outlook(**{"__substg1.0_10130102": html})).parts
    assert page.label == "text/html" and "Rich ä text" in (page.text or "")


def test_a_mail_in_it_is_a_forwarded_mail_in_a_forwarded_mail() -> None:
    inner = "__attach_version1.0_#00000000/__substg1.0_3701000D"
    streams = {
        f"{inner}/__properties_version1.0": bytes(24),
        f"{inner}/__substg1.0_0037001F": "Innermost".encode("utf-16-le"),
        f"{inner}/__substg1.0_1000001F": "Words of the innermost".encode("utf-16-le"),
    }
    parts: tuple[Part, ...] = read(outlook(**streams)).parts
    assert any("Words of the innermost" in (part.text or "") for part in parts)


@pytest.mark.parametrize("cut", [300, 600, 1500])
def test_a_damaged_one_is_refused_by_its_name(cut: int) -> None:
    broken = outlook()[:cut] + b"_\0_\0p\0r\0o\0p\0e\0r\0t\0i\0e\0s\0_\0v\0e\0r\0s\0i\0o\0n\x001\0.\x000\0"
    with pytest.raises(NotFaxable, match="offer\\.msg"):
        read(broken)


def test_an_object_in_it_is_refused() -> None:
    folder = "__attach_version1.0_#00000000"
    streams = {f"{folder}/__properties_version1.0": bytes(8), f"{folder}/__substg1.0_3707001F": b"o\0"}
    with pytest.raises(NotFaxable, match=r"object of another program"):
        read(outlook(**streams))


def test_what_comes_out_is_a_mail() -> None:
    assert as_mail(outlook()).startswith(b"Subject: =?utf-8?b?")
