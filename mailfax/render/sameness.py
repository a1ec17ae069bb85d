"""What a page draws, as one number: two pages with the same fingerprint are the same drawing.

In: the operators of a page or form and its resources, of any PDF. Out: a fingerprint of all that they reach: the
operators, and every font, picture, pattern and form, whatever their object numbers and however they are packed.
It costs a tenth of drawing the page. What it can't tell is what depends on the document: layers, fields, notes.

LIMITS: ``DEEPEST`` levels of objects in objects.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import pikepdf

#: What leads away from what a page draws.
ASIDE = frozenset([
    "/Parent", "/P", "/Popup", "/IRT", "/Dest", "/A", "/AA", "/B", "/Metadata", "/PieceInfo", "/Thumb", "/ToUnicode",
    "/StructParents", "/StructParent", "/FS", "/EF", "/Sound", "/Movie", "/RichMediaContent", "/RichMediaSettings",
    "/LastModified",
])  # fmt: skip
#: Filters that unpack to plain data; all but a lone deflation are undone when a file is written anew.
PLAIN_FILTERS = frozenset([
    "/FlateDecode", "/Fl", "/LZWDecode", "/LZW", "/ASCII85Decode", "/A85", "/ASCIIHexDecode", "/AHx",
    "/RunLengthDecode", "/RL",
])  # fmt: skip
#: How a simple stream is packed is not what it draws: its data are compared unpacked.
PACKING = frozenset(("/Length", "/Filter", "/DecodeParms"))
DEEPEST = 200
CONTAINERS = (pikepdf.Dictionary, pikepdf.Array, pikepdf.Stream)


def filters_of(stream: pikepdf.Stream) -> list[str]:
    """The filters of a stream, in the order in which they unpack it."""
    packed: object = stream.get("/Filter")
    every = list(packed) if isinstance(packed, pikepdf.Array) else [packed]
    return [str(each) for each in every if each is not None]


def simple(stream: pikepdf.Stream) -> bool:
    """Whether the data of a stream are compared unpacked. A lone deflation with a predictor stays as it is."""
    filters = filters_of(stream)
    predicted = filters == ["/FlateDecode"] and stream.get("/DecodeParms") is not None
    return PLAIN_FILTERS.issuperset(filters) and not predicted


def data_of(stream: pikepdf.Stream) -> bytes:
    """The fingerprint of a stream's data: unpacked where that is simple."""
    data = stream.read_bytes() if simple(stream) else stream.read_raw_bytes()
    return hashlib.blake2b(data, digest_size=16).digest()


class Fingerprints:
    """Fingerprints of what is drawn by one PDF; ``data`` gives that of the data of a stream, as ``data_of`` does."""

    def __init__(self, data: Callable[[pikepdf.Stream], bytes] = data_of) -> None:
        self._data = data
        self._known: dict[int, bytes] = {}

    @property
    def numbers(self) -> set[int]:
        """Numbers of the objects that were reached."""
        return set(self._known)

    def page(self, operators: bytes, *used: object) -> bytes:
        """Of operators and what they use: resources, transparency group."""
        sum_ = hashlib.blake2b(operators, digest_size=16)
        for each in used:
            sum_.update(self.of(each))
        return sum_.digest()

    def of(self, thing: object, level: int = 0) -> bytes:
        """Of any object with all that it reaches; raises ``RecursionError``."""
        if not isinstance(thing, CONTAINERS):
            return bytes(thing.unparse()) if isinstance(thing, pikepdf.Object) else repr(thing).encode()
        if level > DEEPEST:
            raise RecursionError
        number = thing.objgen[0]
        if not number:
            return self._fresh(thing, level + 1)
        if number not in self._known:
            self._known[number] = b"itself"
            self._known[number] = self._fresh(thing, level + 1)
        return self._known[number]

    def _fresh(self, thing: pikepdf.Object, level: int) -> bytes:
        sum_ = hashlib.blake2b(digest_size=16)
        left_out = ASIDE
        if isinstance(thing, pikepdf.Stream):
            sum_.update(self._data(thing))
            left_out = ASIDE | PACKING if simple(thing) else ASIDE | {"/Length"}
        elif b" R" not in (plain := bytes(thing.unparse(resolved=True))):
            sum_.update(plain)  # nothing in it leads on: its text is all, and long arrays are read at once
            return sum_.digest()
        if isinstance(thing, pikepdf.Array):
            for each in thing:
                sum_.update(self.of(each, level))
            return sum_.digest()
        for key in sorted(thing.keys() - left_out):
            sum_.update(key.encode())
            sum_.update(self.of(thing.get(key), level))
        return sum_.digest()


def streams_in(contents: object) -> list[pikepdf.Stream]:
    """The streams of a page's contents: one, or several in an array."""
    every = list(contents) if isinstance(contents, pikepdf.Array) else [contents]
    return [each for each in every if isinstance(each, pikepdf.Stream)]


def joined(operators: Iterable[bytes]) -> bytes:
    """Operators of several streams as one: what ends a stream ends a word (7.8.2)."""
    return b"\n".join(operators)
