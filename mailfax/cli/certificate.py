"""What a client would not like in a listener's certificate: its dates and its names.

In: the certificate file as the listener reads it, our own host name, the time. Out: sentences.

STANDARDS: RFC 5280 4.1.2.5 (validity), RFC 6125 6.4.3 (a wildcard stands for one label).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mailfax.smtpd.certificate import server_certificate

#: Whoever renews certificates does it a month before they end; two weeks before, it has not worked.
SOON = timedelta(days=14)


def troubles(file: Path, hostname: str, now: float) -> Iterator[tuple[bool, str]]:
    """(whether clients can't live with it, the sentence). Raises ``OSError`` and ``ValueError``."""
    certificate = server_certificate(file)
    validity, today = certificate["tbs_certificate"]["validity"], datetime.fromtimestamp(now, UTC)
    begins, ends = validity["not_before"].native, validity["not_after"].native
    if begins > today:
        yield True, f"the certificate is not valid before {begins:%d %b %Y}"
    if ends < today:
        yield True, f"the certificate ended on {ends:%d %b %Y}; renew it"
    elif ends < today + SOON:
        yield False, f"the certificate ends on {ends:%d %b %Y}; renew it"
    names = certificate.valid_domains
    if not any(_names(name, hostname) for name in names):
        told = ", ".join(names) or "no host"
        yield False, f"the certificate names {told}, and not {hostname} (hostname): clients that look at it turn away"


def _names(name: str, hostname: str) -> bool:
    name, hostname = name.lower(), hostname.lower()
    return name == hostname or (name.startswith("*.") and hostname.partition(".")[2] == name[2:])
