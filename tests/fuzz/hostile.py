"""Files and mails made to hurt: one function for each kind, its name the kind's.

``KINDS`` maps a kind to (file name, how its bytes are made), ``MAILS`` to whole mails. Sizes stay small: what is
large is what a reader would make of them.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable

from tests.render.paper import letter, picture, scan

Make = Callable[[], bytes]


# --- PDF --------------------------------------------------------------------------------------------------------


def pdf(*objects: bytes, root: int = 1, trailer: bytes = b"") -> bytes:
    """A PDF of these objects, numbered from 1, with a right table."""
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<</Size %d/Root %d 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, root, trailer, start)
    return bytes(out)


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>\nstream\n" % (entries, len(content)) + content + b"\nendstream"


def page_with(content: bytes, *more: bytes, resources: bytes = b"", box: bytes = b"0 0 612 792") -> bytes:
    """A PDF of one page; further objects are numbered from 5."""
    return pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[" + box + b"]/Contents 4 0 R/Resources<<" + resources + b">>>>",
        stream(content),
        *more,
    )


def flate(content: bytes, times: int = 1) -> tuple[bytes, bytes]:
    for _ in range(times):
        content = zlib.compress(content, 9)
    return content, b"/Filter[" + b"/FlateDecode" * times + b"]"


def flate_bomb() -> bytes:
    packed, entries = flate(b"q Q " * 60_000_000, 2)
    return pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R>>",
        stream(packed, entries),
    )


def forms_that_double() -> bytes:
    """Thirty forms, each drawing the next twice: a thousand million drawings."""
    forms = []
    for number in range(30):
        following = b"/Resources<</XObject<</F %d 0 R>>>>" % (6 + number) if number < 29 else b""
        content = b"/F Do /F Do" if number < 29 else b"0 0 10 10 re f"
        forms.append(stream(content, b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]" + following))
    return page_with(b"/F Do", *forms, resources=b"/XObject<</F 5 0 R>>")


def image_of(entries: bytes, content: bytes = b"\0" * 100) -> bytes:
    image = stream(content, b"/Type/XObject/Subtype/Image" + entries)
    return page_with(b"q 500 0 0 500 50 50 cm /I Do Q", image, resources=b"/XObject<</I 5 0 R>>")


def jbig2_of_60000() -> bytes:
    head = struct.pack(">IBBBI", 0, 48, 0, 1, 19) + struct.pack(">IIIIBH", 60_000, 60_000, 0, 0, 0, 0)
    size = b"/Width 60000/Height 60000/ColorSpace/DeviceGray/BitsPerComponent 1/Filter/JBIG2Decode"
    return image_of(size, head)


def jpx_of_60000() -> bytes:
    size = struct.pack(">HHIIIIIIIIHBBB", 47 - 6, 0, 60_000, 60_000, 0, 0, 60_000, 60_000, 0, 0, 1, 7, 1, 1)
    content = b"\xff\x4f\xff\x51" + size + b"\xff\xd9"
    return image_of(b"/Width 60000/Height 60000/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/JPXDecode", content)


def tree_of_kids(depth: int) -> bytes:
    kids = [b"<</Type/Pages/Kids[%d 0 R]/Count 1>>" % (number + 3) for number in range(depth)]
    return pdf(
        b"<</Type/Catalog/Pages 2 0 R>>", *kids, b"<</Type/Page/MediaBox[0 0 612 792]/Parent %d 0 R>>" % (depth + 1)
    )


def form_whose_kids_turn_round() -> bytes:
    return pdf(
        b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]>>>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Annots[4 0 R]>>",
        b"<</Subtype/Widget/FT/Tx/T(a)/V(x)/Rect[0 0 100 100]/Kids[4 0 R]/Parent 4 0 R>>",
    )


def many_annotations() -> bytes:
    one = b"<</Subtype/Square/Rect[0 0 10 10]>>"
    return pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Annots[" + one * 50_000 + b"]>>",
    )


def many_pages() -> bytes:
    """One page, a hundred thousand times."""
    return pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[" + b"3 0 R " * 100_000 + b"]/Count 100000>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>",
    )


def broken_font() -> bytes:
    font = b"<</Type/Font/Subtype/TrueType/BaseFont/X/FontDescriptor 6 0 R>>"
    descriptor = b"<</Type/FontDescriptor/FontName/X/FontFile2 7 0 R/Flags 4>>"
    return page_with(
        b"BT /F 40 Tf 100 400 Td (Hello) Tj ET",
        font,
        descriptor,
        stream(b"\0\1\0\0\xff\xff" + bytes(range(256)) * 20),
        resources=b"/Font<</F 5 0 R>>",
    )


def type3_that_draws_itself() -> bytes:
    font = (
        b"<</Type/Font/Subtype/Type3/FontBBox[0 0 9 9]/FontMatrix[1 0 0 1 0 0]/FirstChar 65/LastChar 65/Widths[9]"
        b"/Encoding<</Differences[65/A]>>/CharProcs<</A 6 0 R>>/Resources<</Font<</F 5 0 R>>>>>>"
    )
    glyph = stream(b"9 0 d0 BT /F 1 Tf (A) Tj (A) Tj ET")
    return page_with(b"BT /F 9 Tf (A) Tj ET", font, glyph, resources=b"/Font<</F 5 0 R>>")


def tiny_tiles() -> bytes:
    tile = stream(
        b"0 0 1 1 re f",
        b"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 1 1]/XStep .001/YStep .001/Resources<<>>",
    )
    return page_with(b"/Pattern cs /P scn 0 0 612 792 re f", tile, resources=b"/Pattern<</P 5 0 R>>")


def mask_of_itself() -> bytes:
    form = stream(
        b"/G gs 0 0 99 99 re f",
        b"/Type/XObject/Subtype/Form/BBox[0 0 99 99]/Group<</S/Transparency>>/Resources<</ExtGState<</G 6 0 R>>>>",
    )
    state = b"<</SMask<</S/Luminosity/G 5 0 R>>>>"
    return page_with(b"/G gs 0 0 99 99 re f", form, state, resources=b"/ExtGState<</G 6 0 R>>")


def shading_of_itself() -> bytes:
    function = stream(b"{ " + b"dup mul " * 5000 + b"}", b"/FunctionType 4/Domain[0 1]/Range[0 1]")
    shading = b"<</ShadingType 1/ColorSpace/DeviceGray/Function 6 0 R/Domain[0 1 0 1]>>"
    return page_with(b"/S sh", shading, function, resources=b"/Shading<</S 5 0 R>>")


def dynamic_xfa() -> bytes:
    return pdf(
        b"<</Type/Catalog/Pages 2 0 R/NeedsRendering true/AcroForm<</Fields[]/XFA 4 0 R>>>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>",
        stream(b"<xdp/>"),
    )


def with_lost_end(share: float) -> bytes:
    whole = letter(20)
    return whole[: int(len(whole) * share)]


def loops_in_the_table() -> bytes:
    whole = page_with(b"0 0 9 9 re f")
    start = whole.rindex(b"xref\n0")
    return whole.replace(b"/Root 1 0 R", b"/Root 1 0 R/Prev %d" % start)


def box(values: bytes) -> Make:
    return lambda: page_with(b"0 0 99 99 re f", box=values)


# --- pictures ---------------------------------------------------------------------------------------------------


def png(width: int, height: int, *chunks: tuple[bytes, bytes], depth: int = 1, colour: int = 0) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunk(*each) for each in chunks) + data + chunk(b"IEND", b"")


def jpeg_with_scans(number: int) -> bytes:
    """A progressive JPEG whose last scan stands there so many times."""
    whole = picture("JPEG", (400, 400))
    start = whole.index(b"\xff\xda")
    progressive = whole.replace(b"\xff\xc0", b"\xff\xc2", 1)
    scan_data = progressive[start:-2]
    return progressive[:start] + scan_data * number + b"\xff\xd9"


def jpeg_of(width: int, height: int) -> bytes:
    whole = picture("JPEG", (64, 64))
    at = whole.index(b"\xff\xc0") + 5
    return whole[:at] + struct.pack(">HH", height, width) + whole[at + 4 :]


def gif_of(width: int, height: int, frames: int) -> bytes:
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\x00"
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return head + frame * frames + b"\x3b"


def tiff(entries: list[tuple[int, int, int, int]], data: bytes = b"", following: int = 0) -> bytes:
    """One directory at offset 8; ``data`` stands behind it."""
    rows = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + rows + struct.pack("<I", following) + data


PLAIN = [(256, 4, 1, 64), (257, 4, 1, 64), (258, 3, 1, 1), (259, 3, 1, 1), (262, 3, 1, 1), (277, 3, 1, 1)]


def tiff_that_turns_round() -> bytes:
    return tiff([*PLAIN, (273, 4, 1, 8), (278, 4, 1, 64), (279, 4, 1, 512)], bytes(600), following=8)


def tiff_of(width: int, height: int, compression: int = 4) -> bytes:
    entries = [(256, 4, 1, width), (257, 4, 1, height), *PLAIN[2:3], (259, 3, 1, compression), *PLAIN[4:]]
    return tiff([*entries, (273, 4, 1, 150), (278, 4, 1, height), (279, 4, 1, 100)], bytes(400))


def tiff_with_tiles() -> bytes:
    tiles = [(322, 4, 1, 16), (323, 4, 1, 16), (324, 4, 1, 8), (325, 4, 1, 256)]
    return tiff([(256, 4, 1, 60_000), (257, 4, 1, 60_000), *PLAIN[2:], *tiles], bytes(600))


def tiff_with_strips() -> bytes:
    return tiff([*PLAIN, (273, 4, 2**31, 8), (278, 4, 1, 1), (279, 4, 2**31, 8)], bytes(600))


def bmp(width: int, height: int, compression: int = 0) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, compression, 0, 0, 0, 2, 0)
    return b"BM" + struct.pack("<IHHI", 100, 0, 0, 62) + info + bytes(8) + b"\xff\x00" * 200 + b"\0\1"


# --- text, HTML and Office --------------------------------------------------------------------------------------


def laughs(document: bytes) -> bytes:
    """Entities that grow tenfold nine times."""
    rows = [b'<!ENTITY e0 "lol">']
    rows += [b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 10)]
    return b'<?xml version="1.0"?><!DOCTYPE x [' + b"".join(rows) + b"]>" + document


def zipped(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


WORD = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
TYPES = (
    b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" '
    b'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override '
    b'PartName="/word/document.xml" ContentType="' + WORD + b'"/></Types>'
)
OFFICE = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
RELATIONS = (
    b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    b'Type="' + OFFICE + b'officeDocument" Target="word/document.xml"/></Relationships>'
)
DOCUMENT = b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>%s</w:body></w:document>'


def docx(body: bytes = b"<w:p><w:r><w:t>Hello</w:t></w:r></w:p>", **more: bytes) -> bytes:
    document = body if body.startswith(b"<?xml") else DOCUMENT % body
    return zipped({"[Content_Types].xml": TYPES, "_rels/.rels": RELATIONS, "word/document.xml": document} | more)


def ole(content: bytes) -> bytes:
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 62, 3, 0xFFFE, 9, 6) + bytes(10)
    head += struct.pack("<IIIIIIIII", 1, 1, 0, 4096, 0, 0, 0, 0, 0) + bytes(4) * 107
    return head.ljust(512, b"\0") + bytes(512) + "WordDocument".encode("utf-16-le") + content


def html(body: str) -> Make:
    return lambda: f"<html><body>{body}</body></html>".encode()


KINDS: dict[str, tuple[str, Make]] = {
    "pdf without its last third": ("a.pdf", lambda: with_lost_end(2 / 3)),
    "pdf without its last two thirds": ("a.pdf", lambda: with_lost_end(1 / 3)),
    "pdf of nothing but noise": ("a.pdf", lambda: b"%PDF-1.7\n" + bytes(range(256)) * 50),
    "pdf flate bomb": ("a.pdf", flate_bomb),
    "pdf forms that double": ("a.pdf", forms_that_double),
    "pdf jbig2 of 60,000 squared": ("a.pdf", jbig2_of_60000),
    "pdf jpx of 60,000 squared": ("a.pdf", jpx_of_60000),
    "pdf raw image of 65,000 squared": (
        "a.pdf",
        lambda: image_of(b"/Width 65000/Height 65000/ColorSpace/DeviceRGB/BitsPerComponent 8"),
    ),
    "pdf ccitt of 60,000 squared": (
        "a.pdf",
        lambda: image_of(
            b"/Width 60000/Height 60000/ColorSpace/DeviceGray/BitsPerComponent 1/Filter/CCITTFaxDecode"
            b"/DecodeParms<</K -1/Columns 60000/Rows 60000>>"
        ),
    ),
    "pdf filters a hundred deep": ("a.pdf", lambda: image_of(b"/Width 9/Height 9/Filter[" + b"/AHx" * 100 + b"]")),
    "pdf tree 5,000 deep": ("a.pdf", lambda: tree_of_kids(5000)),
    "pdf form that turns round": ("a.pdf", form_whose_kids_turn_round),
    "pdf 50,000 annotations": ("a.pdf", many_annotations),
    "pdf 100,000 pages": ("a.pdf", many_pages),
    "pdf with a broken font": ("a.pdf", broken_font),
    "pdf type 3 that draws itself": ("a.pdf", type3_that_draws_itself),
    "pdf tiny tiles": ("a.pdf", tiny_tiles),
    "pdf mask of itself": ("a.pdf", mask_of_itself),
    "pdf shading of 5,000 steps": ("a.pdf", shading_of_itself),
    "pdf dynamic form": ("a.pdf", dynamic_xfa),
    "pdf table that turns round": ("a.pdf", loops_in_the_table),
    "pdf million q": ("a.pdf", lambda: page_with(b"q " * 1_000_000)),
    "pdf page of 10^9 points": ("a.pdf", box(b"0 0 1000000000 1000000000")),
    "pdf page of no size": ("a.pdf", box(b"0 0 0 0")),
    "pdf page 1 point high": ("a.pdf", box(b"0 0 14400 1")),
    "pdf page upside down": ("a.pdf", box(b"612 792 0 0")),
    "pdf page with no numbers": ("a.pdf", box(b"/a /b (c) null")),
    "pdf page of infinite size": ("a.pdf", box(b"0 0 99999999999999999999999999 1e400")),
    "pdf that opens a program": (
        "a.pdf",
        lambda: page_with(b"0 0 9 9 re f").replace(b"/Catalog", b"/Catalog/OpenAction<</S/Launch/F(/bin/sh)>>"),
    ),
    "png of 30,000 squared": ("a.png", lambda: png(30_000, 30_000)),
    "png of 2^31": ("a.png", lambda: png(2**31 - 1, 2**31 - 1)),
    "png with a profile bomb": (
        "a.png",
        lambda: png(100, 100, (b"iCCP", b"x\0\0" + zlib.compress(bytes(200_000_000), 9))),
    ),
    "png with a text bomb": (
        "a.png",
        lambda: png(100, 100, *[(b"zTXt", b"x\0\0" + zlib.compress(bytes(60_000_000), 9))] * 20),
    ),
    "png of half": ("a.png", lambda: picture("PNG", (2000, 2000))[:900]),
    "jpeg of half": ("a.jpg", lambda: picture("JPEG", (2000, 2000))[:9000]),
    "jpeg of 65,500 squared": ("a.jpg", lambda: jpeg_of(65_500, 65_500)),
    "jpeg of 1,000 scans": ("a.jpg", lambda: jpeg_with_scans(1000)),
    "jpeg of no size": ("a.jpg", lambda: jpeg_of(0, 0)),
    "gif of 65,535 squared": ("a.gif", lambda: gif_of(65_535, 65_535, 1)),
    "gif of 50,000 frames": ("a.gif", lambda: gif_of(50, 50, 50_000)),
    "tiff that turns round": ("a.tif", tiff_that_turns_round),
    "tiff g4 of 60,000 squared": ("a.tif", lambda: tiff_of(60_000, 60_000)),
    "tiff g4 of 1728 x 10^6": ("a.tif", lambda: tiff_of(1728, 1_000_000)),
    "tiff lzw of noise": ("a.tif", lambda: tiff_of(1728, 2000, compression=5)),
    "tiff unknown compression": ("a.tif", lambda: tiff_of(1728, 2000, compression=34_661)),
    "tiff with lying tiles": ("a.tif", tiff_with_tiles),
    "tiff of 2^31 strips": ("a.tif", tiff_with_strips),
    "tiff of half": ("a.tif", lambda: scan(2)[:600]),
    "tiff of 500 pages": ("a.tif", lambda: scan(500, size=(64, 64))),
    "bmp of 2^31": ("a.bmp", lambda: bmp(2**31 - 1, 2**31 - 1)),
    "bmp upside down": ("a.bmp", lambda: bmp(100, -100)),
    "bmp rle bomb": ("a.bmp", lambda: bmp(60_000, 60_000, compression=1)),
    "html of 100,000 divs": ("a.html", html("<div>" * 100_000 + "Hello")),
    "html of 1,000 tables in each other": ("a.html", html("<table><tr><td>" * 1000 + "Hello")),
    "html table of 10^6 cells": ("a.html", html("<table>" + ("<tr>" + "<td>1" * 1000) * 1000)),
    "html colspan of 10^9": ("a.html", html('<table><tr><td colspan="1000000000" rowspan="1000000000">Hello')),
    "html word of 10^6": ("a.html", html("w" * 1_000_000)),
    "html list from 10^18": ("a.html", html('<ol start="1000000000000000000"><li>Hello')),
    "html letters of 10^6 points": ("a.html", html('<p style="font-size:1000000pt">Hello')),
    "html 10^9 points wide": ("a.html", html('<div style="width:1000000000pt;height:1000000000pt">Hello')),
    "html page breaks without end": ("a.html", html('<p style="break-after:page">x</p>' * 20_000)),
    "html variables that grow": (
        "a.html",
        html(
            "<style>p{--a0:lollollol;"
            + "".join(f"--a{n}:{f'var(--a{n - 1})' * 10};" for n in range(1, 12))
            + "} p::before{content:var(--a11)}</style><p>Hello"
        ),
    ),
    "html picture of 60,000 squared": (
        "a.html",
        html('<img width="60000" height="60000" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">Hello'),
    ),
    "svg that uses itself": (
        "a.html",
        html('<svg width="99" height="99"><g id="a"><use href="#a"/><use href="#a"/></g></svg>Hello'),
    ),
    "svg that grows": (
        "a.html",
        html(
            '<svg width="9" height="9"><rect id="a0" width="9" height="9"/>'
            + "".join(f'<g id="a{n}">{f"<use href=#a{n - 1} />" * 10}</g>' for n in range(1, 10))
            + "</svg>Hello"
        ),
    ),
    "text of 5 MB": ("a.txt", lambda: b"word " * 1_000_000),
    "text of combining marks": ("a.txt", lambda: ("e" + "\u0301" * 10_000).encode() * 20),
    "text of one line": ("a.txt", lambda: b"x" * 3_000_000),
    "text of turns": ("a.txt", lambda: "\u202ea\u2066b".encode() * 20_000),
    "text of every character": ("a.txt", lambda: "".join(map(chr, [*range(32, 0xD800)])).encode()),
    "xml that laughs": ("a.xml", lambda: laughs(b"<x>&e9;</x>")),
    "docx that laughs": ("a.docx", lambda: docx(laughs(DOCUMENT % b"<w:p><w:r><w:t>&e9;</w:t></w:r></w:p>"))),
    "docx zip bomb": ("a.docx", lambda: docx(b"<w:p><w:r><w:t>" + b"x" * 300_000_000 + b"</w:t></w:r></w:p>")),
    "docx of 20,000 pages": (
        "a.docx",
        lambda: docx(b'<w:p><w:r><w:t>x</w:t><w:br w:type="page"/></w:r></w:p>' * 20_000),
    ),
    "docx 3,000 tables deep": ("a.docx", lambda: docx(b"<w:tbl><w:tr><w:tc>" * 3000)),
    "docx with its template elsewhere": (
        "a.docx",
        lambda: docx(
            **{
                "word/_rels/settings.xml.rels": b'<Relationships><Relationship Id="r1" Type="'
                + OFFICE
                + b'attachedTemplate" Target="http://127.0.0.1:9/x.dotm" TargetMode="External"/></Relationships>'
            }
        ),
    ),
    "docx whose names climb": ("a.docx", lambda: docx(**{"../../../../tmp/mailfax-climbed": b"x"})),
    "old word of noise": ("a.doc", lambda: ole(bytes(range(256)) * 200)),
    "rtf 100,000 deep": ("a.rtf", lambda: b"{\\rtf1 " + b"{" * 100_000),
    "rtf with lying length": ("a.rtf", lambda: b"{\\rtf1 Hello \\bin2147483647 x}"),
    "postscript without end": ("a.ps", lambda: b"%!PS-Adobe-3.0\n{} loop\n"),
    "postscript that reads files": ("a.ps", lambda: b"%!PS-Adobe-3.0\n(/etc/passwd)(r) file 999 string readstring\n"),
    "zip that is nothing": ("a.docx", lambda: zipped({"a": b"x"})),
    "tnef with lying length": (
        "winmail.dat",
        lambda: b"\x78\x9f\x3e\x22\x01\x00" + b"\x02\x0f\x80\x06\0\xff\xff\xff\x7f" * 9,
    ),
    "pcl of noise": ("a.pcl", lambda: b"\x1bE" + bytes(range(256)) * 40),
}


# --- whole mails ------------------------------------------------------------------------------------------------


def nested(levels: int) -> bytes:
    head = b"Subject: x\nMIME-Version: 1.0\n"
    return head + b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(levels))


def forwarded(levels: int) -> bytes:
    return b"Content-Type: message/rfc822\n\n" * levels + b"Subject: x\n\nHello"


def forwarded_in_base64(levels: int) -> bytes:
    import base64

    mail = b"Subject: x\n\nHello"
    for _ in range(levels):
        mail = b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(mail)
    return mail


MAILS: dict[str, Make] = {
    "10,000 levels": lambda: nested(10_000),
    "100 levels": lambda: nested(100),
    "100,000 parts": lambda: b"Content-Type: multipart/mixed; boundary=B\n\n" + b"--B\n\nx\n" * 100_000 + b"--B--\n",
    "1,000 mails in each other": lambda: forwarded(1000),
    "25 mails in base64 in each other": lambda: forwarded_in_base64(25),
    "a heading of 5 MB": lambda: b"Subject: " + b"x" * 5_000_000 + b"\n\nHello",
    "100,000 fields": lambda: b"X-A: b\n" * 100_000 + b"\nHello",
    "10,000 brackets": lambda: b"To: " + b"(" * 10_000 + b"\nSubject: x\n\nHello",
    "a boundary of 70 KB": lambda: b"Content-Type: multipart/mixed; boundary=" + b"B" * 70_000 + b"\n\nHello",
    "10,000 encoded words": lambda: b"Subject: " + b"=?utf-8?q?=C3=A4?= " * 10_000 + b"\n\nHello",
    "a charset that is a codec": lambda: b"Content-Type: text/plain; charset=zlib_codec\n\nHello",
    "10,000 parameters": lambda: b"Content-Type: text/plain" + b"; a*0*=x" * 10_000 + b"\n\nHello",
    "zeros": lambda: b"\0" * 1_000_000,
    "nothing": lambda: b"",
    "uuencode without end": lambda: (
        b"Subject: x\n\nbegin 644 a.pdf\n" + b"M" + b"A" * 60 + b"\n" * 3 + b"MAAAA\n" * 50_000
    ),
    "base64 of noise": lambda: b"Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n" + b"!?*" * 100_000,
    "one byte of base64": lambda: b"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\nJ",
    "lines of one byte": lambda: b"Subject: x\n\n" + b"x\n" * 1_000_000,
}
