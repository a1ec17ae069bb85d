"""Every stream of a PDF's pages is read, as far as that is cheap: that it ends, and how much it unpacks to.

In: an opened PDF. Out: the fingerprints of its pages, or ``NotFaxable`` with the name of the file. Pictures are not
decoded: what their codes say of their size and end is read.

STANDARDS: ISO 32000-2 7.4 (filters), 8.9 (pictures), 8.10 (forms); RFC 1950 (zlib); T.88 (JBIG2), T.800 (JPEG 2000).
LIMITS: ``MOST_DOTS`` a picture, ``MOST_UNPACKED`` bytes a file, ``MOST_DRAWN`` bytes of operators a page with its
forms repeated, ``MOST_SCANS`` of a JPEG, ``MOST_OBJECTS`` for all pages.
"""

from __future__ import annotations

import hashlib
import io
import re
import zlib
from typing import Any, NoReturn

import pikepdf
from PIL import Image

from mailfax.render.sameness import PLAIN_FILTERS, Fingerprints, filters_of, joined, simple, streams_in
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable

#: A3 at 600 dots an inch has 70 million.
MOST_DOTS = 120_000_000
MOST_UNPACKED = 800_000_000
MOST_DRAWN = 64_000_000
#: A progressive JPEG has about ten; each costs a pass over all dots.
MOST_SCANS = 100
MOST_OBJECTS = 200_000
#: How often the cell of a pattern may cover a point. It is 1 where cells stand side by side.
MOST_OVER = 1000
#: Bytes of a PostScript function, which runs for each dot of a shading: those of real files are shorter than 2000.
LONGEST_PROGRAM = 16_000
PICTURE_FILTERS = {"/DCTDecode", "/DCT", "/JPXDecode", "/JBIG2Decode", "/CCITTFaxDecode", "/CCF"}
DRAWN_FORM = re.compile(rb"(/[^\s/<>\[\](){}%]+)\s+Do\b")
INLINE_SIZE = re.compile(rb"\bBI\b(?=.{0,200}?/(?:W|Width)\s+(\d+))(?=.{0,200}?/(?:H|Height)\s+(\d+))", re.DOTALL)

AGAIN = "Open it and save or print it anew as PDF if all its pages are there"


def damaged(name: str, why: str, diagnostic: str) -> NotFaxable:
    """The refusal of a file that is not whole; ``diagnostic`` is what the parser said."""
    said = re.sub(r"^.*?<_io\.BytesIO[^>]*>[\s:]*", "", diagnostic)[:100]
    return NotFaxable(status(Cause.DAMAGED, f"x-mailfax; damaged PDF: {said}", name=name, why=f"{why}. {AGAIN}"))


