"""Losses planted where a mail is read and drawn: each is caught; ``docs/reference/conservation.md`` lists them.

Each breaks the function that would be guilty, and sends a whole mail through the work of a cell. The losses of a PDF
page after it was copied stand in ``test_compare.py``, those of a page's bits in ``test_raster.py``.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pypdfium2
import pytest
from PIL import Image

from mailfax.render import drawing, glyphs, picture, raster, table, text
from mailfax.render import html as html_module
from mailfax.render import pdf as pdf_module
from mailfax.render.compare import Place, looks, opened, same
from mailfax.render.converters import ConverterClient
from mailfax.render.kinds import Kind
from mailfax.render.terms import ORDINARY, Terms, Wishes
from mailfax.render.work import silent
from mailfax.rules import content, reading, submission
from mailfax.rules.charset import Decoded
from mailfax.rules.submission import NotFaxable
from mailfax.rules.transfer import Undone
from tests.render.paper import letter, logo, mail
from tests.render.paper import picture as drawn_picture
from tests.render.samples import LETTER, field, form, saved

TERMS = Terms(paper="letter", pages=30, document_bytes=3_000_000, seconds=20)
WORDS = "Order 4711 is to be paid until Friday. " * 20
NOTE = mail("See.", ("letter.pdf", "application/pdf", letter(2)))
PAGE = f"<p>{WORDS}</p><table><tr><td>Total</td><td>815 Euro</td></tr></table>"
SHOWN = mail(None, html=f"{PAGE}<img src='cid:logo.png'>", images=[("logo.png", "image/png", logo())])
Patch = pytest.MonkeyPatch
Plant = Callable[[Patch], None]


def drawn(raw: bytes, wishes: Wishes = ORDINARY) -> tuple[bytes, dict[str, Any]]:
    return drawing.render(raw, TERMS, wishes, silent, ConverterClient())


def words_of(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(pdf) as document:
        return " ".join(" ".join(page.get_textpage().get_text_range().split()) for page in document)


def around(owner: Any, name: str, change: Callable[[Any], Any]) -> Plant:
    """The function ``name`` gives back what ``change`` leaves of its result."""
    whole = getattr(owner, name)
    return lambda patch: patch.setattr(owner, name, lambda *given, **more: change(whole(*given, **more)))


def instead(owner: Any, name: str, other: Callable[..., Any]) -> Plant:
    return lambda patch: patch.setattr(owner, name, other)


def engine(module: Any, lost: str) -> Plant:
    """The engine never gets to see ``lost``."""
    whole = module.draw_html
    return instead(module, "draw_html", lambda page, *rest, **more: whole(re.sub(lost, "", page), *rest, **more))


def first_part_only(reader: reading.Reading, node: Any) -> None:
    reader._walk(node.children[0])


def shortened(node: Any) -> Any:
    """A reader that takes the end of a part too early."""
    leaf = node
    while leaf.children:
        leaf = leaf.children[0]
    leaf.end -= 3
    return node


def half_white(made: tuple[bytes, Image.Image]) -> tuple[bytes, Image.Image]:
    octets, image = made
    with Image.open(io.BytesIO(octets)) as harmed:
        harmed.load()
        harmed.paste(255, (0, 0, harmed.width, harmed.height // 2))
        file = io.BytesIO()
        harmed.save(file, "PNG")
    return file.getvalue(), image


def pages_changed(change: Callable[[pikepdf.Pdf], None]) -> Callable[[bytes], bytes]:
    def changed(octets: bytes) -> bytes:
        with pikepdf.open(io.BytesIO(octets)) as pdf:
            change(pdf)
            return saved(pdf)

    return changed


def drop_page(pdf: pikepdf.Pdf) -> None:
    del pdf.pages[1]


def blank_page(pdf: pikepdf.Pdf) -> None:
    pdf.pages[1].obj.Contents = pdf.make_stream(b"")


def harm_jpeg(pdf: pikepdf.Pdf) -> None:
    [image] = pdf.pages[0].images.values()
    other = Image.new("RGB", (int(image.Width), int(image.Height)), "white")
    file = io.BytesIO()
    other.save(file, "JPEG")
    image.write(file.getvalue(), filter=pikepdf.Name.DCTDecode)


def blank_bits(patch: Patch) -> None:
    for name in ("black", "dithered"):
        patch.setattr(raster, name, lambda grey, **_: np.zeros(grey.shape, np.bool_))


@dataclass(frozen=True)
class Loss:
    """``raw`` is drawn after ``plant``. Then the mail is refused, or what is left out is told, and has to match."""

    raw: bytes
    plant: Plant
    refused: str = ""
    told: str = ""
    on_page: str = ""  #: what is on the page in spite of it
    wishes: Wishes = ORDINARY


LOSSES = {
    # --- of the mail
    "the reader drops a part": Loss(
        NOTE,
        lambda patch: patch.setitem(reading.RULES, "multipart/mixed", first_part_only),
        refused="bytes of it belong to none of its parts",
    ),
    "the reader ends a part too early": Loss(
        NOTE, around(reading, "read_tree", shortened), refused="bytes of it belong to none of its parts"
    ),
    "a part that was read is forgotten": Loss(
        NOTE,
        around(submission, "without_repeated", lambda made: (made[0][:-1], made[1])),
        refused="1 of its parts got lost",
    ),
    "the form of the text without the words is chosen": Loss(
        mail("Dear Bob", html="<p>Dear Bob, pay 4711 until Friday</p>"),
        instead(reading, "chosen_of", lambda forms, *_: forms[0]),
        told="only there stands: .*4711",
    ),
    "base64 stops in the middle of a PDF": Loss(
        NOTE,
        around(content, "undone", lambda made: Undone(made.content[: len(made.content) // 2])),
        refused='"letter.pdf" is damaged',
    ),
    "base64 stops in the middle of a picture": Loss(
        mail("See.", ("photo.jpg", "image/jpeg", drawn_picture("JPEG"))),
        around(content, "undone", lambda made: Undone(made.content[: -len(made.content) // 3])),
        refused='"photo.jpg" is damaged',
    ),
    # --- of the text
    "letters are decoded as damage": Loss(
        mail(WORDS),
        around(content, "decode", lambda made: Decoded(made.text.replace("o", "\ufffd"), made.charset, made.guessed)),
        refused="characters can't be read in its character set",
    ),
    "a control character": Loss(
        mail(f"{WORDS}\x07"), lambda patch: None, told="1 character that can't be read", on_page="\ufffd"
    ),
    "a character without a glyph": Loss(
        mail(f"{WORDS}\u6f22"),
        instead(glyphs, "has_glyph", lambda char: char != "\u6f22"),
        told=r"1 character for which there is no font here \(Chinese\)",
    ),
    "the font of a writing is missing": Loss(
        mail("\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd"),
        instead(glyphs, "has_glyph", lambda char: False),
        refused=r"no font for its writing here \(Hebrew\)",
    ),
    "the engine loses a paragraph of text": Loss(
        mail(f"{WORDS}\n\nKind regards from the northern region"),
        engine(text, "Kind regards.*?(?=<)"),
        refused="can't be drawn whole",
    ),
    "the engine loses a number in a text": Loss(
        mail(f"{WORDS}\n\n815"), engine(text, "815"), told="3 characters that could not be drawn"
    ),
    "the engine loses a paragraph of HTML": Loss(
        SHOWN, engine(html_module, f"<p>{WORDS}</p>"), told="only its text could be drawn", on_page="Order 4711"
    ),
    "the engine cuts a cell of a table": Loss(
        SHOWN, engine(html_module, "<td>815 Euro</td>"), told="only its text could be drawn", on_page="815 Euro"
    ),
    "the engine fails": Loss(
        SHOWN, instead(html_module, "draw_html", lambda *_, **__: 1 // 0), told="only its text", on_page="815 Euro"
    ),
    "a cell of a list is cut": Loss(
        mail("See.", ("list.csv", "text/csv", b"nr;town\n1;Hamburg\n2;Cologne\n")),
        around(table, "rows_in", lambda rows: [row[:1] for row in rows]),
        on_page="Hamburg",
    ),
    # --- of the page
    "a picture in HTML is never drawn": Loss(
        SHOWN,
        lambda patch, whole=html_module.draw_html: patch.setattr(  # type: ignore[misc]
            html_module, "draw_html", lambda page, images, *rest, **more: whole(page, {}, *rest, **more)
        ),
        told="1 picture in the text that could not be drawn",
    ),
    "half a picture in HTML": Loss(
        mail(
            None,
            html=f"{PAGE}<img src='cid:half.jpg'>",
            images=[("half.jpg", "image/jpeg", drawn_picture("JPEG")[:-500])],
        ),
        lambda patch: None,
        told="half.jpg: a picture in the text, which is damaged",
    ),
    "half a picture on its page": Loss(
        mail("See.", ("photo.png", "image/png", drawn_picture("PNG"))),
        around(picture, "_fax_ready", half_white),
        refused="its page would not look like it",
    ),
    "a page has another JPEG than the one that came": Loss(
        mail("See.", ("photo.jpg", "image/jpeg", drawn_picture("JPEG"))),
        around(picture, "_laid_out", pages_changed(harm_jpeg)),
        refused="its page would not look like it",
    ),
    "a drawer draws nothing": Loss(
        mail(WORDS),
        lambda patch: patch.setitem(drawing.DRAWERS, Kind.TEXT, lambda source, work: []),
        refused='no page came of "text of the mail"',
    ),
    "a page is dropped in writing": Loss(
        NOTE, around(pdf_module.Document, "_written", pages_changed(drop_page)), refused="1 of 2 pages came out"
    ),
    "a page is blank in writing": Loss(
        NOTE,
        around(pdf_module.Document, "_written", pages_changed(blank_page)),
        refused='"letter.pdf" can\'t be faxed: its page 2 comes out differently',
    ),
    "a page is blank in black and white": Loss(
        NOTE, blank_bits, refused="page 1 is lost in black and white", wishes=Wishes(document="tiff")
    ),
    "a page is dropped in black and white": Loss(
        NOTE,
        around(raster, "fax_pages", lambda pages: iter([next(pages)])),
        refused="1 of 2 pages came out in black and white",
        wishes=Wishes(document="tiff"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_a_planted_loss_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loss = LOSSES[name]
    loss.plant(monkeypatch)
    if loss.refused:
        with pytest.raises(NotFaxable, match=loss.refused):
            drawn(loss.raw, loss.wishes)
        return
    pdf, facts = drawn(loss.raw, loss.wishes)
    assert re.search(loss.told, "\n".join(facts["skipped"]))
    assert loss.on_page in words_of(pdf)


@pytest.mark.parametrize(
    "raw", {loss.raw: name for name, loss in LOSSES.items() if not loss.told}, ids=lambda raw: str(len(raw))
)
def test_without_a_plant_nothing_is_refused_or_told(raw: bytes) -> None:
    assert drawn(raw)[1]["skipped"] == ()


def test_a_field_that_is_emptied_in_copying_is_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its page becomes a picture of what the viewer shows."""
    filled = saved(form(field("Jane Q. Sample"), flag=True))

    @contextlib.contextmanager
    def emptied(octets: bytes) -> Iterator[pikepdf.Pdf]:
        with pikepdf.open(io.BytesIO(octets)) as pdf:
            del pdf.pages[0].obj.Annots
            yield pdf

    monkeypatch.setattr(pdf_module, "_flattened", emptied)
    pdf, _ = drawn(mail("See.", ("form.pdf", "application/pdf", filled)))
    place = Place(LETTER, 0, 0, *LETTER)
    with opened(filled) as given, opened(pdf) as made:
        assert same(looks(given[0], place), looks(made[0], place))
        assert made[0].get_textpage().get_text_range() == ""


def test_the_list_of_planted_losses_is_whole() -> None:
    listed = Path(__file__).parents[2].joinpath("docs/reference/conservation.md").read_text(encoding="utf-8")
    assert [name for name in LOSSES if name not in listed] == []
