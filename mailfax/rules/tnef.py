"""Outlook's own format (TNEF, ``winmail.dat``) is opened: its text, and the files in it.

In: the octets of the file. Out: ``Opened``, or ``Broken``. The parser that is used takes damaged files for empty
ones, so the frame of the file is checked first: every attribute whole, every checksum right, up to the last octet.

STANDARDS: MS-OXTNEF, MS-OXRTFCP (compressed RTF).
LIMITS: ``MAX_ATTRIBUTES``; mails in mails up to ``MAX_DEPTH``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import compressed_rtf
from tnefparse import TNEF

from mailfax.rules.charset import decode
from mailfax.rules.rtf import has_more_than_words, words_of_rtf
from mailfax.rules.transfer import Broken

SIGNATURE = b"\x78\x9f\x3e\x22"
MAX_ATTRIBUTES, MAX_DEPTH = 10_000, 5


@dataclass(slots=True)
class Opened:
    """``files`` are (name, content); ``rtf`` is the body as RTF where it is more than words."""

    subject: str = ""
    text: str = ""
    html: str = ""
    rtf: bytes = b""
    files: list[tuple[str, bytes]] = field(default_factory=list)
    mails: list[Opened] = field(default_factory=list)


def opened(content: bytes) -> Opened:
    """Open a TNEF file; raises ``Broken``."""
    _check(content)
    try:
        return _read(TNEF(content, do_checksum=False), 0)
    except Broken:
        raise
    except Exception as error:  # the parser raises whatever its code stumbles over
        raise Broken(f"its parts can't be read ({type(error).__name__})") from None


def _check(content: bytes) -> None:
    at, count = 6, 0
    while at < len(content):
        end = at + 11 + int.from_bytes(content[at + 5 : at + 9], "little")
        count += 1
        if content[at] not in (1, 2) or end > len(content):
            raise Broken("it is cut off")
        told = int.from_bytes(content[end - 2 : end], "little")
        if sum(content[at + 9 : end - 2]) & 0xFFFF != told or count > MAX_ATTRIBUTES:
            raise Broken("a checksum in it is wrong")
        at = end
    if not content.startswith(SIGNATURE) or not count:
        raise Broken("there is nothing in it")


def _read(tnef: TNEF, depth: int) -> Opened:
    if depth > MAX_DEPTH:
        raise Broken("mails are nested too deeply in it")
    codepage = str(tnef.codepage or "")
    mail = Opened(text=_text(tnef.body, codepage), html=_text(tnef.htmlbody, codepage))
    mail.subject = next((_text(each.data, codepage) for each in tnef.msgprops if each.name == TNEF.ATTSUBJECT), "")
    if tnef._rtfbody and not mail.html:
        rtf = compressed_rtf.decompress(bytes(tnef._rtfbody))
        words, is_html = words_of_rtf(rtf)
        if is_html:
            mail.html = words
        elif has_more_than_words(rtf):
            mail.rtf = rtf
        elif not mail.text.strip():
            mail.text = words
    for each in tnef.attachments:
        inner = getattr(each, "embed", None)
        if inner is not None:
            mail.mails.append(_read(inner, depth + 1))
        elif not isinstance(each.data, bytes):
            raise Broken("a file in it can't be read")
        else:
            long = each.long_filename() if each.mapi_attrs else each._name
            mail.files.append((_text(long, codepage) or _text(each._name, codepage), each.data))
    return mail


def _text(value: object, codepage: str) -> str:
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, bytes):
        value = decode(value.rstrip(b"\0"), codepage).text
    return value.strip("\0") if isinstance(value, str) else ""
