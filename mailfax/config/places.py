"""Kinds of keys that say where something is, and how it is spoken to: domains, networks, addresses with ports, URLs,
time zones, content types; and where strangers are.

In: a value as ``tomllib`` made it. Out: text, networks, (host, port). Raises ``Unfit``.

STANDARDS: RFC 5321 4.1.2 (domain), RFC 4632 and RFC 4291 2.3 (prefixes), RFC 6761 6.3 (localhost).
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from mailfax.config.kinds import Unfit, some_text, text
from mailfax.config.values import Network

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_ADDRESS = re.compile(r"(?P<host>\[[^\[\]]+\]|[^:\[\]]+):(?P<port>[0-9]{1,9})")


def domain(value: object) -> str:
    """A host or mail domain, lower-cased."""
    name = text(value).lower()
    if not HOST.fullmatch(name) or len(name) > 253:
        raise Unfit(f'"{name}" is not a domain; write it like fax.example.com')
    return name


def domain_or_none(value: object) -> str:
    """A domain, or ""."""
    return domain(value) if text(value) else ""


def selector_or_none(value: object) -> str:
    """A selector of DKIM (RFC 6376 3.1): labels, as in a domain; or ""."""
    written = text(value)
    if written and not HOST.fullmatch(written):
        raise Unfit(f'"{written}" is no DKIM selector; write one like "fax2026"')
    return written


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


#: Who may connect to a loopback address where no networks are named: this machine.
THIS_MACHINE: Final[tuple[Network, ...]] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


def own_address(value: object) -> tuple[str, int]:
    """Where to listen: an IP address of this machine, or localhost, and a port; port 0 takes any free one."""
    host, port = _address(value, 0)
    if host != "localhost" and not is_ip(host):
        raise Unfit(f'"{host}" is not an IP address; write one of this machine, or 0.0.0.0 or [::] for all of them')
    return host, port


def far_address(value: object) -> tuple[str, int]:
    """Where a server is: a name or an IP address, and a port."""
    host, port = _address(value, 1)
    if not HOST.fullmatch(host) and not is_ip(host):
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


def issuer(value: object) -> str:
    """The name of a provider of OpenID Connect, exactly as it writes it; ``https`` off loopback."""
    service_url(value)
    return some_text(value)


def site_url(value: object) -> str:
    """What browsers write before the path of a page: scheme and host, perhaps a port; ``https`` off loopback."""
    written = service_url(value).rstrip("/")
    if urlsplit(written).path:
        raise Unfit(f'"{written}" has a path; write only scheme and host, like "https://fax.example.com"')
    return written


def directory_url(value: object) -> tuple[str, int, bool]:
    """Host and port of an LDAP server, and whether TLS is spoken from the first byte."""
    written = some_text(value)
    try:
        parts = urlsplit(written)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in ("ldap", "ldaps") or parts.path.strip("/") or parts.query or parts.username:
        raise Unfit(f'"{written}" is no directory; write it like "ldaps://ldap.example.com"')
    implicit = parts.scheme == "ldaps"
    return host, port or (636 if implicit else 389), implicit


def bind_name(value: object) -> str:
    """The name with which somebody binds, who is "{login}"."""
    written = some_text(value)
    if written.count("{login}") != 1:
        like = "uid={login},ou=people,dc=example,dc=com"
        raise Unfit(f'"{written}" does not have {{login}} once; write it like "{like}"')
    return written


def timezone(value: object) -> str:
    """The name of a time zone in the IANA database."""
    name = some_text(value)
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise Unfit(
            f'"{name}" is not a time zone; write it like "America/Los_Angeles", or "Etc/GMT+8" for eight hours '
            "behind UTC all year"
        ) from None
    return name


def timezone_or_none(value: object) -> str:
    """The name of a time zone, or "" for none."""
    return timezone(value) if text(value) else ""


def content_type(value: object) -> str:
    """A media type without parameters (RFC 6838 4.2)."""
    written = some_text(value).lower()
    if not _MEDIA_TYPE.fullmatch(written):
        raise Unfit(f'"{written}" is not a content type; write it like "application/octet-stream"')
    return written


def spool_url(value: object) -> str:
    """``sqlite:///`` with a path (three slashes: beside the configuration, four: absolute), or ``postgresql://``."""
    url = some_text(value)
    if url.startswith(("postgresql:", "postgres:")):
        return _database_url(url)
    path = url.removeprefix("sqlite:///")
    if path == url or not path.strip("/") or path.endswith("/"):
        raise Unfit(
            f'"{url}" is not a spool; write "sqlite:////var/lib/mailfax/spool.db", "sqlite:///spool.db" or '
            '"postgresql://mailfax@db.example.com/mailfax"'
        )
    if path == ":memory:" or "?" in path or "#" in path:
        raise Unfit(
            'the spool must be a plain file that outlives the process; write "sqlite:////var/lib/mailfax/spool.db"'
        )
    return url


#: A connection URI of libpq: user, hosts with ports, database, and the folder of a socket.
_DATABASE = re.compile(
    r"postgres(?:ql)?://(?:(?P<user>[^:@/?#]*)(?P<password>:[^@/?#]*)?@)?(?P<hosts>[^@/?#]*)/(?P<name>[^/?#]+)"
    r"(?:\?host=(?P<folder>/[^?#&=]*))?"
)


def _database_url(url: str) -> str:
    match = _DATABASE.fullmatch(url)
    if match and match["password"]:
        raise Unfit(
            "a password in the URL; leave it out, and set MAILFAX_SPOOL_PASSWORD in the environment or in .env"
        )
    try:
        right = match and all(HOST.fullmatch(host) or is_ip(host) for host in _listed(match["hosts"]))
    except Unfit:
        right = False
    if not match or not right:
        raise Unfit(
            f'"{url}" is not a database; write it like "postgresql://mailfax@db.example.com/mailfax", or '
            '"postgresql:///mailfax" for the server on this machine'
        )
    return url


def _listed(hosts: str) -> list[str]:
    return [
        _address(each if re.search(r":[0-9]+$", each) else f"{each}:5432", 1)[0] for each in hosts.split(",") if each
    ]


def database_hosts(url: str) -> list[str]:
    """The hosts that the URL of a database names; none, where it is reached by a socket of this machine."""
    match = _DATABASE.fullmatch(url)
    return _listed(match["hosts"]) if match else []


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
