"""A drawing that is a file (SVG) becomes a page of its own size.

In: SVG. Out: its page; what was left out of it. It is written anew without scripts and without what would have to be
fetched, and drawn by the engine as a picture. Its words must be on the page, else it is refused.

STANDARDS: SVG 2 (a ``switch`` shows the first of its children that can be drawn: no HTML within a drawing).
LIMITS: those of the engine's process; no entity of a file is expanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import plutoprint
import pypdfium2
from lxml import etree

from mailfax.render.engine import draw_drawing
from mailfax.render.html import overseen
from mailfax.render.language import language_of
from mailfax.render.pasted import is_whole, pasted
from mailfax.render.plan import Source, visible
from mailfax.render.readback import lost_characters
from mailfax.render.style import Rule, declarations, pixels, read_sheet
from mailfax.render.text import tell_missing
from mailfax.render.work import Work
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable

SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
#: Width and height in CSS px of a drawing that says nothing of its size: the paper within its edges.
UNTOLD = (680.0, 880.0)
#: HTML within a drawing, which the engine does not draw.
HTML = f"{SVG}foreignObject"
#: What is drawn only where something refers to it, or never.
ASIDE = frozenset(
    SVG + tag for tag in ["defs", "symbol", "clipPath", "mask", "marker", "pattern", "title", "desc", "metadata"]
)
#: A style that leads out of the file.
FETCHING = re.compile(r"@import[^;]*;?|url\(\s*[\"']?(?![#\"']|data:)[^)]*\)", re.IGNORECASE)
SELECTOR = re.compile(r"([\w-]*|\*)(?:\.([\w-]+)|#([\w-]+))?")


def add_svg(source: Source, work: Work) -> list[str]:
    """Append the page of a drawing; what was left out of it. Raises ``NotFaxable``."""
    try:
        root = etree.fromstring(source.part.content, etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError):
        raise NotFaxable(status(Cause.DAMAGED, name=source.name, why="its XML is not whole")) from None
    left_out = [f"{source.name}: {what}" for what in _cleaned(root)]
    words = " ".join(_words(root))
    told = tell_missing(source.name, visible(words))
    width, height = _size(root)
    pdf = None
    if source.name not in work.as_words:
        with overseen(source.name, work), suppress(plutoprint.Error):
            pdf = draw_drawing(etree.tostring(root), width, height, language_of(words))
    if pdf is None:
        why = "it can't be drawn here"
    elif not told and lost_characters(words, pdf):
        why = "its text can't be drawn here"
    elif _is_blank(pdf):
        why = "nothing of it is seen on white paper"
    else:
        work.document.add(pdf, source.name)
        return [*told, *left_out]
    raise NotFaxable(status(Cause.UNSUPPORTED, name=source.name, why=f"{why}. Save it as a PDF and send that"))


def _cleaned(root: Any) -> Iterator[str]:
    """Take out of a drawing what the engine can't or must not draw; yields what people miss."""
    for switch in list(root.iter(f"{SVG}switch")):
        first = next((each for each in switch if each.tag != HTML and "requiredExtensions" not in each.attrib), None)
        for child in list(switch):
            if child is not first:
                switch.remove(child)
        switch.tag = f"{SVG}g"
    for script in list(root.iter(f"{SVG}script")):
        script.getparent().remove(script)
    for element in root.iter(etree.Element):
        for key in ("href", f"{XLINK}href"):
            address = element.get(key, "").strip()
            if address.startswith("data:image/"):
                if not is_whole(pasted(address.removeprefix("data:"))[1]):
                    yield "a picture in it, which is damaged"
            elif address and not address.startswith("#") and element.tag != f"{SVG}a":
                del element.attrib[key]
                yield "a part of it that would have to be fetched"
        if "style" in element.attrib:
            element.set("style", FETCHING.sub("", element.get("style")))
        if element.tag == f"{SVG}style":
            element.text = FETCHING.sub("", element.text or "")


def _words(root: Any) -> Iterator[str]:
    """The text that has to be seen, also that of HTML in the drawing, which the engine does not draw."""
    sheet = "\n".join(style.text or "" for style in root.iter(f"{SVG}style"))
    rules = read_sheet(sheet) if sheet.strip() else []
    for text in root.iter(f"{SVG}text", HTML):
        around = [text, *text.iterancestors()]
        unseen = any(each.tag in ASIDE or _said(each, "display", rules) == "none" for each in around)
        said = next(filter(None, (_said(each, "visibility", rules) for each in around)), "visible")
        if not unseen and said == "visible":
            yield "".join(text.itertext())


def _said(element: Any, name: str, rules: list[Rule]) -> str:
    """What is said of a property of an element: by its attribute, style sheets, and its own style, the last wins."""
    found = element.get(name, "")
    for rule in rules:
        if (selector := SELECTOR.fullmatch(rule.selector)) and _selects(selector, element):
            found = next((value for key, value, _ in rule.declared if key == name), found)
    found = next((value for key, value, _ in declarations(element.get("style", "")) if key == name), found)
    return str(found).strip().lower()


def _selects(selector: re.Match[str], element: Any) -> bool:
    tag, kind, identity = selector.groups()
    return (
        tag in ("", "*", etree.QName(element).localname)
        and (not kind or kind in element.get("class", "").split())
        and (not identity or identity == element.get("id"))
    )


def _size(root: Any) -> tuple[float, float]:
    """Width and height in points."""
    # A share of the page ("100%") is no size.
    told = (pixels(root.get(side, "")) for side in ("width", "height"))
    width, height = (size if size and size > 0 else None for size in told)
    box = [float(each) for each in re.findall(r"-?\d*\.?\d+(?:[eE][-+]?\d+)?", root.get("viewBox", ""))]
    if len(box) == 4 and box[2] > 0 and box[3] > 0:
        shape = box[3] / box[2]
        width = width or (height / shape if height else UNTOLD[0])
        height = height or width * shape
    return (width or UNTOLD[0]) * 0.75, (height or UNTOLD[1]) * 0.75


def _is_blank(pdf: bytes) -> bool:
    with pypdfium2.PdfDocument(pdf) as document:
        page = document[0]
        small = page.render(scale=min(1.0, 1000 / max(page.get_size()))).to_pil().convert("L")
    return bool(small.getextrema()[0] > 240)
