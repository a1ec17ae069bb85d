"""XHTML as HTML: in HTML a slash ends nothing, so that ``<title/>`` would swallow the page.

In: HTML or XHTML as text. Out: the same as HTML.

STANDARDS: HTML (WHATWG) 13.1, XHTML 1.0 appendix C.
"""

from __future__ import annotations

import re

#: Elements of which a reader of HTML takes all that follows for their text, where they are ended as in XML.
ENDED = re.compile(r"<(title|script|style|textarea|iframe|noframes|noscript|xmp)\b([^<>]*)/>", re.IGNORECASE)


def ended(page: str) -> str:
    """XHTML with its empty elements as HTML has them: ``<title/>`` would swallow the page; not where one is ended."""
    in_xml = re.match(r"\s*<\?xml|\s*<!DOCTYPE[^>]*XHTML", page, re.IGNORECASE) is not None
    closed = {tag.lower() for tag in re.findall(r"</([a-z]+)", page, re.IGNORECASE)}
    return ENDED.sub(
        lambda found: (
            f"<{found[1]}{found[2]}></{found[1]}>" if in_xml or found[1].lower() not in closed else found[0]
        ),
        page,
    )
