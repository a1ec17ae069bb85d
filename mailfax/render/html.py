"""HTML becomes PDF or plain text: cleaned, drawn without network, files or scripts.

In: HTML as text and the pictures it refers to by Content-ID. Out: a PDF. Three fences stand behind each other: what
is not on the list of tags and attributes is removed; the engine has no scripts; its fetcher knows only ``cid:``.

STANDARDS: RFC 2392 (cid).
LIMITS: ``DATA_BYTES`` for one data: picture.
"""

from __future__ import annotations

import re

import nh3

from mailfax.render.attempt import attempt
from mailfax.render.engine import draw_html
from mailfax.render.plan import Source, visible
from mailfax.render.text import add_words, tell_missing, text_in
from mailfax.render.words import text_of
from mailfax.render.work import Work
from mailfax.rules.pictures import behind_text_in

#: A data: picture longer than this (as base64) is left out by the cleaning.
DATA_BYTES = 3_000_000
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


def add_html(source: Source, work: Work) -> list[str]:
    """Append the pages of HTML as it looks; as its text where the engine fails, hangs or dies."""
    page = text_in(source)
    pdf = attempt(lambda: draw_html(clean(page), work.images, work.terms.paper), work.terms.seconds / 3)
    text = visible(text_of(page))
    if pdf is None:
        left_out = add_words(source.name, text, work)
        return [f"{source.name}: its layout and pictures (only its text could be drawn)", *left_out]
    left_out = tell_missing(source.name, text)
    work.document.add(pdf, source.name)
    if images := work.images:
        lost = behind_text_in(page) & images.keys()
        left_out += [f"{images[cid].name}: a picture behind the text of the mail" for cid in sorted(lost)]
    if far := far_pictures(page):
        left_out.append(
            f"{source.name}: {far} picture{'s' * (far != 1)} kept on the internet (nothing is fetched from there)"
        )
    return left_out


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
