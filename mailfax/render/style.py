"""The styles of a mail: what of them reaches the engine, and what they hide.

In: style sheets and ``style`` attributes. Out: declarations that are safe to draw, and for each element the few
properties by which a sender hides text. What is drawn is an allow list (``KEPT``, ``CHANGED``): a property that lays
text over text, cuts it off, colours it, or takes it off the page is not on it, ``!important`` or not.

STANDARDS: CSS Syntax 3, Cascade 4 (origin author only), Media Queries 4 as a desktop screen answers them.
LIMITS: ``SHEET_CHARACTERS``; rules are matched against the tree as it was sent, without pseudo-classes of a mouse.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

import tinycss2
from selectolax.lexbor import LexborHTMLParser, SelectolaxError


def names(written: str) -> frozenset[str]:
    """The set of some words."""
    return frozenset(written.split())


#: Longer style sheets are not read: reading takes 1 s for 1 MB.
SHEET_CHARACTERS = 300_000
#: No margin is wider (CSS px).
WIDEST = 300
#: A desktop screen: mails say what is different on a telephone, and that is not what the sender saw.
SCREEN_WIDTH = 1024
#: Fonts smaller than this (CSS px) are not seen, or not readable on a fax: they become that large.
SMALLEST, UNSEEN = 8.0, 2.0

Declaration = tuple[str, str, bool]  #: property, value, important

KEPT = names("""font-style font-weight text-align text-decoration text-decoration-line text-transform border-collapse
    border-spacing table-layout caption-side empty-cells list-style-type list-style-position direction unicode-bidi
    box-sizing break-before break-after page-break-before page-break-after flex flex-direction flex-wrap flex-grow
    flex-shrink gap justify-content align-items align-self clear float counter-reset counter-increment counter-set
    quotes tab-size""")
#: What decides whether text is seen.
HIDING = names(
    "display visibility opacity font-size color background background-color background-image position height "
    "max-height overflow overflow-y"
)
#: Text that a style adds: words and the numbers of headings; what it would fetch is no text.
GENERATED = re.compile(
    r"none|normal|(?:\s*(?:\"[^\"\\]*\"|'[^'\\]*'|counters?\([\w-]+(?:,\s*(?:\"[^\"\\]*\"|'[^'\\]*'))?(?:,\s*[\w-]+)?\)))+"
)
BLOCKS = re.compile(r"block|inline|inline-block|list-item|flex|inline-flex|table(-[a-z-]+)?|inline-table")
LENGTH = re.compile(r"(-?[\d.]+)(px|pt|em|rem|ex|cm|mm|in|pc|%|)$")
PIXELS = {"px": 1.0, "": 1.0, "pt": 4 / 3, "em": 16.0, "rem": 16.0, "ex": 8.0, "cm": 37.8, "mm": 3.78, "in": 96.0}
MONOSPACE = re.compile(r"mono|courier|consolas|menlo|lucida console|terminal|typewriter", re.IGNORECASE)
SERIF = re.compile(r"times|georgia|cambria|garamond|palatino|book antiqua|bookman|(?<!sans-)(?<!sans )serif", re.I)


def pixels(value: str) -> float | None:
    """A length in CSS px; None for what has no fixed length (percent, auto)."""
    found = LENGTH.match(value.strip())
    try:
        return float(found[1]) * PIXELS[found[2]] if found else None
    except (KeyError, ValueError):
        return None


def _lengths(value: str) -> bool:
    """Lengths of which none is negative (it lays text over text) or pushes text off the page."""
    return "-" not in value and all((pixels(each) or 0) <= WIDEST for each in value.split())


def _font_size(value: str) -> str:
    size = pixels(value)
    return value if size is None or size >= SMALLEST else f"{SMALLEST:g}px"


def _line_height(value: str) -> str:
    number = LENGTH.match(value)
    if number is None:
        return "normal"
    least = {"": 1.0, "em": 1.0, "%": 100.0}.get(number[2])
    tall = float(number[1]) >= least if least else (pixels(value) or 0.0) >= 1.2 * SMALLEST
    return value if tall else "normal"


def _family(value: str) -> str:
    first = value.split(",")[0]
    return f"{'monospace' if MONOSPACE.search(first) else 'serif' if SERIF.search(first) else 'sans-serif'}, han"


def _small(value: str, least: float, most: float) -> str:
    size = pixels(value)
    return value if size is not None and least <= size <= most else ""


#: Properties that are drawn in another way than the mail says; "" leaves the declaration out.
CHANGED: dict[str, Callable[[str], str]] = {
    "display": lambda value: value if BLOCKS.fullmatch(value) else "",
    "font-size": _font_size,
    "font-family": _family,
    "line-height": _line_height,
    "letter-spacing": lambda value: _small(value, -0.5, 12),
    "text-indent": lambda value: _small(value, -100, 300),
    "vertical-align": lambda value: value if value.isalpha() or value.startswith("text-") else "",
    "white-space": lambda value: {"pre": "pre-wrap"}.get(value, value),
    "width": lambda value: value if value.endswith("%") or (pixels(value) or 0) >= 20 else "",
    "min-width": lambda value: value if (pixels(value) or 9999) <= 2000 else "",
    "max-width": lambda value: value if value.endswith("%") or (pixels(value) or 0) >= 60 else "",
    "min-height": lambda value: _small(value, 1, 600),
    "content": lambda value: value if GENERATED.fullmatch(value) else "",
    "list-style": lambda value: re.sub(r"url\([^)]*\)?", "", value),
}
BOXES = re.compile(
    r"(margin|padding)(-(top|right|bottom|left))?$|border(-(top|right|bottom|left))?(-(width|style))?$"
)


#: All borders are drawn black: one that is not seen on a screen is left out.
UNSEEN_BORDER = re.compile(r"\b(transparent|white)\b|#fff(fff)?\b|\b255, ?255, ?255\b", re.IGNORECASE)


@functools.lru_cache(maxsize=2000)
def declarations(text: str) -> tuple[Declaration, ...]:
    """The declarations of a ``style`` attribute."""
    text = re.sub(r"/\*.*?(\*/|$)", " ", text, flags=re.DOTALL)
    found = []
    for piece in re.findall(r"(?:[^;\"'(]|\"[^\"]*\"?|'[^']*'?|\([^)]*\)?)+", text):
        name, colon, value = piece.partition(":")
        if colon:
            found.append(_declaration(name, value))
    return tuple(found)


def _declaration(name: str, value: str) -> Declaration:
    bare, important, _ = value.partition("!")
    return name.strip().lower(), " ".join(bare.split()), bool(important)


@functools.lru_cache(maxsize=2000)
def drawable(text: str) -> str:
    """A ``style`` attribute as the engine gets it."""
    return _written(declarations(text))


def _written(declared: tuple[Declaration, ...]) -> str:
    return ";".join(f"{name}:{value}" for name, value, _ in declared for name, value in _drawn(name, value))


def _drawn(name: str, value: str) -> Iterator[tuple[str, str]]:
    """What is drawn of one declaration."""
    if (
        "\\" in value
        or "<" in value
        or ("(" in value and not value.startswith("rgb") and name not in ("list-style", "content"))
    ):
        return
    value = value.replace("windowtext", "black")
    if name == "font":
        # [style weight] size[/line-height] family
        if parts := re.match(r"(.*?)\b(\d[\w.%]*)(?:\s*/\s*([\w.%]+))?\s+(.+)$", value):
            for each in parts[1].split():
                yield ("font-weight" if each in ("bold", "bolder") or each.isdigit() else "font-style"), each
            yield "font-size", _font_size(parts[2])
            yield "font-family", _family(parts[4])
    elif name == "height":
        # A box may grow with its text, never cut it.
        if shown := _small(value, 1, 600):
            yield "min-height", shown
    elif name in KEPT or (BOXES.match(name) and _lengths(value) and not UNSEEN_BORDER.search(value)):
        yield name, value
    elif name in CHANGED and (shown := CHANGED[name](value.lower() if name != "content" else value)):
        yield name, shown


@dataclass(frozen=True, slots=True)
class Rule:
    """One selector with its declarations, on a desktop screen."""

    selector: str
    declared: tuple[Declaration, ...]


def read_sheet(text: str) -> list[Rule]:
    """The rules of a style sheet that hold on a desktop screen."""
    sheet = tinycss2.parse_stylesheet(text[:SHEET_CHARACTERS], skip_comments=True, skip_whitespace=True)
    return list(_rules(sheet, depth=0))


def _rules(sheet: list[Any], depth: int) -> Iterator[Rule]:
    for rule in sheet:
        if rule.type == "at-rule" and rule.content is not None and depth < 5:
            inside = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            if rule.lower_at_keyword == "media" and _on_screen(tinycss2.serialize(rule.prelude)):
                yield from _rules(inside, depth + 1)
        elif rule.type == "qualified-rule":
            declared = declarations(tinycss2.serialize(rule.content))
            for selector in tinycss2.serialize(rule.prelude).split(","):
                yield Rule(selector.strip(), declared)


def _on_screen(query: str) -> bool:
    return any(_holds(each.strip().lower()) for each in query.split(",")) or not query.strip()


def _holds(query: str) -> bool:
    """Whether one media query holds; of a feature that is not known it is taken that it does not."""
    negated, query = query.startswith("not "), re.sub(r"^(not|only)\s+", "", query)
    kind = re.match(r"[a-z]*", query)
    held = kind is None or kind[0] in ("", "all", "screen")
    for name, value in re.findall(r"\(\s*([a-z-]+)\s*:?\s*([^)]*)\)", query):
        width = pixels(value.strip())
        known = {"min-width": (width or 0) <= SCREEN_WIDTH, "max-width": (width or 0) >= SCREEN_WIDTH}
        held = held and known.get(name.replace("device-", ""), (name, value.strip()) == ("orientation", "landscape"))
    return held != negated


def drawable_sheet(rules: list[Rule]) -> str:
    """Rules as the engine gets them."""
    written = ((rule.selector, _written(rule.declared)) for rule in rules if "<" not in rule.selector)
    return "\n".join(f"{selector}{{{body}}}" for selector, body in written if body and selector)


class Hiding:
    """The cascade of the properties in ``HIDING`` over one tree."""

    def __init__(self, tree: LexborHTMLParser, rules: list[Rule]) -> None:
        self._matched: dict[int, list[tuple[tuple[bool, int, int], Declaration]]] = {}
        for order, rule in enumerate(rules):
            told = [each for each in rule.declared if each[0] in HIDING]
            if not told or re.search(
                r":(hover|focus|active|visited|checked|target)|::|:(before|after)", rule.selector
            ):
                continue
            try:
                nodes = tree.css(rule.selector)
            except SelectolaxError:
                continue
            weight = _specificity(rule.selector)
            for node in nodes:
                found = self._matched.setdefault(node.mem_id, [])
                found += [((each[2], weight, order), each) for each in told]

    def of(self, identity: int, inline: str) -> dict[str, str]:
        """What is said of one element, by sheets and by its own ``style``."""
        found = self._matched.get(identity)
        if not found:
            return {name: value.lower() for name, value, _ in declarations(inline)} if inline else {}
        own = [((each[2], 1_000_000, 0), each) for each in declarations(inline)]
        return {name: value.lower() for _, (name, value, _) in sorted([*found, *own], key=lambda each: each[0])}


def _specificity(selector: str) -> int:
    ids, classes = len(re.findall(r"#", selector)), len(re.findall(r"[.\[]|(?<!:):(?!:)", selector))
    return ids * 10_000 + classes * 100 + len(re.findall(r"(?:^|[\s>+~])[a-z]", selector, re.IGNORECASE))


def placed(tag: str, attributes: dict[str, str]) -> dict[str, str]:
    """``align`` of a table is where the table stands, and not how its text is set (HTML, 15.3.9)."""
    if tag != "table" or "align" not in attributes:
        return attributes
    sides = {"center": ("auto", "auto"), "right": ("auto", "0")}.get(attributes["align"].strip().lower())
    margins = f"margin-left:{sides[0]};margin-right:{sides[1]};" if sides else ""
    kept = {name: value for name, value in attributes.items() if name != "align"}
    return kept | {"style": margins + attributes.get("style", "")}


def picture_size(attributes: dict[str, str]) -> str:
    """Width and height of a picture in CSS px, or in percent of what is around it."""
    styled = {name: value for name, value, _ in declarations(attributes.get("style", ""))}
    told = {side: styled.get(side) or attributes.get(side, "") for side in ("width", "height")}
    if told["width"].endswith("%"):
        return f' style="width:{escape(told["width"])}"'
    sizes = {side: pixels(value) for side, value in told.items()}
    return "".join(f' {side}="{min(size, 2000):.0f}"' for side, size in sizes.items() if size)


def sane_size(value: str) -> bool:
    """Whether a width or height is one that a page can have."""
    size = pixels(value)
    return value.endswith("%") or (size is not None and 0 <= size <= 3000)
