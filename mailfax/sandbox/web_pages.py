"""Web pages are laid out as PDF, from their own bytes alone: nothing is ever fetched.

In: the bytes of an HTML or MHTML document. Out: the bytes of a PDF on Letter paper.

STANDARDS  RFC 2557 (MHTML: ``cid:`` and Content-Location name the parts of the same file).
LIMITS     ``data:`` addresses and parts of the same file are shown; everything else, ``file:`` included, is not.
           No scripts.
"""

from __future__ import annotations

import atexit
import base64
import email
import email.policy
import io
import shutil
import tempfile
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes
from xml.sax.saxutils import escape

from mailfax.sandbox import lettering

Part = tuple[bytes, str]
"""Bytes and content type."""


def to_pdf(data: bytes, *, mime: bool) -> bytes:
    """The document laid out as PDF; ``mime`` for MHTML."""
    import plutoprint

    html, charset, parts = _taken_apart(data) if mime else (data, "", {})

    class OwnPartsOnly(plutoprint.ResourceFetcher):
        def fetch_url(self, url: str) -> plutoprint.ResourceData:
            # An exception here would be printed by the library; an empty resource is simply not shown.
            content, kind = parts.get(url) or _of_data_address(url)
            return plutoprint.ResourceData(content, kind)

    _use_own_fonts()
    book = plutoprint.Book(plutoprint.PAGE_SIZE_LETTER, plutoprint.PAGE_MARGINS_NORMAL)
    book.custom_resource_fetcher = OwnPartsOnly()
    book.load_data(html, "text/html", charset)
    file = io.BytesIO()
    book.write_to_pdf_stream(file)
    return file.getvalue()


def _of_data_address(url: str) -> Part:
    head, comma, body = url.partition(",")
    if not (comma and head.lower().startswith("data:")):
        return b"", "text/plain"
    kind, *parameters = head[5:].split(";")
    content = unquote_to_bytes(body)
    if "base64" in parameters:
        content = base64.b64decode(content + b"==")
    return content, kind or "text/plain"


def _taken_apart(data: bytes) -> tuple[bytes, str, dict[str, Part]]:
    """The first HTML part with its charset, and every other part by each of its names."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    html: EmailMessage | None = None
    parts: dict[str, Part] = {}
    for part in message.walk():
        if part.is_multipart():
            continue
        if html is None and part.get_content_type() in ("text/html", "application/xhtml+xml"):
            html = part
            continue
        content = part.get_payload(decode=True)
        named = (bytes(content) if isinstance(content, bytes) else b"", part.get_content_type())
        if part["Content-ID"]:
            parts[f"cid:{unquote(str(part['Content-ID']).strip().strip('<>'))}"] = named
        if part["Content-Location"]:
            parts[str(part["Content-Location"]).strip()] = named
    if html is None:
        raise ValueError("the MIME file has no HTML part")
    body = html.get_payload(decode=True)
    return (body if isinstance(body, bytes) else b""), html.get_content_charset() or "", parts


@cache
def _use_own_fonts() -> None:
    """Point the library at the packaged font: a bare system has no font and no fontconfig configuration.

    The setting holds for the whole process, so the folder is removed only at its end.
    """
    import plutoprint

    folder = Path(tempfile.mkdtemp(prefix="faxcore-sandbox-fonts-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    fonts, cached = escape(str(lettering.font_folder())), escape(str(folder / "cache"))
    (folder / "fonts.conf").write_text(
        f'<?xml version="1.0"?>\n<fontconfig><dir>{fonts}</dir><cachedir>{cached}</cachedir></fontconfig>\n',
        encoding="utf-8",
    )
    plutoprint.plutobook_set_fontconfig_path(str(folder))
