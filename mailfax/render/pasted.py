"""Pictures that stand in HTML itself become pictures of the mail like all others; and whether a picture is whole.

In: a ``data:`` address. Out: the picture; without content where it can't be decoded.

STANDARDS: RFC 2397 (data).
LIMITS: none of its own; the caller bounds the address.
"""

from __future__ import annotations

import binascii
import hashlib
from urllib.parse import unquote_to_bytes

from lxml import etree

from mailfax.rules.pictures import DRAWING
from mailfax.rules.submission import Part

BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
NOT_BASE64 = bytes(octet for octet in range(256) if octet not in BASE64)
#: How a picture that is whole ends; the engine draws nothing, or half, of one that is not.
ENDS = {b"\xff\xd8": b"\xff\xd9", b"\x89P": b"IEND\xaeB`\x82", b"GI": b";"}
NAME = "picture pasted into the text"


def pasted(address: str) -> tuple[str, Part]:
    """A name in the place of a Content-ID, and the picture; ``address`` is without its ``data:``."""
    heading, _, coded = address.partition(",")
    label, *said = (word.strip().lower() for word in heading.split(";"))
    content = unquote_to_bytes(coded)
    if "base64" in said:
        bare = content.translate(None, NOT_BASE64)
        bare = bare[: len(bare) - (len(bare) % 4 == 1)]
        content = binascii.a2b_base64(bare + b"=" * (-len(bare) % 4))
    return f"pasted-{hashlib.sha256(content).hexdigest()}", Part(NAME, label, content)


def is_whole(picture: Part) -> bool:
    """Whether nothing of a picture is missing, as far as its end shows it."""
    if picture.label == DRAWING:
        try:
            etree.fromstring(picture.content, etree.XMLParser(resolve_entities=False, no_network=True))
        except (etree.XMLSyntaxError, ValueError):
            return False
        return True
    return bool(picture.content) and ENDS.get(picture.content[:2], b"") in picture.content[-2000:]
