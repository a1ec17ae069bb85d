"""Office files become pages by a LibreOffice that is kept warm; whatever it does, the mail gets its answer."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import shutil
import signal
import socket
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest

from mailfax.render import CannotRender, Renderer, converter_server
from mailfax.render.kinds import Kind
from mailfax.render.office import Office
from mailfax.render.words_kept import share_lost
from tests.render.conftest import Render
from tests.render.paper import letter, logo, mail, sizes, text_of

pytestmark = [pytest.mark.anyio, pytest.mark.needs("soffice")]

WORDS = "Grüße aus Zürich: 20 € – contract 4711"


def word(text: str = WORDS) -> bytes:
    document = docx.Document()
    document.add_heading("Report", 0)
    document.add_paragraph(text)
    table = document.add_table(rows=2, cols=2)
    table.style = "Table Grid"
    for row in range(2):
        for column in range(2):
            table.cell(row, column).text = f"cell {row}.{column}"
    document.add_picture(io.BytesIO(logo()))
    return saved(document.save)


def commented_odt() -> bytes:
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "text")
    )
    note = '<office:annotation office:name="1"><text:p>Internal note</text:p></office:annotation>'
    words = f'Words that were commented on<office:annotation-end office:name="1"/>{note} and more of them{note}'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr(
            "content.xml",
            f'<office:document-content {spaces} office:version="1.2"><office:body><office:text>'
            f"<text:p>{words}</text:p></office:text></office:body></office:document-content>",
        )
        archive.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
            '<manifest:file-entry manifest:full-path="/" '
            'manifest:media-type="application/vnd.oasis.opendocument.text"/><manifest:file-entry '
            'manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>',
        )
    return file.getvalue()


def excel(columns: int = 3, rows: int = 4) -> bytes:
    book = openpyxl.Workbook()
    for row in range(rows):
        book.active.append([f"r{row}c{column}" for column in range(columns)])
    return saved(book.save)


def slides() -> bytes:
    shown = pptx.Presentation()
    for title in ("First slide", "Second slide"):
        slide = shown.slides.add_slide(shown.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = WORDS
    return saved(shown.save)


def saved(save: Callable[[io.BytesIO], None]) -> bytes:
    file = io.BytesIO()
    save(file)
    return file.getvalue()


async def test_word_excel_powerpoint_pdf_and_text_are_one_fax(render: Render) -> None:
    made = await render(
        mail(
            "Please see.\n" * 20,
            ("report.docx", "application/octet-stream", word()),
            ("letter.pdf", "application/pdf", letter(1)),
            ("table.xlsx", "application/octet-stream", excel()),
            ("talk.pptx", "application/octet-stream", slides()),
        )
    )
    assert made.contents == (
        "text of the mail: page 1",
        "report.docx: page 2",
        "letter.pdf: page 3",
        "table.xlsx: page 4",
        "talk.pptx: pages 5-6",
    )
    pages = text_of(made.content)
    assert WORDS in pages[1] and "cell 1.1" in pages[1]
    assert "r3c2" in pages[3]
    assert "Second slide" in pages[5] and "Grüße aus Zürich: 20 € – contract" in pages[5]


def offices(renderer: Renderer) -> list[int]:
    """The LibreOffices behind a renderer, by their process numbers."""
    assert renderer._foreman is not None
    found, processes = [], [renderer._foreman.pid]
    for process in processes:  # grows while it is read
        with contextlib.suppress(OSError):  # it has ended meanwhile
            for task in Path(f"/proc/{process}/task").iterdir():
                processes += map(int, (task / "children").read_text().split())
            if Path(f"/proc/{process}/comm").read_text().strip() == "soffice.bin":
                found.append(process)
    return found


async def kept(renderer: Renderer) -> int:
    """The only one, once a second one that was started meanwhile has ended."""
    while len(found := offices(renderer)) != 1:
        await asyncio.sleep(0.05)
    return found[0]


async def test_it_is_kept_for_the_next_document(render: Render, renderer: Renderer) -> None:
    await render(mail("See.", ("a.docx", "", word())))
    before = await kept(renderer)
    await render(mail("See.", ("a.xlsx", "", excel())))
    assert await kept(renderer) == before


async def test_one_that_was_needed_before_it_was_to_be_kept_is_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file asks for LibreOffice while the one that is to be kept comes up, or has asked before."""
    started: list[str] = []

    class Counted(Office):
        async def start(self) -> None:
            started.append(self._soffice)
            await asyncio.sleep(0.01)

        async def convert(self, source: Path, target: Path, seconds: float) -> list[str]:
            target.write_bytes(b"pages")
            return []

        worn = False

        async def close(self) -> None:
            started.remove(self._soffice)
            shutil.rmtree(self.folder)

    monkeypatch.setattr(converter_server, "Office", Counted)
    here, there = socket.socketpair()
    with here, there:
        at_work = converter_server._Server(here, 1)
        warming = asyncio.create_task(at_work._warm("soffice"))
        await asyncio.sleep(0)
        await at_work._by_office("soffice", Kind.DOCX, word())
        await warming
        assert len(started) == len(at_work._idle) == 1
        busy = at_work._idle.pop()
        await at_work._warm("soffice")
        assert len(started) == 1
        shutil.rmtree(busy.folder)


