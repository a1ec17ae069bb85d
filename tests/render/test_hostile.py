"""Hostile files end in a status and a sentence, in bounded time; the service is unharmed and nothing is fetched."""

from __future__ import annotations

import io
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest

from mailfax.config import Limits
from mailfax.render import CannotRender, Renderer
from tests.render.conftest import Render
from tests.render.paper import letter, mail, picture, scan, text_of
from tests.render.test_document import encrypted

pytestmark = pytest.mark.anyio


def no_pages() -> bytes:
    file = io.BytesIO()
    pikepdf.new().save(file)
    return file.getvalue()


def wide_bomb() -> bytes:
    """A PNG of 30,000 × 30,000 dots in a few bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


def cyclic() -> bytes:
    """A PDF whose tree of pages contains itself."""
    with pikepdf.open(io.BytesIO(letter(1))) as pdf:
        pdf.Root.Pages.Kids.append(pdf.Root.Pages)
        file = io.BytesIO()
        pdf.save(file)
    return file.getvalue()


FILES: dict[str, tuple[str, Callable[[], bytes], str, str]] = {
    "truncated": ("letter.pdf", lambda: letter(20)[:5000], "5.6.3", '"letter.pdf" is damaged'),
    "password": ("secret.pdf", lambda: encrypted("o", "u"), "5.6.1", '"secret.pdf" is encrypted'),
    "garbage": ("letter.pdf", lambda: b"%PDF-1.7\n" + bytes(range(256)) * 50, "5.6.3", '"letter.pdf" is damaged'),
    "no pages": ("none.pdf", no_pages, "5.6.3", "it has no pages"),
    "cyclic": ("cyclic.pdf", cyclic, "5.6.3", '"cyclic.pdf" is damaged'),
    "web page": ("x.pdf", lambda: b"<html><body>404 not found</body></html>", "5.6.3", "it holds a web page"),
    "too many pages": ("long.pdf", lambda: letter(31), "5.3.4", "32 pages, but one fax can have 30 at most"),
    "dots bomb": ("bomb.png", wide_bomb, "5.6.1", "more than 120 million dots"),
    "half a jpeg": ("photo.jpg", lambda: picture("JPEG", (2000, 2000))[:9000], "5.6.3", "can't be read as a picture"),
    "half a png": ("photo.png", lambda: picture("PNG", (2000, 2000))[:900], "5.6.3", "can't be read as a picture"),
    "half a tiff": ("scan.tif", lambda: scan(2)[:600], "5.6.1", "it is damaged, or a rare kind of picture"),
    "many tiff pages": ("scan.tif", lambda: scan(31, size=(100, 100)), "5.3.4", "can have 30 at most"),
}


@pytest.mark.parametrize(("name", "content", "code", "sentence"), FILES.values(), ids=FILES)
async def test_a_hostile_file_is_refused_by_name(
    render: Render, name: str, content: Callable[[], bytes], code: str, sentence: str
) -> None:
    with pytest.raises(CannotRender) as refused:
        await render(
            mail("text", ("good.pdf", "application/pdf", letter(1)), (name, "application/octet-stream", content()))
        )
    assert refused.value.status.code == code
    assert sentence in refused.value.status.sentence
    assert refused.value.status.diagnostic.startswith("x-mailfax; ")
    assert not refused.value.later


def nested(levels: int) -> bytes:
    head = b"Subject: x\nMIME-Version: 1.0\n"
    return head + b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(levels))


def parts(number: int) -> bytes:
    return b"Subject: x\nContent-Type: multipart/mixed; boundary=B\n\n" + b"--B\n\nx\n" * number + b"--B--\n"


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (nested(100), "nested too deeply"),
        (nested(10_000), "nested too deeply"),
        (parts(100_000), "more than 1000 parts"),
        (b"", "nothing to fax"),
        (b"\0" * 100_000, "nothing to fax"),
    ],
    ids=["100 levels", "10,000 levels", "100,000 parts", "nothing", "zeros"],
)
async def test_a_hostile_tree_is_refused(render: Render, raw: bytes, sentence: str) -> None:
    began = time.monotonic()
    with pytest.raises(CannotRender, match=sentence) as refused:
        await render(raw)
    assert not refused.value.later
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    "html",
    ["<div>" * 150 + "Hello", "<div>" * 3000 + "Hello", "<b>" * 3000 + "Hello", "<table><tr><td>" * 12 + "Hello"],
    ids=["150 divs", "3000 divs", "3000 bolds", "12 tables"],
)
async def test_nested_html_is_drawn(render: Render, html: str) -> None:
    made = await render(mail(None, html=html))
    assert "Hello" in " ".join(text_of(made.content))


async def test_nesting_that_kills_the_engine_is_drawn_as_text(tmp_path: Path) -> None:
    renderer = Renderer(paper="letter", limits=Limits(render_seconds=6))
    source = tmp_path / "mail"
    try:
        source.write_bytes(b"Content-Type: text/html\n\n" + b"<div>" * 100_000 + b"Hello")
        made = await renderer.render(source, into=tmp_path)
        assert text_of(made.content) == ["Hello"]
        assert "only its text" in made.skipped[0]
    finally:
        await renderer.close()


async def test_a_document_that_grows_too_large_is_refused(render: Render) -> None:
    with pytest.raises(CannotRender, match="one fax can have 3000000 at most") as refused:
        await render(mail("", ("a.pcl", "application/vnd.hp-pcl", b"\x1bE" + b"x" * 3_000_000)))
    assert refused.value.status.code == "5.3.4"
