"""HTML becomes PDF or plain text: cleaned, drawn without network, files or scripts.

In: HTML as text and the pictures it refers to by Content-ID. Out: a PDF. Three fences stand behind each other: what
is not on the list of tags and attributes is removed; the engine has no scripts; its fetcher knows only ``cid:``.

STANDARDS: RFC 2392 (cid).
LIMITS: ``DATA_BYTES`` for one data: picture, ``LONGEST_TEXT`` of one paragraph (the engine's line breaking is
quadratic: 1 MB in one paragraph took 16 s, in many 0.2 s).
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from html import escape, unescape
from urllib.parse import unquote

import inscriptis
import nh3
import plutoprint

from mailfax.render.fonts import load_fonts
from mailfax.rules.submission import Part

#: A data: picture longer than this (as base64) is left out by the cleaning.
DATA_BYTES = 3_000_000
LONGEST_TEXT = 4000
PAPERS = {"letter": plutoprint.PAGE_SIZE_LETTER, "a4": plutoprint.PAGE_SIZE_A4}
#: Fax machines lose up to 5 mm at each edge; 18 mm (in points) looks like a letter.
EDGE = 51.0
#: How much wider than the paper a page may be: 11 pt become 4.4 pt, 12 dots high on a fine fax.
WIDEST = 2.5

TAGS = nh3.ALLOWED_TAGS | {"font", "style", "html", "head", "body", "section", "article", "main", "u", "tfoot"}
SHAPE = {
    "style",
    "class",
    "id",
    "align",
    "valign",
    "width",
    "height",
    "bgcolor",
    "background",
    "dir",
    "lang",
    "title",
}
ATTRIBUTES = {tag: set(attributes) for tag, attributes in nh3.ALLOWED_ATTRIBUTES.items()} | {
    "*": SHAPE,
    "a": {"name"},
    "img": {"src", "alt", "border"},
    "font": {"face", "size", "color"},
    "table": {"border", "cellpadding", "cellspacing", "rules", "frame"},
    "td": {"colspan", "rowspan", "nowrap"},
    "th": {"colspan", "rowspan", "nowrap"},
    "col": {"span"},
    "ol": {"start", "type"},
    "body": {"text"},
}
CLEANER = nh3.Cleaner(
    tags=TAGS,
    clean_content_tags={"script", "title", "noscript", "template", "iframe", "object", "svg", "math"},
    attributes=ATTRIBUTES,
    url_schemes={"cid", "data"},
    link_rel=None,
)
#: What a style sheet in a mail may not do: fetch, change the paper, or lay text over other text.
FORBIDDEN_CSS = re.compile(
    r"@(import|charset|namespace)[^;]*;?"
    r"|@(font-face|page)[^{]*\{[^}]*\}"
    r"|url\((?!(?:['\"]|&quot;)?cid:)[^)]*\)?"
    r"|position\s*:\s*(absolute|fixed)"
    r"|expression\s*\(",
    re.IGNORECASE,
)
STYLE = """
html { font: 11pt/1.35 "Noto Sans", sans-serif; color: black }
body { margin: 0; overflow-wrap: break-word } p { margin: 0 0 0.7em }
img { max-width: 100% } table { max-width: 100% }
pre, .text { white-space: pre-wrap; tab-size: 8 }
pre, .columns { font-family: monospace; font-size: 9.5pt }
blockquote { margin: 0 0 0 1em; padding-left: 0.7em; border-left: 1px solid black }
a { color: black }
/* A fax has no grey: light text on white, and white text on a colour, would be blank or a black bar on the page. */
* { color: black !important; background: none !important; border-color: black !important; opacity: 1 !important;
    text-shadow: none !important }
