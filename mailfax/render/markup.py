"""HTML is read as a browser reads it, and written anew: what its sender saw, and nothing else.

In: HTML as text. Out: ``Markup``: a page for the engine that has only known tags, attributes and styles; every
character that must be found on paper; the pictures it shows; what has no place on paper, named. Scripts, comments
(also Outlook's conditional ones) and hidden text are not written; fields of a form are written as their values.

Text that is hidden by colour (the same as the background that the mail itself sets there) is left out and named.
White text where the mail sets no background is drawn: who wrote it may have had a dark page.

STANDARDS: HTML (WHATWG) parsing, by Lexbor; RFC 2392 (cid).
LIMITS: those of ``measure``, beyond which only the words are read; ``TAGGED`` levels are written with their tags;
``DATA_BYTES`` for one data: picture.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from urllib.parse import unquote

from selectolax.lexbor import LexborHTMLParser, LexborNode

from mailfax.render.direction import direction
from mailfax.render.forms import FIELDS, SIGNS
from mailfax.render.formulas import FORMULAS
from mailfax.render.look import Look
from mailfax.render.measure import DEEPEST, too_much
from mailfax.render.pasted import pasted
from mailfax.render.style import (
    Hiding,
    drawable,
    drawable_sheet,
    names,
    picture_size,
    pixels,
    placed,
    read_sheet,
    sane_size,
)
from mailfax.render.svg import read_drawing
from mailfax.render.xhtml import ended
from mailfax.rules.submission import Part
from mailfax.rules.visible import text_of_html

#: A data: picture longer than this (as base64) is left out.
DATA_BYTES = 3_000_000
#: Levels that are written with their tags: the engine crashes at 100,000.
TAGGED = 200
VOID = names("br hr wbr col")
TAGS = VOID | names(
    """a abbr acronym address article aside b bdi bdo big blockquote body caption center cite code colgroup dd del
    dfn div dl dt em fieldset figcaption figure font footer h1 h2 h3 h4 h5 h6 header i ins kbd label legend li
    main mark menu nav ol p pre q s samp section small span strike strong sub sup table tbody td tfoot th thead
    time tr tt u ul var hgroup search"""
)
#: Tags that are written as another one; what is in neither table is written without its tag.
AS_OTHER = {
    **dict.fromkeys(("details", "summary", "dialog", "form", "dir", "noframes", "optgroup"), "div"),
    **dict.fromkeys(("xmp", "plaintext", "listing"), "pre"),
    **{"marquee": "div", "output": "span", "ruby": "span"},
}
#: Never drawn, with all that is in them.
NOTHING = names("script style head title template datalist param source track rp area meta link base annotation")
#: What has no place on paper; what they hold for those who can't show them is written.
NAMED = {
    "iframe": "a page within the page",
    "frame": "a page within the page",
    "object": "an embedded object",
    "embed": "an embedded object",
    "applet": "an embedded object",
    "video": "a video",
    "audio": "a sound",
    "canvas": "a drawing made by a script",
}
ATTRIBUTES = names(
    """class id align valign width height dir lang colspan rowspan nowrap start type value border
    cellpadding cellspacing rules frame span size"""
)
#: Nodes that are looked through for a letter that tells the direction of an element with ``dir="auto"``.
FIRST_NODES = 200
#: A word that makes a table wider than the paper (an address of a page): the engine breaks it only where it is told.
LONG_WORD = re.compile("[!-~\xa1-\u024f]{40,}")


@dataclass(frozen=True, slots=True)
class Markup:
    """``body`` and ``sheet`` go to the engine; ``words`` must be found on the pages that it makes."""

    body: str
    sheet: str
    words: str
    #: Content-IDs of the pictures shown, in order, each time they are.
    pictures: tuple[str, ...]
    left_out: tuple[str, ...]
    #: Those of ``pictures`` that stand in the page itself.
    pasted: Mapping[str, Part] = field(default_factory=dict)
    #: It is too much to be laid out: only its words are there.
    plain: bool = False

    @property
    def shows_something(self) -> bool:
        """Whether there is anything to see: HTML may be there and be empty."""
        return self.shows(self.pictures)

    def shows(self, pictures: Iterable[str]) -> bool:
        """Whether there is anything to see where only these pictures can be drawn."""
        drawn = not set(self.pictures).isdisjoint(pictures)
        return bool(drawn or self.words.strip() or re.search(r"<svg|class=\"field\"", self.body))


@functools.lru_cache(maxsize=8)
def read_markup(page: str) -> Markup:
    """Read HTML; bounded in time also for what is nested without end."""
    if too_much(page):
        words = " ".join(text_of_html(page).split())
        return Markup(f"<p>{escape(words)}</p>", "", words, (), (), plain=True)
    usual = sys.getrecursionlimit()
    # Three calls for each level, in Python alone. Others rely on the usual limit (nested MIME parts).
    sys.setrecursionlimit(usual + 4 * DEEPEST)
    try:
        return _Writer(page).markup()
    finally:
        sys.setrecursionlimit(usual)


@dataclass(slots=True)
class _Writer:
    page: str
    out: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    pasted: dict[str, Part] = field(default_factory=dict)
    named: dict[str, int] = field(default_factory=dict)
    hiding: Hiding | None = None

    def markup(self) -> Markup:
        tree = LexborHTMLParser(ended(self.page))
        sheets = "\n".join(node.text(deep=True) or "" for node in tree.css("style"))
        rules = read_sheet(sheets) if sheets.strip() else []
        self.hiding = Hiding(tree, rules)
        if tree.root is not None:
            self._element(tree.root, Look())
        left_out = tuple(_counted(what, count) for what, count in self.named.items())
        body, words, pictures = "".join(self.out), "".join(self.words), tuple(self.pictures)
        return Markup(body, drawable_sheet(rules), words, pictures, left_out, self.pasted)

    def _children(self, node: LexborNode, look: Look) -> None:
        child = node.child
        while child is not None:
            if child.is_text_node:
                self._text(child.text_content or "", look)
            elif child.is_element_node:
                self._element(child, look)
            child = child.next

    def _text(self, text: str, look: Look) -> None:
        if look.symbols:
            text = text.translate(SIGNS[look.symbols])
        if not text.strip():
            self.out.append(text)
        elif look.shown:
            if look.camouflaged:
                self._name("word in the colour of its background", len(text.split()))
                return
            pieces = LONG_WORD.sub(lambda word: re.sub(r".{20}", r"\g<0>\0", word[0]), text).split("\0")
            self.out.append("<wbr>".join(escape(piece, quote=False) for piece in pieces))
            self.words.append(text)

    def _element(self, node: LexborNode, look: Look) -> None:
        tag = (node.tag or "").lower()
        if tag in NOTHING:
            return
        attributes = {name: value or "" for name, value in node.attributes.items()}
        assert self.hiding is not None
        inside = look.within(tag, attributes, self.hiding.of(node.mem_id, attributes.get("style", "")))
        if inside is None:
            return
        if attributes.get("dir", "auto" if tag == "bdi" else "").lower() == "auto":
            attributes["dir"] = direction("".join(_first_texts(node)))
        if tag in FIELDS:
            if inside.visible:
                written, words = FIELDS[tag](node, attributes)
                self.out.append(written)
                self.words.append(words + " ")
            if tag == "button":
                self._wrapped("span", ' class="field"', node, inside)
        elif tag in ("img", "image"):
            if inside.visible:
                self._picture(attributes)
        elif tag == "svg":
            if inside.visible:
                self._drawing(node, inside)
        elif tag in FORMULAS:
            for piece in FORMULAS[tag](node, attributes):
                if isinstance(piece, str):
                    self._text(piece, inside)
                elif piece[0]:
                    self._wrapped(piece[0], "", piece[1], inside)
                else:
                    self._element(piece[1], inside)
        elif tag in NAMED:
            self._embedded(tag, node, attributes, inside)
        else:
            self._plain(tag, node, attributes, inside)

    def _plain(self, tag: str, node: LexborNode, attributes: dict[str, str], look: Look) -> None:
        tag = AS_OTHER.get(tag, tag)
        if tag in VOID:
            self.out.append(f"<{tag}{_attributes(attributes)}>")
            self.words.append("\n")
        elif tag == "rt":
            self.out.append("(")
            self._children(node, look)
            self.out.append(")")
        elif tag == "ol" and "reversed" in attributes:
            _count_down(node, attributes)
            self._wrapped("ol", _attributes(attributes), node, look)
        elif tag in TAGS and look.tags < TAGGED:
            self._wrapped(tag, _attributes(placed(tag, attributes)), node, replace(look, tags=look.tags + 1))
        else:
            self._children(node, look)

    def _wrapped(self, tag: str, attributes: str, node: LexborNode, look: Look) -> None:
        self.out.append(f"<{tag}{attributes}>")
        self._children(node, look)
        self.out.append(f"</{tag}>")
        if tag not in ("a", "b", "i", "span", "font", "em", "strong", "u", "sup", "sub", "small", "big"):
            self.words.append("\n")

    def _picture(self, attributes: dict[str, str]) -> None:
        source = attributes.get("src", "").strip() or attributes.get("srcset", "").strip()
        scheme, _, rest = source.partition(":")
        scheme = scheme.lower()
        alt = attributes.get("alt", "")
        if scheme == "cid" or (scheme == "data" and rest.lower().startswith("image/") and len(source) < DATA_BYTES):
            if scheme == "data":
                rest, picture = pasted(rest)
                self.pasted[rest] = picture
            self.pictures.append(unquote(rest))
            self.out.append(f'<img src="cid:{escape(rest)}"{picture_size(attributes)} alt="{escape(alt)}">')
            return
        watches = any((pixels(attributes.get(side, "")) or 9) <= 1 for side in ("width", "height"))
        if not source or watches:
            return
        on_the_internet = scheme in ("http", "https") or source.startswith("//")
        where = (
            "kept on the internet (nothing is fetched from there)"
            if on_the_internet
            else "with an address that leads nowhere"
        )
        self._name(f"picture {where}" if scheme != "data" else "picture too large or of an unknown kind")
        self._text(f" {alt} ", Look())

    def _drawing(self, node: LexborNode, look: Look) -> None:
        drawing = read_drawing(node)
        self.out.append(drawing.written)
        self.words.append(drawing.words)
        for what in drawing.left_out:
            self._name(what)
        for inside in node.css("foreignObject"):
            self._children(inside, look)

    def _embedded(self, tag: str, node: LexborNode, attributes: dict[str, str], look: Look) -> None:
        if tag == "iframe" and attributes.get("srcdoc"):
            inner = read_markup(attributes["srcdoc"])
            self.out.append(f"<div>{inner.body}</div>")
            self.words.append(inner.words + "\n")
            self.pictures += inner.pictures
            self.pasted |= inner.pasted
            return
        if look.visible:
            self._name(NAMED[tag])
        if tag != "iframe":
            self._children(node, look)

    def _name(self, what: str, count: int = 1) -> None:
        self.named[what] = self.named.get(what, 0) + count


def _first_texts(node: LexborNode) -> Iterator[str]:
    """The first texts in an element, of those that its direction goes by."""
    waiting = [node.child]
    for _ in range(FIRST_NODES):
        if not waiting:
            return
        child = waiting.pop()
        if child is None:
            continue
        waiting.append(child.next)
        if child.is_text_node:
            yield child.text_content or ""
        elif child.is_element_node and child.tag not in NOTHING | {"bdi"} and "dir" not in child.attributes:
            waiting.append(child.child)


def _count_down(node: LexborNode, attributes: dict[str, str]) -> None:
    """The engine numbers lists upwards: each item of one that counts down is told its number."""
    items = [child for child in node.iter() if child.tag == "li"]
    start = attributes.get("start", "")
    number = int(start) if re.fullmatch(r"-?\d{1,6}", start) else len(items)
    for item in items:
        told = item.attributes.get("value") or ""
        number = int(told) if re.fullmatch(r"-?\d{1,6}", told) else number
        item.attrs["value"] = str(number)  # type: ignore[index, unused-ignore]
        number -= 1


def _attributes(attributes: dict[str, str]) -> str:
    written = []
    for name, value in attributes.items():
        if name == "style":
            value = drawable(value)
            if value:
                written.append(f' style="{escape(value)}"')
        elif name in ("colspan", "rowspan", "span"):
            written.append(f' {name}="{min(int(value), 500)}"' if value.isascii() and value.isdigit() else "")
        elif name in ATTRIBUTES and not (name in ("height", "width") and not sane_size(value)):
            written.append(f' {name}="{escape(value)}"')
    return "".join(written)


def _counted(what: str, count: int) -> str:
    for thing in ("picture", "word"):
        if what.startswith(f"{thing} "):
            return f"{count} {thing}{'s' * (count != 1)} {what.removeprefix(thing).strip()}"
    return what if count == 1 else f"{what} ({count} times)"
