"""Whether a mail may be one that can't be faxed, by a glance at its octets: only such a one is examined at once.

In: the first octets of a mail. Out: yes or no. A yes costs a cell; a no costs nothing, and what is wrong with such a
mail is then told by a report, as ever. Ordinary mails (text, HTML, PDF, pictures, Office files by their usual names)
are a no.

LIMITS: what stands behind ``GLANCE`` octets is not seen.
"""

from __future__ import annotations

import re

GLANCE = 65_536
#: Types of parts that are faxed, or left out beside others.
ORDINARY = frozenset(
    b"text/plain text/html text/csv text/rtf text/rfc822-headers multipart/mixed multipart/alternative "
    b"multipart/related multipart/signed multipart/report multipart/digest message/rfc822 message/delivery-status "
    b"application/pdf application/octet-stream application/rtf application/msword application/vnd.ms-excel "
    b"application/vnd.ms-powerpoint application/pgp-signature application/pkcs7-signature "
    b"application/x-pkcs7-signature image/jpeg image/jpg image/pjpeg image/png image/gif image/tiff image/bmp "
    b"image/webp image/heic image/svg+xml".split()
)
OFFICE = b"application/vnd.openxmlformats-officedocument."
EXTENSIONS = frozenset(
    b"pdf tif tiff jpg jpeg png gif bmp webp heic svg txt csv htm html rtf doc docx xls xlsx ppt pptx "
    b"p7s asc vcf ics".split()
)
#: For octets in lower case: to search for letters of either case takes several times as long.
_TYPE = re.compile(rb"\ncontent-type:[ \t\r\n]*([^\s;]*)")
_NAME = re.compile(rb"name\*?0?\*?=[\"']?[^\"\r\n;]*?\.([a-z0-9]{1,8})[\"']?\s*(?:[;\r\n]|$)")
_EMPTY_LINE = re.compile(rb"\n\r?\n")


def is_suspect(start: bytes) -> bool:
    """``start`` is the beginning of a mail, up to ``GLANCE`` octets of it."""
    folded = b"\n" + start.lower()
    if any(label not in ORDINARY and not label.startswith(OFFICE) for label in _TYPE.findall(folded)):
        return True
    if any(extension not in EXTENSIONS for extension in _NAME.findall(folded)):
        return True
    if b"-----BEGIN PGP MESSAGE" in start:
        return True
    end = _EMPTY_LINE.search(folded)
    return end is None or not folded[end.end() :].strip()
