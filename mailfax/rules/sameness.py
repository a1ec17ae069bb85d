"""Whether two mails give the same pages: the key of what is drawn of a mail.

In: the bytes of a mail, and the settings that it is drawn with. Out: a SHA-256. A mail that is sent again has another
Message-ID, another date, often other boundaries between its parts: none of them is on a page, so none counts.
"""

from __future__ import annotations

import hashlib
import re

_HEADER = re.compile(rb"(?:\r?\n){2}")
#: The fields that say how the body is to be read.
_BODY_FIELDS = re.compile(
    rb"^(?:content-[a-z-]+|mime-version|from|subject):[^\n]*(?:\n[ \t][^\n]*)*", re.IGNORECASE | re.MULTILINE
)
_BOUNDARY = re.compile(rb'boundary\s*=\s*(?:"([^"\r\n]{1,200})"|([^\s";]{1,200}))', re.IGNORECASE)


def pages_key(mail: bytes, settings: str) -> str:
    """The key; ``settings`` is all else that decides about the pages."""
    end = _HEADER.search(mail)
    header, body = (mail[: end.start()], mail[end.end() :]) if end else (mail, b"")
    drawn = b"\n".join(sorted(_BODY_FIELDS.findall(header))) + b"\n\n" + body
    boundaries = dict.fromkeys(quoted or bare for quoted, bare in _BOUNDARY.findall(drawn))
    # The longest first: one boundary may begin like another.
    for number, boundary in enumerate(sorted(boundaries, key=len, reverse=True)):
        drawn = drawn.replace(boundary, b"\0boundary %d\0" % number)
    return hashlib.sha256(settings.encode() + b"\0" + drawn).hexdigest()
