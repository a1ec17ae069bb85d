"""Where a received fax may go: a mailbox, a folder ("folder:/srv/fax"), a program ("webhook:https://…") or
a printer ("print:ipp://…").

In: a value as ``tomllib`` made it. Out: text; its kind is told by ``kind_of``. Raises ``Unfit``.

LIMITS: a webhook's URL stands in the configuration, in the queue and in the log: what must stay secret is the key by
which it is signed, never a part of the URL.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from mailfax.config.kinds import Unfit, text
from mailfax.config.names import mailbox
from mailfax.config.places import is_loopback

MAIL, FOLDER, WEBHOOK, PRINT = "mail", "folder", "webhook", "print"


def target(value: object) -> str:
    """A mail address, "folder:/path", "webhook:https://host/path" or "print:ipp://host/printers/queue"."""
    written = text(value)
    kind, _, place = written.partition(":")
    return f"{kind}:{_KINDS[kind](place)}" if kind in _KINDS else mailbox(value)


def webhook_or_none(value: object) -> str:
    """The web address of a program, as behind "webhook:"; or empty."""
    written = text(value)
    return _webhook(written, "") if written else ""


def kind_of(written: str) -> str:
    """One of the four. No address of a person begins like the latter three: ":" stands in quotes there."""
    kind, colon, _ = written.partition(":")
    return kind if colon and kind in _KINDS else MAIL


def mailboxes(targets: tuple[str, ...]) -> tuple[str, ...]:
    """Those where somebody reads mail."""
    return tuple(each for each in targets if kind_of(each) == MAIL)


def _folder(path: str) -> str:
    if not path.startswith("/") or "/../" in f"{path}/":
        raise Unfit(f'"folder:{path}" is not the whole path of a folder; write it like "folder:/srv/fax"')
    return path.rstrip("/") or "/"


def _webhook(url: str, prefix: str = "webhook:") -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or not url.isascii() or " " in url or parts.scheme not in ("https", "http"):
        raise Unfit(f'"{prefix}{url}" is no web address; write it like "{prefix}https://example.com/fax"')
    if parts.username is not None or parts.fragment:
        raise Unfit('a user name or "#" stands in the address of a webhook; mailfax signs what it sends instead')
    if parts.scheme == "http" and not is_loopback(host):
        raise Unfit(f'"{prefix}{url}" would send faxes in clear; write https://')
    return url


def _printer(uri: str) -> str:
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if (
        not host
        or not uri.isascii()
        or " " in uri
        or parts.scheme not in ("ipp", "ipps")
        or not parts.path.strip("/")
    ):
        raise Unfit(
            f'"print:{uri}" names no printer; write it like "print:ipp://localhost:631/printers/queue", '
            'as "lpstat -l -e" lists them'
        )
    if parts.username is not None or parts.query or parts.fragment:
        raise Unfit('a user name, "?" or "#" stands in the address of a printer; mailfax prints without a login')
    return uri


_KINDS: dict[str, Callable[[str], str]] = {FOLDER: _folder, WEBHOOK: _webhook, PRINT: _printer}
