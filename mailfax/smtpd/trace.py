"""The lines that stand before a mail in the spool: where it came from, and what a copier left out.

In: what is known of the client, and the header block as it came. Out: header lines as bytes. They are no part of what
was sent: time and queue make them differ between two mails that are the same.

STANDARDS: RFC 5321 4.4 (Received), RFC 3848 and RFC 6531 4.3 (its "with"), RFC 5322 3.6 (Date and From are mandatory,
Message-ID is wanted), RFC 6409 8 (they may be added on submission).
"""

from __future__ import annotations

import functools
import hashlib
import re
from datetime import UTC, datetime
from email.utils import format_datetime

from mailfax.rules.envelope import Client

_NO_NAME = re.compile(r"[^A-Za-z0-9.:_\[\]-]")
#: Each field that a copier leaves out, found at the beginning of a line.
_FIELDS = {name: re.compile(rb"(?im)^" + name + rb"[ \t]*:") for name in (b"date", b"from", b"message-id")}


def received_line(client: Client, *, hostname: str, smtputf8: bool, now: float) -> bytes:
    """Our trace. Without "id": the queue ID is drawn by the commit that comes after the last byte.

    What the client called itself is a stranger's text: reduced to signs that can't end a comment or a line.
    """
    helo = _NO_NAME.sub("?", client.helo)[:255] or "unknown"
    literal = f"IPv6:{client.ip}" if ":" in client.ip else client.ip or "unknown"
    protocol = _protocol(client, smtputf8=smtputf8)
    trace = f"Received: from {helo} ([{literal}])\r\n\tby {hostname} with {protocol}; {_date(int(now))}\r\n"
    return trace.encode("ascii")


@functools.lru_cache(maxsize=1)
def _date(second: int) -> str:
    """RFC 5322 3.3. Written once a second: all mails of it share the text."""
    return format_datetime(datetime.fromtimestamp(second, UTC))


def _protocol(client: Client, *, smtputf8: bool) -> str:
    """One word of the registry: S where it came under TLS, A where the client logged in; plain SMTP has neither."""
    if client.proof == "pages":
        return "HTTPS" if client.tls else "HTTP"
    if not (client.esmtp or smtputf8):
        return "SMTP"
    family = "LMTP" if client.lmtp else "SMTP"
    word = f"UTF8{family}" if smtputf8 else family if client.lmtp else f"E{family}"
    return f"{word}{'S' if client.tls else ''}{'A' if client.login else ''}"


def missing_fields(header_block: bytes, *, client: Client, author: str, hostname: str, now: float) -> bytes:
    """Date, From and Message-ID as far as the header has none. A date of 1970 stays: its copier has no clock.

    The Message-ID is made of what came and when: two mails never share one, though a copier's headers are all alike.
    """
    missing = {name for name, field in _FIELDS.items() if not field.search(header_block)}
    lines: list[str] = []
    if b"date" in missing:
        lines.append(f"Date: {_date(int(now))}")
    if b"from" in missing:
        lines.append(f"From: <{author}>")
    if b"message-id" in missing:
        made = hashlib.sha256(f"{client.listener} {client.ip} {now!r} ".encode() + header_block).hexdigest()[:32]
        lines.append(f"Message-ID: <{made}@{hostname}>")
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8")
