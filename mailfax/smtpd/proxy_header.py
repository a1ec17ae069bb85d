"""The header that a load balancer puts before the first byte of its client: PROXY protocol, versions 1 and 2.

In: the bytes heard so far. Out: where the header ends, and the true address of the client. Pure: ``prelude`` reads.

STANDARDS: the PROXY protocol of HAProxy (proxy-protocol.txt 2.1, 2.2), both versions, TCP over IPv4 and IPv6.
LIMITS: TLVs are passed over, their checksum too. A connection of the balancer itself (LOCAL, its health check) or of
a client that it does not know (UNKNOWN, UNIX sockets, datagrams) has no address.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

#: Version 1 ends within 107 octets (2.1). Version 2 could announce 64 KB; certificates in TLVs need a few.
V1_OCTETS = 107
V2_OCTETS = 8192
_V1, _V2 = b"PROXY ", b"\r\n\r\n\0\r\nQUIT\n"
_V2_FIXED = 16
_V1_TCP = re.compile(rb"PROXY TCP([46]) (\S+) (\S+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})\r\n")
_LOCAL, _PROXY = 0x20, 0x21
#: Family and transport -> octets of one address; everything else names no client.
_ADDRESS_OCTETS = {0x11: 4, 0x21: 16}
#: The combinations that the specification knows, without an address for us: UNSPEC, UDP, UNIX.
_UNUSED_FAMILIES = frozenset({0x00, 0x12, 0x22, 0x31, 0x32})


class NoProxyHeader(Exception):
    """What a load balancer sent is not a PROXY header; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """``octets`` long; ``ip`` is the true client's address, or "" where the header names none."""

    octets: int
    ip: str


def read_proxy_header(heard: bytes) -> ProxyHeader | None:
    """The header at the beginning of ``heard``; None while all of it belongs to one and more must come.

    Raises ``NoProxyHeader``.
    """
    if heard.startswith(_V2[: len(heard)]):
        return _read_v2(heard)
    if heard.startswith(_V1[: len(heard)]):
        return _read_v1(heard)
    raise NoProxyHeader("it begins like no version of the PROXY protocol")


def _read_v1(heard: bytes) -> ProxyHeader | None:
    end = heard.find(b"\r\n", 0, V1_OCTETS)
    if end < 0:
        if len(heard) >= V1_OCTETS:
            raise NoProxyHeader("a line of version 1 does not end")
        return None
    line = heard[: end + 2]
    # 2.1: what follows UNKNOWN is to be ignored.
    if line == b"PROXY UNKNOWN\r\n" or line.startswith(b"PROXY UNKNOWN "):
        return ProxyHeader(len(line), "")
    said = _V1_TCP.fullmatch(line)
    if said is None or int(said[4]) > 65535 or int(said[5]) > 65535:
        raise NoProxyHeader("a line of version 1 is malformed")
    source, destination = _address(said[2]), _address(said[3])
    if not source.version == destination.version == int(said[1]):
        raise NoProxyHeader("the addresses are of another family than was said")
    return ProxyHeader(len(line), _as_text(source))


def _read_v2(heard: bytes) -> ProxyHeader | None:
    if len(heard) < _V2_FIXED:
        return None
    command, family, length = heard[12], heard[13], int.from_bytes(heard[14:16], "big")
    if command not in (_LOCAL, _PROXY):
        raise NoProxyHeader("the version or command of version 2 is unknown")
    whole = _V2_FIXED + length
    if whole > V2_OCTETS:
        raise NoProxyHeader(f"a header of version 2 is longer than {V2_OCTETS} octets")
    octets = _ADDRESS_OCTETS.get(family, 0)
    if command == _PROXY and (length < 2 * octets + 4 if octets else family not in _UNUSED_FAMILIES):
        raise NoProxyHeader("the addresses of version 2 are of an unknown family or too short")
    if len(heard) < whole:
        return None
    if command == _LOCAL or not octets:
        return ProxyHeader(whole, "")
    return ProxyHeader(whole, _as_text(ipaddress.ip_address(heard[_V2_FIXED : _V2_FIXED + octets])))


def _address(text: bytes) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        address = ipaddress.ip_address(text.decode("ascii"))
        if "%" in str(address):  # a zone may be any text, and means something on the balancer only
            raise ValueError(address)
        return address
    except ValueError as error:
        raise NoProxyHeader("a line of version 1 holds no IP address") from error


def _as_text(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """As everywhere here: IPv4 as IPv4, also where a balancer maps it into IPv6."""
    return str(getattr(address, "ipv4_mapped", None) or address)