"""


class _OnlyMail(plutoprint.ResourceFetcher):  # type: ignore[misc, unused-ignore]
    """Knows the pictures of the mail and nothing else: no network, no files."""

    def __init__(self, images: Mapping[str, Part]) -> None:
        super().__init__()
        self._images = images

    def fetch_url(self, url: str) -> plutoprint.ResourceData:
        scheme, _, rest = url.partition(":")
        image = self._images.get(unquote(rest)) if scheme.casefold() == "cid" else None
        if image is None:
            return plutoprint.ResourceData(b"", "application/octet-stream")
        return plutoprint.ResourceData(image.content, image.label)


class TooWide(Exception):
    """The page would have to be shrunk until nobody can read it."""


def draw_html(page: str, images: Mapping[str, Part] | None = None, paper: str = "letter") -> bytes:
    """Draw HTML that is clean; a PDF. ``paper`` is "letter" or "a4".

    What is wider than the paper (tables of fixed width) gets larger pages, which are shrunk onto the paper later:
    nothing is cut off. Raises ``TooWide``, and the engine's own ``Error``.
    """
    load_fonts()
    book = _laid_out(page, images or {}, paper, 1.0)
    wider = book.get_document_width() / book.get_viewport_width()
    if wider > WIDEST:
        raise TooWide
    if wider > 1.01:
        book = _laid_out(page, images or {}, paper, wider)
    pdf = io.BytesIO()
    book.write_to_pdf_stream(pdf)
    return pdf.getvalue()


def _laid_out(page: str, images: Mapping[str, Part], paper: str, larger: float) -> plutoprint.Book:
    size, edge = PAPERS[paper], EDGE * larger
    book = plutoprint.Book(
        plutoprint.PageSize(size.width * larger, size.height * larger), plutoprint.PageMargins(edge, edge, edge, edge)
    )
    book.custom_resource_fetcher = _OnlyMail(images)
    # Before the mail's own style, which may say otherwise (the engine's user_style would win over it).
    book.load_html(f"<style>{STYLE}</style>{page}")
    return book


def clean(page: str) -> str:
    """What a mail's HTML may say, and nothing else."""
    page = re.sub(r"\bwindowtext\b", "black", page, flags=re.IGNORECASE)
    page = re.sub(r"(<style[^>]*>)\s*<!--(.*?)-->\s*(</style>)", r"\1\2\3", page, flags=re.IGNORECASE | re.DOTALL)
    page = re.sub(rf"data:[^\"'\s>]{{{DATA_BYTES},}}", "", page)
    return FORBIDDEN_CSS.sub("", CLEANER.clean(page))


def far_pictures(page: str) -> int:
    """How many pictures the HTML would fetch; those of one dot only watch the reader and are not missed."""
    tags = re.findall(r"<img\b[^>]*\bsrc\s*=\s*[\"']?https?:[^>]*>", page, re.IGNORECASE)
    return sum(not re.search(r"\b(width|height)\s*[=:]\s*[\"']?[01](px)?\b", tag, re.IGNORECASE) for tag in tags)


def text_of(page: str) -> str:
    """The text of HTML, tables kept in columns."""
    bare = _without_tags(page)
    if not bare.strip():
        return ""
    shown = inscriptis.get_text(page)
    # Its parser (libxml2) stops at 256 levels, and long threads are deeper: better no columns than lost words.
    return shown if len(re.findall(r"\w", shown)) >= 0.98 * len(re.findall(r"\w", bare)) else bare


def _without_tags(page: str) -> str:
    """All words of HTML, lines broken where blocks begin."""
    page = re.sub(r"<(script|style|title)\b.*?(</\1\s*>|$)|<!--.*?(-->|$)", "", page, flags=re.IGNORECASE | re.DOTALL)
    page = re.sub(r"<(br|p|div|tr|li|h[1-6]|table|blockquote)\b[^>]*>", "\n", page, flags=re.IGNORECASE)
    return unescape(re.sub(r"<[/!?a-zA-Z][^>]*>", " ", page))


def draw_text(text: str, paper: str) -> bytes:
    """Draw plain text; a PDF. Text in columns (ASCII tables) gets a font of one width."""
    columns = len(re.findall(r"^.*\S(?: {3,}|\t+)\S.*(?: {3,}|\t+)\S", text, re.MULTILINE)) >= 3
    blocks = "".join(
        f'<div dir="auto">{escape(piece) or "<br>"}</div>' for line in text.split("\n") for piece in _pieces(line)
    )
    return draw_html(f'<div class="text{" columns" if columns else ""}">{blocks}</div>', paper=paper)


def _pieces(line: str) -> list[str]:
    """An endless line in pieces that the engine breaks in bounded time."""
    return re.findall(rf".{{1,{LONGEST_TEXT}}}(?:\s|$)|.{{1,{LONGEST_TEXT}}}", line) or [""]
