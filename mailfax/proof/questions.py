"""Questions to the DNS about one mail: answered once, few in number, and all within one time limit.

In: a ``Lookup``. Out: records as text. A mail names the domains that are asked, so its writer could make us ask
without end, or a server that never answers: ``MOST`` and ``deadline`` are the bounds.

STANDARDS: RFC 1035 3.3 (presentation), RFC 7208 4.6.4 and RFC 6376 8.4 (why there are bounds).
LIMITS: TXT records of more than 4 KB are passed over: a pattern or a key made to hurt needs length.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import dns.exception
import dns.resolver

#: (name, type, seconds) -> records as text; [] where there are none. TXT: its strings joined, an octet a character;
#: MX: "10 mx.example.com". Raises ``Temporary`` where nothing can be known now.
Lookup = Callable[[str, str, float], list[str]]

#: SPF alone may need 10 terms with 10 addresses each (RFC 7208 4.6.4); whoever publishes that can't fax.
MOST = 50
#: One unanswered question must leave time for the others.
SECONDS_EACH = 5.0
LONGEST_TXT = 4096


class Temporary(Exception):
    """The DNS did not answer, or not in time: nothing can be said now."""


class NoResolver(Exception):
    """This machine knows nobody to ask."""


class TooMany(Exception):
    """The mail leads to more questions than are asked for one mail."""


class Questions:
    """All questions about one mail. ``deadline`` is on the clock of ``time.monotonic``."""

    def __init__(self, lookup: Lookup, deadline: float) -> None:
        self._lookup = lookup
        self._deadline = deadline
        self._known: dict[tuple[str, str], list[str]] = {}

    def ask(self, name: str, kind: str) -> list[str]:
        """The records of a name; raises ``Temporary`` and ``TooMany``."""
        key = name.lower().rstrip("."), kind
        if key not in self._known:
            if len(self._known) >= MOST:
                raise TooMany(f"more than {MOST} questions to the DNS")
            self._known[key] = self._lookup(*key, min(SECONDS_EACH, self.seconds_left()))
        return self._known[key]

    def seconds_left(self) -> float:
        """More than 0; raises ``Temporary`` where the time is over."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Temporary("it took too long")
        return left


def by_resolver(resolver: dns.resolver.Resolver | None = None) -> Lookup:
    """A ``Lookup`` in the DNS, by default through the resolvers of this machine; raises ``NoResolver`` there."""
    try:
        resolver = resolver or dns.resolver.Resolver()
    except dns.exception.DNSException as trouble:
        raise NoResolver("this machine names no resolver; see /etc/resolv.conf") from trouble
    resolver.cache = dns.resolver.LRUCache(10_000)

    def lookup(name: str, kind: str, seconds: float) -> list[str]:
        try:
            answer = resolver.resolve(name, kind, lifetime=seconds, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.Timeout, dns.resolver.NoNameservers, OSError) as trouble:
            raise Temporary(f"no answer from the DNS about {name}") from trouble
        except (dns.exception.DNSException, UnicodeError):
            return []  # no name at all: a label too long, an empty one, a loop of aliases
        return [text for record in answer if (text := _as_text(record, kind)) is not None]

    return lookup


def _as_text(record: Any, kind: str) -> str | None:
    if kind == "TXT":
        text: bytes = b"".join(record.strings)
        return text.decode("latin-1") if len(text) <= LONGEST_TXT else None
    return str(record.to_text()).rstrip(".")
