"""The little of the Internet Printing Protocol that printing a file needs: requests written, answers read.

In: an operation's number, its attributes, a document's bytes behind them. Out: bytes; of an answer its status and its
groups of attributes. No network here.

STANDARDS: RFC 8010 3 (encoding), RFC 8011 4.1 (what stands in every request), 5.1 (syntaxes of values).
LIMITS: values are text, numbers and booleans; of an answer all others are kept as bytes, and the members of a
collection stand for themselves.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

#: Operations (RFC 8011 5.4.15).
PRINT_JOB, GET_JOBS, GET_PRINTER_ATTRIBUTES = 0x0002, 0x000A, 0x000B
#: Tags of groups and of values (RFC 8010 3.5).
_OPERATION, _END, _LAST_GROUP = 0x01, 0x03, 0x0F
INTEGER, BOOLEAN, ENUM, NAME, KEYWORD, URI, CHARSET, LANGUAGE, MEDIA_TYPE = (
    0x21, 0x22, 0x23, 0x42, 0x44, 0x45, 0x47, 0x48, 0x49,
)  # fmt: skip
#: Text whose language is as the answer says, and text that names its own.
_TEXTS = frozenset({0x41, 0x42, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49})

Value = int | bool | str | bytes
Attributes = dict[str, list[Value]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a printer says: its status code (RFC 8011 B.1), and each group as its tag and attributes."""

    status: int
    groups: tuple[tuple[int, Attributes], ...]

    def found(self, tag: int) -> list[Attributes]:
        """The groups of one kind."""
        return [attributes for each, attributes in self.groups if each == tag]


def request(operation: int, uri: str, user: str, attributes: Sequence[tuple[int, str, Sequence[Value]]]) -> bytes:
    """A request of version 1.1 up to where its document begins; ``attributes``: tag of the value, name, values."""
    first = ((CHARSET, "attributes-charset", ("utf-8",)), (LANGUAGE, "attributes-natural-language", ("en",)))
    about = ((URI, "printer-uri", (uri,)), (NAME, "requesting-user-name", (user,)))
    written = b"".join(_attribute(*each) for each in (*first, *about, *attributes))
    return struct.pack(">BBHiB", 1, 1, operation, 1, _OPERATION) + written + bytes([_END])


def answer(content: bytes) -> Answer:
    """Raises ValueError where ``content`` is no answer."""
    try:
        _, _, status, _ = struct.unpack_from(">BBHi", content)
        groups: list[tuple[int, Attributes]] = []
        at, name = 8, ""
        while content[at] != _END:
            tag, at = content[at], at + 1
            if tag <= _LAST_GROUP:
                groups.append((tag, {}))
                continue
            named, at = _counted(content, at)
            told, at = _counted(content, at)
            name = named.decode() or name  # without a name it is one more value of the attribute before it
            groups[-1][1].setdefault(name, []).append(_value(tag, told))
    except (struct.error, IndexError, UnicodeDecodeError) as broken:
        raise ValueError("this is no answer of a printer") from broken
    return Answer(status, tuple(groups))


def _attribute(tag: int, name: str, values: Sequence[Value]) -> bytes:
    """One attribute; its second and further values have no name."""
    return b"".join(
        bytes([tag]) + _lengthened(b"" if further else name.encode()) + _lengthened(_bytes(value))
        for further, value in enumerate(values)
    )


def _bytes(value: Value) -> bytes:
    if isinstance(value, bool):
        return bytes([value])
    if isinstance(value, int):
        return struct.pack(">i", value)
    return value.encode() if isinstance(value, str) else value


def _lengthened(data: bytes) -> bytes:
    return struct.pack(">H", len(data)) + data


def _counted(content: bytes, at: int) -> tuple[bytes, int]:
    (length,) = struct.unpack_from(">H", content, at)
    end = at + 2 + length
    if end > len(content):
        raise ValueError("this answer of a printer ends too early")
    return content[at + 2 : end], end


def _value(tag: int, told: bytes) -> Value:
    if tag in (INTEGER, ENUM):
        return int(struct.unpack(">i", told)[0])
    if tag == BOOLEAN:
        return told != b"\0"
    return told.decode("utf-8", "replace") if tag in _TEXTS else told
