"""Whether text of HTML is seen: what its elements, and those around them, say of size, colour and place.

In: the attributes of an element and its declarations that may hide something. Out: the ``Look`` of what is in it, or
None where nothing in it is seen.

STANDARDS: CSS Color 4, CSS Display 3.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import tinycss2.color4

from mailfax.render.forms import symbol_font
from mailfax.render.style import UNSEEN, pixels

#: Colours that are written as functions; what else is one is a picture, a gradient, or known to the browser alone.
COLOURS = re.compile(r"\b(?:rgb|hsl|hwb|lab|lch|oklab|oklch)a?\([^()]*\)")
#: What is less opaque lets shine through what is behind it.
OPAQUE = 0.9


@dataclass(frozen=True, slots=True)
class Look:
    """What of its surroundings decides whether text is seen, and as what.

    ``symbols`` is the font that draws signs in place of its letters, ``tags`` how many tags are written around it.
    """

    visible: bool = True
    size: float = 16.0
    colour: object = None
    ground: object = None
    symbols: str = ""
    tags: int = 0

    @property
    def shown(self) -> bool:
        """Whether text is large enough to be seen, and not hidden."""
        return self.visible and self.size > UNSEEN

    @property
    def camouflaged(self) -> bool:
        """Whether text can't be told from what is behind it, both set by the mail."""
        if not isinstance(self.colour, tuple) or not isinstance(self.ground, tuple):
            return False
        return all(abs(one - other) < 0.03 for one, other in zip(self.colour, self.ground, strict=True))

    def within(self, tag: str, attributes: Mapping[str, str], said: Mapping[str, str]) -> Look | None:
        """The look within an element here, of which its styles say ``said``; None where nothing in it is seen."""
        if "hidden" in attributes or (tag == "dialog" and "open" not in attributes):
            return None
        if said.get("display") == "none" or _zero(said.get("opacity")):
            return None
        cut = "hidden" in (said.get("overflow"), said.get("overflow-y"))
        if cut and (_zero(said.get("max-height")) or _zero(said.get("height"))):
            return None
        look = self
        if "visibility" in said:
            look = replace(look, visible={"visible": True, "inherit": look.visible}.get(said["visibility"], False))
        if "font-size" in said:
            look = replace(look, size=_size(said["font-size"], look.size))
        colour = said.get("color") or attributes.get("color") or attributes.get("text")
        if colour:
            look = replace(look, colour=_colour(colour) or look.colour)
        look = replace(look, ground=_ground(tag, attributes, said, look.ground))
        if (symbols := symbol_font(attributes)) is not None:
            look = replace(look, symbols=symbols)
        return look


def _size(value: str, around: float) -> float:
    if value.endswith("%") or (value.endswith("em") and not value.endswith("rem")):
        number = pixels(value.rstrip("%em")) if value[0].isdigit() or value[0] == "." else None
        return around if number is None else around * number / (100 if value.endswith("%") else 1)
    size = pixels(value)
    return 16.0 if size is None else size


def _zero(value: str | None) -> bool:
    return value is not None and re.fullmatch(r"0+(\.0+)?(px|pt|em|%|in|cm)?", value) is not None


def _ground(tag: str, attributes: Mapping[str, str], said: Mapping[str, str], around: object) -> object:
    """The colour behind an element; None where that is not known: a picture, what shines through, another element."""
    if attributes.get("background") or tag.startswith("v:") or said.get("position") in ("absolute", "fixed"):
        return None
    told = [said.get("background-color") or said.get("background") or attributes.get("bgcolor", "")]
    if any("(" in COLOURS.sub("", value) for value in (*told, said.get("background-image", ""))):
        return None
    found = _parsed(told[0])
    if found is None or found.alpha == 0:
        return around
    return tuple(found.coordinates) if found.alpha > OPAQUE else None


def _colour(value: str) -> object:
    """A colour as (red, green, blue), 0 to 1; None for none that is known."""
    found = _parsed(value)
    return tuple(found.coordinates) if found is not None and found.alpha else None


@functools.lru_cache(maxsize=500)
def _parsed(value: str) -> Any:
    """The first colour in a value; None where there is none."""
    for word in re.findall(r"[a-z]+\([^)]*\)|#?\w+", value):
        for written in (word, f"#{word}"):
            found = tinycss2.color4.parse_color(written)
            if found is not None and found != "currentcolor":
                return found
    return None