async def test_one_that_is_killed_at_work_is_replaced_and_the_file_tried_again(
    render: Render, renderer: Renderer
) -> None:
    await render(mail("See.", ("a.docx", "", word())))
    warm = await kept(renderer)
    rendering = asyncio.create_task(render(mail("See.", ("long.docx", "", word(WORDS * 2000)))))
    await asyncio.sleep(0.2)
    os.kill(warm, signal.SIGKILL)
    made = await rendering
    assert made.pages is not None and made.pages > 15
    assert warm not in offices(renderer)


async def test_one_that_hangs_is_replaced(render: Render, renderer: Renderer) -> None:
    await render(mail("See.", ("a.docx", "", word())))
    warm = await kept(renderer)
    os.kill(warm, signal.SIGSTOP)
    made = await render(mail("See.", ("a.docx", "", word())))
    assert made.pages == 1 and warm not in offices(renderer)


async def test_two_at_once(renderer: Renderer, tmp_path: Path) -> None:
    async def made(name: str, content: bytes) -> list[str]:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "mail").write_bytes(mail("See.", (name, "", content)))
        return text_of((await renderer.render(folder / "mail", into=folder)).content)

    one, other = await asyncio.gather(made("a.docx", word("First of two")), made("b.docx", word("Second of two")))
    assert "First of two" in one[0] and "Second of two" in other[0]


def unreadable() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", "no XML")
        archive.writestr("word/document.xml", "no XML either")
    return file.getvalue()


async def test_what_it_cannot_open_goes_to_the_service_alone_and_is_refused_beside_others(render: Render) -> None:
    odd = unreadable()
    made = await render(mail("See.", ("odd.docx", "", odd)))
    assert (made.filename, made.pages) == ("odd.docx", None)
    assert made.content.read_bytes() == odd
    with pytest.raises(CannotRender) as refused:
        await render(mail("See.", ("odd.docx", "", odd), ("note.txt", "text/plain", b"Words")))
    assert '"odd.docx"' in refused.value.status.sentence and not refused.value.later


async def test_a_wide_sheet_is_turned_and_shrunk_and_hidden_sheets_are_named(render: Render) -> None:
    book = openpyxl.Workbook()
    for row in range(30):
        book.active.append([f"r{row}c{column}" for column in range(60)])
    book.create_sheet("Secret")["A1"] = "hidden words"
    book["Secret"].sheet_state = "hidden"
    book.create_sheet("Empty")
    made = await render(mail("See.", ("wide.xlsx", "", saved(book.save))))
    assert made.pages is not None and made.pages <= 3
    said = " ".join(text_of(made.content))
    assert "r29c59" in said and "hidden words" not in said
    assert 'wide.xlsx: hidden sheet "Secret"' in made.skipped
    assert set(sizes(made.content)) == {(612, 792)}


async def test_chinese_in_a_word_file_has_letters(render: Render) -> None:
    made = await render(mail("See.", ("a.docx", "", word("合同编号 4711 שלום"))))
    assert "合同编号 4711" in text_of(made.content)[0]


def test_words_that_are_not_on_the_pages_are_missed() -> None:
    pdf = letter(1, title="Report")
    assert share_lost(Kind.DOCX, word("Words that nobody drew " * 20), pdf) > 0.5
    assert share_lost(Kind.DOCX, b"no zip file", pdf) == 0


@pytest.mark.parametrize("kind", ["docx", "odt"])
async def test_a_text_with_comments_becomes_pages_without_them(kind: str, render: Render) -> None:
    document = docx.Document()
    paragraph = document.add_paragraph()
    for words in ("Words that were commented on", " and more of them"):
        document.add_comment(paragraph.add_run(words), text="Internal note", author="A", initials="A")
    content = saved(document.save) if kind == "docx" else commented_odt()
    made = await render(mail("See.", (f"a.{kind}", "", content)))
    [page] = text_of(made.content)
    assert "Words that were commented on and more of them" in page and "Internal" not in page
    # By LibreOffice kept warm, which dies of comments: a cold one can't be asked what it leaves out.
    assert [line for line in made.skipped if "a." in line] == [f"a.{kind}: 2 comments"]
