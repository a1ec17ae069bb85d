"""Every character of a text is on its pages, or named, or the text is refused."""

from __future__ import annotations

import io

import pypdfium2
import pytest

from mailfax.render import text as module
from mailfax.render.drawing import DRAWERS
from mailfax.render.html import add_html
from mailfax.render.kinds import Kind
from mailfax.render.pdf import Document
from mailfax.render.plan import Source, visible
from mailfax.render.readback import lost_characters
from mailfax.render.terms import Terms
from mailfax.render.text import add_text, draw_text
from mailfax.render.work import Work
from mailfax.rules.submission import NotFaxable, Part
from tests.render.test_writing import LETTERS

TERMS = Terms(paper="a4", pages=200, document_bytes=3_000_000, seconds=20)


def add(text: str) -> tuple[Document, list[str]]:
    document = Document("a4", 200)
    return document, add_text(Source("t", Kind.TEXT, Part("t", "text/plain", b"", text)), Work({}, document, TERMS))


def pages_of(pdf: bytes) -> list[str]:
    with pypdfium2.PdfDocument(io.BytesIO(pdf)) as document:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


def test_a_form_feed_ends_the_page() -> None:
    assert pages_of(draw_text("one\n\ftwo\ftwo", "a4")) == ["one", "two", "two"]


@pytest.mark.parametrize("script", LETTERS)
def test_no_false_alarm_in_any_script(script: str) -> None:
    _, left_out = add((LETTERS[script] + "\n") * 40)
    assert left_out == []


@pytest.mark.parametrize(
    "text",
    [
        "office affluent ﬁsh ﬂag Œuvre Straße İstanbul ǆ",
        "a-b co-operation " * 60,
        "x" * 9000,
        "A    B    C\n1    2    3\n4    5    6\n" * 30,
        "".join(map(chr, range(33, 127))) + "".join(map(chr, range(161, 0x17F))),
        "1234567890 " * 2000,
        "√x² ≤ ½·π ± 10⁻³ ℃ № ™ © ®",
    ],
)
def test_no_false_alarm_in_texts_that_are_set_with_care(text: str) -> None:
    _, left_out = add(text)
    assert left_out == []


def test_lost_words_are_found() -> None:
    pdf = draw_text("Order 4711, please confirm", "a4")
    assert lost_characters("Order 4711, please confirm", pdf) == 0
    assert lost_characters("Order 47112, please confirm", pdf) == 1
    assert lost_characters("Order 4711, please confirm today", pdf) == 5
    assert lost_characters("Order 4711, please confirm שלום", pdf) == 4
    assert lost_characters("Order 4711, please confirm " + "مرحبا" * 4, pdf) == 10


def test_a_few_lost_characters_are_named_and_many_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = module.draw_html
    monkeypatch.setattr(module, "draw_html", lambda page, **more: engine(page.replace("4711", ""), **more))
    _, left_out = add("Order 4711. " + "Many words of an ordinary letter. " * 20)
    assert left_out == ["t: 4 characters that could not be drawn"]
    with pytest.raises(NotFaxable, match="can't be drawn whole"):
        add("Order 4711.")


def test_control_characters_are_seen() -> None:
    document, _ = add("a\x07b")
    assert pages_of(document.save()) == ["a\ufffdb"]
    assert visible("a\x07b") == "a\ufffdb"


def left_of(pdf: bytes) -> list[float]:
    """Where the lines of the first page begin at the left, from the top, in points."""
    with pypdfium2.PdfDocument(io.BytesIO(pdf)) as document:
        text = document[0].get_textpage()
        boxes = [text.get_rect(number) for number in range(text.count_rects())]
    lines: dict[int, float] = {}
    for left, bottom, _, _ in boxes:
        lines[round(bottom / 12)] = min(left, lines.get(round(bottom / 12), 1000.0))
    return [left for _, left in sorted(lines.items(), reverse=True)]


HALF = 300


def test_each_line_begins_on_the_side_of_its_writing() -> None:
    hebrew, english, arabic, dashed, number = left_of(draw_text("שלום\nHello\nمرحبا\n- שלום\n4711", "a4"))
    assert english < HALF and number < HALF
    assert min(hebrew, arabic, dashed) > HALF


def test_html_says_itself_which_way_it_is_written() -> None:
    page = (
        "<p>שלום</p><p dir=auto>שלום</p><p dir=AUTO><i>Hello</i> שלום</p>"
        "<p dir=rtl>abc</p><p dir=auto><bdi>x</bdi> שלום</p>"
    )
    document = Document("a4", 200)
    add_html(Source("t", Kind.HTML, Part("t", "text/html", b"", page)), Work({}, document, TERMS))
    plain, hebrew, english, told, isolated = left_of(document.save())
    assert plain < HALF and english < HALF
    assert min(hebrew, told, isolated) > HALF


@pytest.mark.parametrize("text", ["x\n" * 12_061, "ill " * 700_000])
def test_what_no_fax_has_room_for_is_refused_before_it_is_drawn(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "draw_text", lambda *_: pytest.fail("drawn"))
    with pytest.raises(NotFaxable, match=r"The fax would have 2.. pages, but one fax can have 200 at most"):
        add(text)


def test_the_bound_of_a_page_is_above_all_that_a_page_holds() -> None:
    columns = "a    b    c\n" * module.MOST_LINES * 3
    assert len(pages_of(draw_text(columns, "a4"))) > 3
    assert len(pages_of(draw_text("i" * module.MOST_CHARACTERS * 2, "a4"))) > 2


GUESSED = ["t: its character set is not told; it was read as windows-1251"]


@pytest.mark.parametrize(
    ("kind", "text", "charset", "told"),
    [
        (Kind.TEXT, "Договор поставки подписан", "cp1251", GUESSED),
        (Kind.CSV, "Имя;Сумма\nИван;100\nПётр;200", "cp1251", GUESSED),
        (Kind.HTML, "<p>Договор поставки подписан</p>", "cp1251", GUESSED),
        (Kind.HTML, "<meta charset=koi8-r><p>Договор поставки подписан</p>", "koi8-r", []),
        (Kind.XML, "<!DOCTYPE a><a>Договор поставки подписан</a>", "cp1251", GUESSED),
        (Kind.XML, "<?xml version='1.0' encoding='cp1251'?><!DOCTYPE a><a>Договор</a>", "cp1251", []),
        (Kind.CSV, "Имя;Сумма\nИван;100", "utf-8", []),
    ],
)
def test_a_charset_that_had_to_be_guessed_is_told(kind: Kind, text: str, charset: str, told: list[str]) -> None:
    document = Document("a4", 200)
    part = Part("t", "application/octet-stream", text.encode(charset))
    assert DRAWERS[kind](Source("t", kind, part), Work({}, document, TERMS)) == told
    shown = "".join(pages_of(document.save()))
    assert "Договор" in shown or "Иван" in shown