class Inspection:
    """One look at all that the pages of a file draw."""

    def __init__(self, pdf: pikepdf.Pdf, name: str) -> None:
        self.pdf, self.name = pdf, name
        self.warnings: list[str] = []
        self._prints = Fingerprints(self._read)
        #: Bytes of streams that came without a filter.
        self.unpacked = 0
        self._size = 0
        #: The streams of operators of the page that is looked at, once they were unpacked for its fingerprint.
        self._kept: dict[int, bytes] = {}
        #: What forms cost, by the number of their object: bytes of operators, those of inner forms included.
        self._costs: dict[int, int] = {}

    @property
    def reached(self) -> set[int]:
        """Numbers of the objects that the pages draw, and of those that lead to them."""
        leading = {self.pdf.Root.objgen[0], self.pdf.Root.Pages.objgen[0]}
        for page in self.pdf.pages:
            leading |= {page.obj.objgen[0], page.obj.get("/Parent", page.obj).objgen[0]}
        return self._prints.numbers | leading

    def look(self) -> list[bytes]:
        """Read all streams of all pages; their fingerprints. Raises ``NotFaxable``."""
        prints = []
        for page in self.pdf.pages:
            contents, resources = page.obj.get("/Contents"), inherited(page, "/Resources")
            self._kept = dict.fromkeys((each.objgen[0] for each in streams_in(contents)), b"")
            for each in (contents, page.obj.get("/Annots")):
                self._prints.of(each)
            operators = joined(self._operators(each) for each in streams_in(contents))
            prints.append(self._prints.page(operators, resources, page.obj.get("/Group")))
            if self._cost(operators, resources, 0) > MOST_DRAWN:
                self._refuse("one of its pages repeats its forms millions of times")
            if len(self._prints.numbers) > MOST_OBJECTS:
                self._refuse(f"its pages consist of more than {MOST_OBJECTS} objects")
        self._listen()
        return prints

    def _listen(self) -> None:
        """Keep what the parser complains of: it says each thing once."""
        self.warnings += [str(warning) for warning in self.pdf.get_warnings()]

    def damaged(self, why: str) -> NoReturn:
        # "file is damaged" and what is tried then stand before what was found.
        telling = [each for each in self.warnings if not re.search("is damaged|Attempting", each)]
        raise damaged(self.name, why, "; ".join([*telling, *self.warnings, "not whole"][:1]))

    def _refuse(self, why: str) -> NoReturn:
        again = "Print it as a picture, or scan it with fewer dots per inch"
        raise NotFaxable(status(Cause.UNSUPPORTED, name=self.name, why=f"{why}. {again}"))

    def _read(self, stream: pikepdf.Stream) -> bytes:
        """Unpack a stream as far as can be done cheaply, and look for its end; the fingerprint of its data."""
        filters = filters_of(stream)
        picture = stream.get("/Subtype") == "/Image"
        if picture:
            self._bounded(_number(stream.get("/Width")), _number(stream.get("/Height")))
            for parms in _names(stream.get("/DecodeParms")):
                if isinstance(parms, pikepdf.Dictionary):
                    self._bounded(_number(parms.get("/Columns")), _number(parms.get("/Rows")))
        self._repeated(stream)
        packed = stream.read_raw_bytes()
        if filters and filters[-1] in PICTURE_FILTERS:
            self._coded(_without_ascii(packed, filters[:-1]), filters[-1])
            return _sum(packed)
        if not PLAIN_FILTERS.issuperset(filters):
            return _sum(packed)  # of no filter that is known: viewers do not draw it
        if filters in (["/FlateDecode"], ["/Fl"]):
            size, data = self._inflate(packed)
        else:
            unpacked = self._all(stream, packed)
            size, data = len(unpacked), _sum(unpacked)
            self.unpacked += 0 if filters else size
            if stream.objgen[0] in self._kept:
                self._kept[stream.objgen[0]] = unpacked
        if picture and size < _image_bytes(stream):
            self.damaged("a picture in it is cut off")
        return data if simple(stream) else _sum(packed)

    def _repeated(self, stream: pikepdf.Stream) -> None:
        """What is drawn or computed again for each dot: the cell of a pattern, the program of a shading."""
        if stream.get("/PatternType") == 1:
            box = [float(side) for side in stream.get("/BBox", [0, 0, 0, 0])]
            area = abs((box[2] - box[0]) * (box[3] - box[1]))
            step = abs(float(stream.get("/XStep", 0)) * float(stream.get("/YStep", 0)))
            if area > MOST_OVER * step > 0:
                self._refuse(f"a pattern in it lies over itself more than {MOST_OVER} times")
        elif stream.get("/FunctionType") == 4 and len(self._operators(stream)) > LONGEST_PROGRAM:
            self._refuse("a colour in it is computed by a program that is too long")

    def _all(self, stream: pikepdf.Stream, packed: bytes) -> bytes:
        """The stream through all its simple filters."""
        if packed[:1] == b"x":
            self._inflate(packed)
        self._listen()
        try:
            unpacked = bytes(stream.read_bytes(pikepdf.StreamDecodeLevel.generalized))
        except pikepdf.PdfError as wrong:
            self.warnings.insert(0, str(wrong))
            self.damaged("a part of it can't be unpacked")
        known = len(self.warnings)
        self._listen()
        if any("decoding" in said or "input stream is complete" in said for said in self.warnings[known:]):
            self.warnings = self.warnings[known:]
            self.damaged("a part of it can't be unpacked")
        self._count(len(unpacked))
        return unpacked

    def _inflate(self, packed: bytes) -> tuple[int, bytes]:
        """Size and fingerprint of what was deflated; its end and check sum are looked at (RFC 1950)."""
        sum_ = hashlib.blake2b(digest_size=16)
        packed = packed.lstrip(b"\r\n")
        if not packed:
            return 0, sum_.digest()
        inflate, size, adler = zlib.decompressobj(-15), 0, 1
        waiting = packed[2:]
        try:
            while waiting and not inflate.eof:
                block = inflate.decompress(waiting, 1 << 20)
                waiting = inflate.unconsumed_tail
                size += len(block)
                self._count(len(block))
                adler = zlib.adler32(block, adler)
                sum_.update(block)
        except zlib.error as wrong:
            self.warnings.insert(0, str(wrong))
            self.damaged("a part of it can't be unpacked")
        check = inflate.unused_data[:4]
        if not inflate.eof or (len(check) == 4 and int.from_bytes(check) != adler and check.strip()):
            self.warnings.insert(0, "deflated data " + ("have a wrong check sum" if inflate.eof else "end early"))
            self.damaged("a part of it can't be unpacked")
        return size, sum_.digest()

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > MOST_UNPACKED:
            self._refuse(f"it unpacks to more than {MOST_UNPACKED // 1_000_000} MB")

    def _coded(self, packed: bytes, kind: str) -> None:
        """What the code of a picture itself says of its size, and whether it ends."""
        if kind == "/JPXDecode":
            at = packed.find(b"\xff\x4f\xff\x51")
            self._bounded(int.from_bytes(packed[at + 8 : at + 12]), int.from_bytes(packed[at + 12 : at + 16]))
        elif kind == "/JBIG2Decode":
            self._bounded(*_jbig2_size(packed))
        elif kind in ("/DCTDecode", "/DCT"):
            if packed.count(b"\xff\xda") > MOST_SCANS:
                self._refuse(f"a picture in it has more than {MOST_SCANS} scans")
            if packed and b"\xff\xd9" not in packed[-64:] and not _loads(packed):
                self.damaged("a picture in it is cut off")

    def _bounded(self, width: int, height: int) -> None:
        if width * height > MOST_DOTS:
            self._refuse(f"a picture in it has more than {MOST_DOTS // 1_000_000} million dots")

    def _operators(self, stream: pikepdf.Stream) -> bytes:
        try:
            operators = self._kept.get(stream.objgen[0]) or bytes(stream.read_bytes())
        except pikepdf.PdfError as wrong:
            self.warnings.insert(0, str(wrong))
            self.damaged("a part of it can't be unpacked")
        if b"BI" not in operators:
            return operators
        for width, height in INLINE_SIZE.findall(operators):
            self._bounded(int(width), int(height))
        return operators

    def _cost(self, operators: bytes, resources: Any, level: int) -> int:
        """Bytes of operators that are run for these: each form counts as often as it is drawn."""
        total = len(operators)
        forms = resources.get("/XObject") if isinstance(resources, pikepdf.Dictionary) else None
        if not isinstance(forms, pikepdf.Dictionary) or level > 60:
            return total
        for name in DRAWN_FORM.findall(operators):
            form = forms.get(name.decode("latin-1"))
            if not isinstance(form, pikepdf.Stream) or form.get("/Subtype") != "/Form":
                continue
            number = form.objgen[0]
            if number not in self._costs:
                self._costs[number] = 0  # a form that draws itself ends here, as in viewers
                inner = form.get("/Resources", resources)
                self._costs[number] = self._cost(self._operators(form), inner, level + 1)
            total += self._costs[number]
        return total


