"""What the value of one key may be: each kind takes what TOML gave and returns the value that the house works with.

In: a str, int, float, bool or list as ``tomllib`` made it. Out: a checked value. What does not fit raises ``Unfit``,
whose text is "reason; what to write instead".

STANDARDS: RFC 5321 4.1.2 (mailbox, domain; no quoted local parts, no address literals), RFC 4632 and RFC 4291 2.3
(prefixes), ISO 3166-1 (country codes).
"""

from __future__ import annotations

import ipaddress
import math
import re
import unicodedata
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from mailfax.config.values import Network

#: ``object`` as TOML gave it becomes a value of the type that the key's field has.
Kind = Callable[[object], Any]

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL_PART = re.compile(rf"(?=.{{1,64}}$){_ATOM}(?:\.{_ATOM})*")
_ADDRESS = re.compile(r"(?P<host>\[[^\[\]]+\]|[^:\[\]]+):(?P<port>[0-9]{1,9})")
_LOCAL_NAME = re.compile(r"[^\W_][\w-]*(?:\.[\w-]+)*")
LONGEST_USER_NAME = 255
#: What a destination may be beside a region and the beginning of a number.
DESTINATION_WORDS = (
    "*",
    "home",
    "international",
    "premium",
    "shared-cost",
    "personal",
    "pager",
    "satellite",
)
#: The names of what TOML's types are called in TOML's own specification.
_TYPES = {str: "a string", bool: "a boolean", int: "an integer", float: "a float", list: "an array", dict: "a table"}


class Unfit(Exception):
    """A value that can't be used: "reason; what to write instead"."""


def _type(value: object) -> str:
    return _TYPES.get(type(value), "a date or time")


def text(value: object) -> str:
    """One line of text, without blanks around it."""
    if not isinstance(value, str):
        raise Unfit(f'{_type(value)} where text is wanted; write it in quotes: "…"')
    if not value.isprintable():
        raise Unfit("text with control characters; write one line of plain text")
    return value.strip()


def some_text(value: object) -> str:
    """Text that is not empty."""
    written = text(value)
    if not written:
        raise Unfit("empty; write a value, or leave the key out where it has a default")
    return written


def flag(value: object) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise Unfit(f"{_type(value)} where a boolean is wanted; write true or false, without quotes")
    return value


def choice(*words: str) -> Kind:
    """One of ``words``."""

    def read(value: object) -> str:
        word = text(value)
        listed = " or ".join(f'"{word}"' for word in words)
        if word not in words:
            raise Unfit(f'"{word}" is not known; write {listed}')
        return word

    return read


def at_least(minimum: float, kind: type[int] | type[float] = float) -> Kind:
    """A finite number of at least ``minimum``; integers only where ``kind`` is int."""
    name = "an integer" if kind is int else "a number"

    def read(value: object) -> int | float:
        if isinstance(value, bool) or not isinstance(value, (int, kind)):
            raise Unfit(f"{_type(value)} where {name} is wanted; write it without quotes, for example {minimum}")
        if not math.isfinite(value) or value < minimum:
            raise Unfit(f"{value} is out of range; write {name} of at least {minimum}")
        return kind(value)

    return read


