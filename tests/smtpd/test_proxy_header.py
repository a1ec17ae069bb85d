"""PROXY headers are read to the octet, or not at all; every cut of one is "more must come"."""

from __future__ import annotations

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.smtpd.proxy_header import NoProxyHeader, ProxyHeader, read_proxy_header

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def version_2(ip: str, *, command: int = 0x21, family: int | None = None, tlvs: bytes = b"") -> bytes:
    address = ipaddress.ip_address(ip)
    known = 0x11 if address.version == 4 else 0x21
    block = address.packed * 2 + struct.pack("!HH", 50000, 25) + tlvs
    return SIGNATURE + bytes([command, known if family is None else family]) + struct.pack("!H", len(block)) + block


LONGEST_V1 = b"PROXY TCP6 " + b" ".join([b"ffff:" * 7 + b"ffff"] * 2) + b" 65535 65535\r\n"
GOOD = {
    "v1 IPv4": (b"PROXY TCP4 192.0.2.7 127.0.0.1 50000 25\r\n", "192.0.2.7"),
    "v1 IPv6": (b"PROXY TCP6 2001:db8::7 ::1 50000 25\r\n", "2001:db8::7"),
    "v1 IPv6, longest": (LONGEST_V1, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    "v1 IPv4 mapped into IPv6": (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 25\r\n", "192.0.2.7"),
    "v1 unknown, short": (b"PROXY UNKNOWN\r\n", ""),
    "v1 unknown, with addresses to be ignored": (b"PROXY UNKNOWN 192.0.2.7 127.0.0.1 1 2\r\n", ""),
    "v2 IPv4": (version_2("192.0.2.7"), "192.0.2.7"),
    "v2 IPv6": (version_2("2001:db8::7"), "2001:db8::7"),
    "v2 IPv4 mapped into IPv6": (version_2("::ffff:192.0.2.7"), "192.0.2.7"),
    "v2 with TLVs": (version_2("192.0.2.7", tlvs=b"\x04\x00\x05abcde\x20\x00\x02hi"), "192.0.2.7"),
    "v2 local": (version_2("192.0.2.7", command=0x20), ""),
    "v2 local without addresses": (SIGNATURE + b"\x20\x00\x00\x00", ""),
    "v2 unspecified": (SIGNATURE + b"\x21\x00\x00\x00", ""),
    "v2 unspecified, with something": (SIGNATURE + b"\x21\x00\x00\x03abc", ""),
    "v2 datagram": (version_2("192.0.2.7", family=0x12), ""),
    "v2 UNIX socket": (SIGNATURE + b"\x21\x31\x00\xd8" + b"x" * 216, ""),
}


@pytest.mark.parametrize(("header", "ip"), GOOD.values(), ids=GOOD)
def test_a_header_ends_where_it_ends_and_names_the_client(header: bytes, ip: str) -> None:
    for behind in (b"", b"EHLO c\r\n", b"\x16\x03\x01", header):
        assert read_proxy_header(header + behind) == ProxyHeader(len(header), ip)
    assert all(read_proxy_header(header[:cut]) is None for cut in range(len(header)))


BAD = {
    "a command": b"EHLO c\r\n",
    "a handshake": b"\x16\x03\x01\x02",
    "lower case": b"proxy TCP4 192.0.2.7 127.0.0.1 1 2\r\n",
    "v1 another protocol": b"PROXY UDP4 192.0.2.7 127.0.0.1 1 2\r\n",
    "v1 two spaces": b"PROXY TCP4  192.0.2.7 127.0.0.1 1 2\r\n",
    "v1 no destination": b"PROXY TCP4 192.0.2.7 1 2\r\n",
    "v1 too much": b"PROXY TCP4 192.0.2.7 127.0.0.1 1 2 3\r\n",
    "v1 another family": b"PROXY TCP4 ::1 ::1 1 2\r\n",
    "v1 mixed families": b"PROXY TCP4 192.0.2.7 ::1 1 2\r\n",
    "v1 no address": b"PROXY TCP4 192.0.2.777 127.0.0.1 1 2\r\n",
    "v1 a name": b"PROXY TCP4 localhost 127.0.0.1 1 2\r\n",
    "v1 a zone": b"PROXY TCP6 fe80::1%\xff ::1 1 2\r\n",
    "v1 a zone with control characters": b"PROXY TCP6 fe80::1%\x1b[31m ::1 1 2\r\n",
    "v1 octal": b"PROXY TCP4 192.0.02.7 127.0.0.1 1 2\r\n",
    "v1 port out of range": b"PROXY TCP4 192.0.2.7 127.0.0.1 65536 2\r\n",
    "v1 port with zeros": b"PROXY TCP4 192.0.2.7 127.0.0.1 01 2\r\n",
    "v1 bare LF": b"PROXY TCP4 192.0.2.7 127.0.0.1 1 2\nEHLO c\r\n",
    "v1 without end": b"PROXY TCP4 " + b"1" * 96,
    "v1 unknown without end": b"PROXY UNKNOWN " + b"x" * 100,
    "v2 another version": SIGNATURE + b"\x11\x11\x00\x00",
    "v2 another command": SIGNATURE + b"\x22\x11\x00\x0c" + b"x" * 12,
    "v2 another family": SIGNATURE + b"\x21\x44\x00\x0c" + b"x" * 12,
    "v2 addresses too short": SIGNATURE + b"\x21\x21\x00\x0c" + b"x" * 12,
    "v2 too long": SIGNATURE + b"\x21\x11\xff\xff",
}


@pytest.mark.parametrize("said", BAD.values(), ids=BAD)
def test_whatever_else_comes_is_no_header(said: bytes) -> None:
    with pytest.raises(NoProxyHeader):
        read_proxy_header(said)


@given(st.binary(max_size=200) | st.binary(max_size=60).map(SIGNATURE.__add__) | st.binary().map(b"PROXY ".__add__))
def test_any_bytes_are_a_header_none_or_more_to_come(said: bytes) -> None:
    """Invariant: a header lies within what was said, and its address is one."""
    try:
        header = read_proxy_header(said)
    except NoProxyHeader:
        return
    if header is not None:
        assert 0 < header.octets <= len(said)
        assert not header.ip or ipaddress.ip_address(header.ip)
