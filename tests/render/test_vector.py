"""Drawings as files (SVG): a page as viewers show it, with its words, or refused with what to do."""

from __future__ import annotations

from collections.abc import Set

import pytest
from PIL import ImageOps

from mailfax.render.drawing import DRAWERS
from mailfax.render.kinds import Kind, kind_of
from mailfax.render.pdf import Document
from mailfax.render.plan import Source
from mailfax.render.terms import Terms
from mailfax.render.work import Work
from mailfax.rules.submission import NotFaxable, Part
from tests.render.test_html import HALF, Page, in_page

TERMS = Terms(paper="letter", pages=30, document_bytes=3_000_000, seconds=20)


def svg(inside: str, said: str = 'width="300" height="100"') -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" {said}>{inside}<rect width="9" height="9"/></svg>'


def drawn(drawing: str, as_words: Set[str] = frozenset()) -> Page:
    document = Document("letter", 30)
    part = Part("plan", "application/octet-stream", drawing.encode())
    kind = kind_of(part)
    assert kind is Kind.SVG
    left_out = DRAWERS[kind](Source("plan", kind, part), Work({}, document, TERMS, as_words=as_words))
    made = document.save()
    return Page.of(left_out, made)


CLASSES = "<style>.a{font-size:30px}.h{display:none}</style>"
ENTITY = "<!DOCTYPE svg [<!ENTITY ns 'http://www.w3.org/2000/svg'>]>"
PREFIXED = svg("<text y='40'>a</text>").replace("</", "</s:").replace("<", "<s:").replace("<s:/s:", "</s:")
DRAWINGS = {
    "bold within": (svg("<text x='9' y='40'>Ground <tspan font-weight='bold'>floor</tspan></text>"), "Ground floor"),
    "scripts of the world": (svg("<text x='9' y='40'>שלום العربية 日本</text>"), "日"),
    "classes": (svg(f"{CLASSES}<text class='a' y='40'>a</text><text class='h'>b</text>"), "a"),
    "visible within hidden": (
        svg("<g visibility='hidden'><text y='40'>b</text><text y='40' style='visibility:visible'>a</text></g>"),
        "a",
    ),
    "used, and a script": (
        svg("<defs><text id='t' y='40'>used</text></defs><use href='#t'/><script>blow()</script>"),
        "used",
    ),
    "instead of HTML": (
        svg("<switch><foreignObject><p>HTML</p></foreignObject><text y='40'>instead</text></switch>"),
        "instead",
    ),
    "comment in front": ("<?xml version='1.0'?><!-- made here -->" + svg("<text y='40'>a</text>"), "a"),
    "entity": (f"{ENTITY}<svg xmlns='&ns;' viewBox='0 0 90 60'><text y='40'>a</text></svg>", "a"),
    "prefix": (PREFIXED.replace("xmlns=", "xmlns:s="), "a"),
}


@pytest.mark.parametrize(("drawing", "words"), DRAWINGS.values(), ids=DRAWINGS)
def test_a_drawing_is_a_page_with_its_words(drawing: str, words: str) -> None:
    made = drawn(drawing)
    assert words in made.words and "b" not in made.words
    assert made.left_out == []


def test_a_drawing_has_its_own_size_and_one_that_tells_none_is_as_wide_as_the_paper() -> None:
    for said, size in (('width="76.2mm" height="25.4mm"', (216, 72)), ('viewBox="0 0 300 100"', (510, 170))):
        look = drawn(svg('<rect width="300" height="100"/>', said)).look()
        left, top, right, bottom = ImageOps.invert(look).getbbox() or (0, 0, 0, 0)
        assert ((right - left) / 2, (bottom - top) / 2) == pytest.approx(size, abs=2)


@pytest.mark.parametrize(
    ("inside", "told"),
    [
        (
            '<image href="http://example.com/a.png" width="9" height="9"/>',
            "a part of it that would have to be fetched",
        ),
        (f'<image href="{in_page(HALF)}" width="9" height="9"/>', "a picture in it, which is damaged"),
    ],
)
def test_what_is_missing_in_a_drawing_is_named(inside: str, told: str) -> None:
    assert drawn(svg(inside)).left_out == [f"plan: {told}"]


BARE = "<svg xmlns='http://www.w3.org/2000/svg'>"
PARAGRAPH = "<foreignObject width='99' height='50'><p xmlns='http://www.w3.org/1999/xhtml'>HTML</p></foreignObject>"
REFUSED = {
    "HTML within": (svg(PARAGRAPH), "its text can't be drawn"),
    "white on nothing": (f"{BARE}<text y='40' fill='white'>a</text></svg>", "nothing of it is seen"),
    "cut off": (f"{BARE}<text y='40'>cut", "its XML is not whole"),
    "kilometres": (svg("", "width='9999999' height='9'"), "metres long"),
}


@pytest.mark.parametrize(("drawing", "why"), REFUSED.values(), ids=REFUSED)
def test_what_can_not_be_drawn_is_refused(drawing: str, why: str) -> None:
    with pytest.raises(NotFaxable, match=why):
        drawn(drawing)


def test_a_drawing_that_ends_the_engine_is_refused_when_it_comes_again() -> None:
    with pytest.raises(NotFaxable, match="it can't be drawn here"):
        drawn(svg("<text y='40'>a</text>"), frozenset(["plan"]))