def several(kind: Kind) -> Kind:
    """A list of values of one kind, each once."""

    def read(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise Unfit(f"{_type(value)} where a list is wanted; write it in brackets: [ … ]")
        return tuple(dict.fromkeys(kind(item) for item in value))

    return read


def one_or_several(kind: Kind) -> Kind:
    """A value of one kind, or a list of them that is not empty."""

    def read(value: object) -> tuple[Any, ...]:
        if isinstance(value, dict):
            raise Unfit('a table where text is wanted; a name with a dot stands in quotes: "jane.doe" = …')
        values: tuple[Any, ...] = several(kind)(value) if isinstance(value, list) else (kind(value),)
        if not values:
            raise Unfit("empty, so its mail would go nowhere; write at least one, or leave the key out")
        return values

    return read


def domain(value: object) -> str:
    """A host or mail domain, lower-cased."""
    name = text(value).lower()
    if not _HOST.fullmatch(name) or len(name) > 253:
        raise Unfit(f'"{name}" is not a domain; write it like fax.example.com')
    return name


def mailbox(value: object) -> str:
    """A mail address as RFC 5321 dot-strings have it; its domain lower-cased, its local part as it was written."""
    written = text(value)
    local, at, host = written.rpartition("@")
    if not at or not _LOCAL_PART.fullmatch(local) or not _HOST.fullmatch(host):
        raise Unfit(f'"{written}" is not a mail address; write it like office@example.com')
    return f"{local}@{host.lower()}"


def mailbox_or_nobody(value: object) -> str:
    """A mail address, or "" for none."""
    return mailbox(value) if text(value) else ""


def sender(value: object) -> str:
    """An exact mail address or, as "@example.com", a whole domain."""
    written = text(value)
    if written.startswith("@") and _HOST.fullmatch(written[1:]):
        return written.lower()
    try:
        # RFC 5321 allows "*" in a local part; here it would be a wildcard that never matches.
        if "*" not in written:
            return mailbox(value)
    except Unfit:
        pass
    raise Unfit(
        f'"{written}" is neither an address nor a domain; write "alice@example.com" for one sender '
        'or "@example.com" for a whole domain'
    )


def local_name(value: object) -> str:
    """What may stand before the "@" and is no number: lower-cased, with a letter in it."""
    name = text(value).lower()
    if not _LOCAL_NAME.fullmatch(name) or not any(sign.isalpha() for sign in name):
        raise Unfit(
            f'"{name}" is not a name before an @; write one of letters, digits, ".", "-" and "_", like "scan"'
        )
    if name == "postmaster":
        raise Unfit("postmaster is reached by every mail server (RFC 5321 4.5.1); write another name")
    return name


def local_name_or_none(value: object) -> str:
    """A name before the "@", or "" for none."""
    return local_name(value) if text(value) else ""


def user_name(value: object) -> str:
    """A name to log in with (AUTH): NFKC, without blanks around it. Upper and lower case are the same to all."""
    name = unicodedata.normalize("NFKC", text(value)).strip()
    if not name:
        raise Unfit('a user name without a sign; write it like "alice"')
    if ":" in name or name.startswith("#"):
        raise Unfit(f'"{name}" is not a user name: ":" and a leading "#" have a meaning in the password file')
    if len(name) > LONGEST_USER_NAME:
        raise Unfit(f"a user name of {len(name)} signs; write at most {LONGEST_USER_NAME}")
    return name


def destination(value: object) -> str:
    """A pattern of destinations, as ``values.Destinations`` has them; regions in upper case."""
    from phonenumbers import SUPPORTED_REGIONS

    written = text(value)
    if written.lower() in DESTINATION_WORDS:
        return written.lower()
    if written.upper() in SUPPORTED_REGIONS:
        return written.upper()
    if re.fullmatch(r"\+[1-9][0-9]{0,14}", written):
        return written
    words = ", ".join(f'"{word}"' for word in DESTINATION_WORDS)
    raise Unfit(
        f'"{written}" is not a destination; write {words}, two letters of a country or how numbers begin: "+1876"'
    )


def network(value: object) -> Network:
    """A network in prefix form; a lone address is a network of one."""
    written = text(value)
    try:
        return ipaddress.ip_network(written)
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(written, strict=False)
    except ValueError:
        raise Unfit(f'"{written}" is not a network; write it like "192.168.1.0/24" or "fd00:1::/64"') from None
    raise Unfit(f'"{written}" has bits set behind its prefix; write "{meant}"')


def _address(value: object, lowest: int) -> tuple[str, int]:
    written = text(value)
    match = _ADDRESS.fullmatch(written)
    if not match:
        raise Unfit(f'"{written}" is not an address with a port; write it like "127.0.0.1:2525" or "[::1]:2525"')
    port = int(match["port"])
    if not lowest <= port <= 65535:
        raise Unfit(f"port {port} is out of range; write a port from {lowest} to 65535")
    return match["host"].strip("[]"), port


def own_address(value: object) -> tuple[str, int]:
    """Where to listen: an IP address of this machine, or localhost, and a port; port 0 takes any free one."""
    host, port = _address(value, 0)
    if host != "localhost" and not is_ip(host):
        raise Unfit(f'"{host}" is not an IP address; write one of this machine, or 0.0.0.0 or [::] for all of them')
    return host, port


def far_address(value: object) -> tuple[str, int]:
    """Where a server is: a name or an IP address, and a port."""
    host, port = _address(value, 1)
    if not _HOST.fullmatch(host) and not is_ip(host):
        raise Unfit(f'"{host}" is neither a host name nor an IP address; write it like "mail.example.com:587"')
    return host, port


def is_ip(host: str) -> bool:
    """Whether ``host`` is an IP address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether what goes to ``host`` stays on this machine (RFC 6761 6.3 for the name)."""
    return host == "localhost" or (is_ip(host) and ipaddress.ip_address(host).is_loopback)


def service_url(value: object) -> str:
    """The base URL of a FaxCore service, with the slash at its end; ``https`` off loopback."""
    written = some_text(value)
    try:
        parts = urlsplit(written)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise Unfit(f'"{written}" is not a web address; write it like "https://api.example.com/api/"')
    if parts.username is not None or parts.query or parts.fragment:
        raise Unfit("a user name, query or fragment in the URL; write only scheme, host and path")
    if parts.scheme == "http" and not is_loopback(host):
        raise Unfit("http would send the password and every fax in clear; write https://")
    return written.rstrip("/") + "/"


def login(value: object) -> str:
    """A user name for HTTP Basic: no colon, which separates it from the password (RFC 7617 2)."""
    name = some_text(value)
    if ":" in name:
        raise Unfit("a colon can't stand in a user name (RFC 7617); write the name without it")
    return name


def country(value: object) -> str:
    """An ISO 3166-1 alpha-2 code of a country whose numbering plan is known."""
    from phonenumbers import SUPPORTED_REGIONS

    written = text(value)
    code = written.upper()
    if code not in SUPPORTED_REGIONS:
        raise Unfit(f'"{written}" is not a country; write its two letters (ISO 3166), for example "US"')
    return code


def spool_url(value: object) -> str:
    """``sqlite:///`` with a path; three slashes: beside the configuration, four: absolute."""
    url = some_text(value)
    if url.startswith(("postgresql:", "postgres:")):
        raise Unfit('PostgreSQL comes with a later version; write "sqlite:////var/lib/mailfax/spool.db"')
    path = url.removeprefix("sqlite:///")
    if path == url or not path.strip("/") or path.endswith("/"):
        raise Unfit(f'"{url}" is not a spool; write "sqlite:////var/lib/mailfax/spool.db" or "sqlite:///spool.db"')
    if path == ":memory:" or "?" in path or "#" in path:
        raise Unfit(
            'the spool must be a plain file that outlives the process; write "sqlite:////var/lib/mailfax/spool.db"'
        )
    return url


#: Networks of one owner whatever their width: loopback, RFC 1918, link-local, unique local. Not RFC 6598 (100.64/10),
#: which a carrier's customers share; and not ``is_private`` of the library, which calls 0.0.0.0/0 private.
_PRIVATE = tuple(
    ipaddress.ip_network(net)
    for net in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)
#: IPv6 prefixes in which the whole IPv4 Internet hides (RFC 4291 2.5.5.2, RFC 6052 2.1): long, and yet the world.
_ALL_OF_IPV4 = (ipaddress.ip_network("::ffff:0:0/96"), ipaddress.ip_network("64:ff9b::/96"))
#: A /24 is the longest IPv4 prefix that the Internet routes, a /48 what one IPv6 site gets (RFC 6177): anything
#: wider holds strangers.
_NARROWEST_PUBLIC = {4: 24, 6: 48}


def is_open(net: Network) -> bool:
    """Whether strangers have addresses in this network, so that being in it proves nothing."""
    if any(type(net) is type(private) and net.subnet_of(private) for private in _PRIVATE):  # type: ignore[arg-type]
        return False
    return net.prefixlen < _NARROWEST_PUBLIC[net.version] or any(net.overlaps(whole) for whole in _ALL_OF_IPV4)
