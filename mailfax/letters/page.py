"""Blocks as HTML: one page, made from one template, that needs nothing from anywhere.

In: blocks, the title, the Content-ID under which the picture lies in the same mail. Out: HTML. Whatever strangers
wrote is escaped; line ends, control and format signs are gone (``plain.one_line``).

STANDARDS: RFC 2392 (cid), RFC 2110. LIMITS: Outlook on Windows lays out tables and knows few styles, so all styles
stand at their elements; what is said in ``<style>`` is for programs that know dark surroundings.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from mailfax.letters.blocks import Block, Headline, Picture, Tone
from mailfax.letters.plain import one_line


@functools.cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("mailfax.letters"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["line"] = lambda text: one_line(text, 2000)
    return environment.get_template("page.html")


def as_html(said: Sequence[Block], *, title: str, picture_id: str, language: str = "en") -> str:
    """The page; ``picture_id`` is the Content-ID of the picture, without angle brackets; ``language`` its code."""
    shown = [(type(block).__name__, block) for block in said if not isinstance(block, Picture)]
    # The picture stands beside the facts and the lists below them.
    first = next((place for place, (kind, _) in enumerate(shown) if kind == "Facts"), len(shown))
    last = first
    while last < len(shown) and shown[last][0] in ("Facts", "Listing"):
        last += 1
    picture = next((block for block in said if isinstance(block, Picture)), None)
    tone = next((block.tone for block in said if isinstance(block, Headline)), Tone.PLAIN)
    return _template().render(
        before=shown[:first],
        beside=shown[first:last],
        behind=shown[last:],
        title=title,
        tone=tone,
        picture=picture,
        picture_id=picture_id,
        language=language,
    )
