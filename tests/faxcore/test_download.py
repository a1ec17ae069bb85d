"""The pages of a fax out of every wrapping that a .NET service may put them into."""

from __future__ import annotations

import base64
import codecs
import contextlib
import json
import textwrap
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.faxcore.download import FaxFile, NotTheFile

PDF = b"%PDF-1.4\n" + bytes(range(256)) + b">>>???\xfb\xff\xfe" * 3 + b"\n%%EOF\n"
TIFF = b"II*\0" + bytes(range(255, -1, -1))
BARE = base64.b64encode(PDF).decode()
WRAPPED = "<ApiResponse>\r\n<DownloadFax><Results>{}</Results></DownloadFax></ApiResponse>"

COATS = {
    "bare": BARE,
    "76 columns": "\r\n".join(textwrap.wrap(BARE, 76)),
    "byte order mark": "\ufeff" + BARE,
    "url-safe": base64.urlsafe_b64encode(PDF).decode(),
    "no padding": BARE.rstrip("="),
    "json string": json.dumps(BARE),
    "json, all escaped": '"' + BARE.replace("+", "\\u002B").replace("/", "\\/").replace("=", "\\u003d") + '"',
    "string element": f'<string xmlns="http://schemas.microsoft.com/2003/10/Serialization/">{BARE}</string>',
    "ApiResponse": f'<?xml version="1.0" encoding="utf-16"?>\r\n{WRAPPED.format(BARE)}',
    "FileContent": "<ApiResponse><DownloadFax><FileName>fax.pdf</FileName><PageCount>2</PageCount>"
    f"<FileContent>{BARE}</FileContent></DownloadFax></ApiResponse>",
    "json string behind a byte order mark": "\ufeff" + json.dumps(BARE),
    "data url": f"data:application/pdf;base64,{BARE}",
    "data url in json": f'"data:application/pdf;base64,{BARE}"',
}


def decoded(octets: bytes, filetype="PDF", size: int = 4096, framed: bool = True) -> bytes:
    file = FaxFile(filetype, framed=framed)
    parts = [file.feed(octets[start : start + size]) for start in range(0, len(octets), size)]
    return b"".join(parts) + file.feed(b"", last=True)


@pytest.mark.parametrize("size", [1, 5, 4096])
@pytest.mark.parametrize("coat", COATS)
def test_the_file_comes_out_of_every_coat_in_pieces_of_any_size(coat, size):
    assert decoded(COATS[coat].encode(), size=size) == PDF


@pytest.mark.parametrize("size", [1, 5, 4096])
def test_the_raw_file_comes_out_from_behind_a_byte_order_mark(size):
    assert decoded(codecs.BOM_UTF8 + PDF, size=size) == PDF
    assert decoded(codecs.BOM_UTF8 + TIFF, "TIF", size=size) == TIFF


def test_a_long_file_is_never_held_whole():
    file, block = FaxFile("PDF"), base64.b64encode(bytes(3 * 16_384))
    tracemalloc.start()
    written = len(file.feed(base64.b64encode(b"%PDF-1")))
    for _ in range(400):
        written += len(file.feed(block))
    written += len(file.feed(b"", last=True))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert written == 6 + 400 * 3 * 16_384 > 19_000_000
    assert most < 1_000_000


def test_the_raw_file_and_a_utf_16_text_are_accepted():
    assert decoded(PDF) == PDF
    assert decoded(BARE.encode("utf-16")) == PDF
    assert decoded(base64.b64encode(TIFF), "TIF") == TIFF


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"%PD",
        base64.b64encode(TIFF),
        TIFF,
        b"Fax not found",
        b"<html><body>no</body></html>",
        b"<!DOCTYPE html><html></html>",
        b'{"file": "JVBERi0="}',
        b'"JVBERi0xLjQK',
        b'"JVBERi0xLjQK" and more',
        b"<string>JVBERi0xLjQK",
        b"JVBERi0xLjQK=AAAA",
        b"JVBERi0xL",
        b"JVBERi0xLjQ*",
        b"data:application/pdf",
        (b"<ApiResponse><FaxId>JVBERi0xLjQK</FaxId></ApiResponse>"),
    ],
)
def test_anything_else_is_not_the_file(octets):
    with pytest.raises(NotTheFile):
        decoded(octets)


def test_what_was_said_instead_is_kept():
    for octets in (
        b"Fax not found",
        WRAPPED.format("Fax not found").encode(),
        b"<ApiResponse><Error>Fax not found</Error></ApiResponse>",
    ):
        with pytest.raises(NotTheFile) as raised:
            decoded(octets)
        assert raised.value.said.strip() == "Fax not found"


def test_without_a_length_on_the_wire_a_pdf_must_show_its_end():
    assert decoded(BARE.encode(), framed=False) == PDF
    with pytest.raises(NotTheFile, match="cut off"):
        decoded(base64.b64encode(PDF[:-10]), framed=False)


@given(st.binary(max_size=300), st.integers(1, 20))
def test_any_bytes_are_the_file_or_not_the_file(octets, size):
    """Invariant: nothing but NotTheFile is raised, and what comes out begins like a PDF."""
    for body in (octets, base64.b64encode(octets), b'"' + octets, b"<string>" + octets):
        with contextlib.suppress(NotTheFile):
            assert decoded(body, size=size).startswith(b"%PDF")


@given(st.binary(max_size=500), st.integers(1, 50))
def test_every_pdf_survives(content, size):
    assert decoded(base64.b64encode(b"%PDF" + content), size=size) == b"%PDF" + content
