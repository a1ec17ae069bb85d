"""What a person decided about who signs in to the pages, and who says so, as frozen values.

In: nothing. Out: ``PageUser``, ``LdapConfig``, ``OidcConfig``; made by ``pages.py`` beside.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LdapConfig:
    """The directory that says whether a password of a page user is right. ``bind`` has "{login}" in it. Without
    ``implicit_tls`` TLS is begun by StartTLS."""

    host: str
    port: int
    implicit_tls: bool
    bind: str
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class OidcConfig:
    """The provider of OpenID Connect that says who somebody is. ``claim`` is what names a page user."""

    issuer: str
    client_id: str
    client_secret: str = ""
    claim: str = "email"
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class PageUser:
    """Who may sign in to the pages, and whose tokens count. ``role`` is "operator", "operator-without-content" or
    "user", who sees only faxes of ``login`` and of ``senders`` (the key ``from``). An operator with a ``group`` sees
    only faxes of its accounts."""

    login: str
    role: str = "user"
    senders: tuple[str, ...] = ()
    group: str = ""