def inherited(page: pikepdf.Page, key: str) -> Any:
    """What a page or the tree above it says (7.7.3.4)."""
    node: Any = page.obj
    for _ in range(100):
        if key in node or "/Parent" not in node:
            break
        node = node.Parent
    return node.get(key)


def _sum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _without_ascii(packed: bytes, filters: list[str]) -> bytes:
    """The code of a picture without what made it text; nothing where that is not known here."""
    for each in filters:
        try:
            if each in ("/ASCII85Decode", "/A85"):
                with pikepdf.new() as own:  # Python's own takes a hundred times as long
                    packed = pikepdf.Stream(own, packed, Filter=pikepdf.Name.ASCII85Decode).read_bytes()
            elif each in ("/ASCIIHexDecode", "/AHx"):
                packed = bytes.fromhex(packed.partition(b">")[0].decode("latin-1"))
            elif each in ("/FlateDecode", "/Fl"):
                packed = zlib.decompressobj().decompress(packed, MOST_UNPACKED)
            else:
                return b""
        except (ValueError, zlib.error, pikepdf.PdfError):
            return b""
    return packed


def _names(value: object) -> list[object]:
    return list(value) if isinstance(value, pikepdf.Array) else [value] if value is not None else []


def _number(value: object) -> int:
    return max(int(value), 0) if isinstance(value, int) else 0


def _image_bytes(image: pikepdf.Stream) -> int:
    """How many bytes the dots of a picture need at least (8.9.5): one component where the colours are unclear."""
    bits = 1 if bool(image.get("/ImageMask", False)) else _number(image.get("/BitsPerComponent")) or 1
    parts = {"/DeviceRGB": 3, "/RGB": 3, "/DeviceCMYK": 4, "/CMYK": 4}.get(str(image.get("/ColorSpace")), 1)
    return (_number(image.get("/Width")) * bits * parts + 7) // 8 * _number(image.get("/Height"))


def _jbig2_size(packed: bytes) -> tuple[int, int]:
    """Width and height of the page information segment (T.88 7.2, 7.4.8), or 0."""
    at = 0
    for _ in range(64):
        head = packed[at : at + 11]
        if len(head) < 11:
            break
        number, flags, references = int.from_bytes(head[:4]), head[4], head[5] >> 5
        if references == 7:
            break
        at += 6 + references * (1 if number <= 256 else 2 if number <= 65536 else 4) + (4 if flags & 0x40 else 1)
        length = int.from_bytes(packed[at : at + 4])
        at += 4
        if flags & 63 == 48:
            return int.from_bytes(packed[at : at + 4]), min(int.from_bytes(packed[at + 4 : at + 8]), 1 << 20)
        at += length
    return 0, 0


def _loads(jpeg: bytes) -> bool:
    """Whether a JPEG without its end mark has all its dots."""
    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as picture:
            picture.load()
    except (OSError, SyntaxError, ValueError):
        return False
    return True
