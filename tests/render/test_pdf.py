"""A PDF's page on the fax is what every viewer shows; a damaged file is refused; nothing is lost unnamed.

Judges: pdfium's picture of the file as it came, poppler's text, tesseract's reading of the page.
"""

from __future__ import annotations

import base64
import io
import os
import random
import re
import subprocess
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
from pikepdf import Array, Dictionary, Name, Stream
from PIL import Image

from mailfax.render.compare import Place, looks, opened, same
from mailfax.render.pdf import Document
from mailfax.render.readback import lost_characters
from mailfax.render.received import count_pages
from mailfax.rules.submission import NotFaxable
from tests.render.conftest import Render
from tests.render.paper import letter, text_of
from tests.render.samples import (
    LETTER,
    STAMPED,
    WORDS,
    appearance,
    boxed,
    doubling,
    field,
    form,
    layers,
    lines,
    note,
    packed,
    page,
    photo,
    picture_of,
    raw_picture,
    saved,
    text_only,
    with_picture,
)  # fmt: skip
from tests.support.documents import tiff

CASES = Path(__file__).parent / "cases"
A4 = (595.28, 841.89)


def faxed(content: bytes, paper: str = "letter") -> tuple[bytes, list[str]]:
    """The document of one file, and what was left out of it."""
    document = Document(paper, 30)
    left_out = document.add(content, "file.pdf")
    return document.save(), left_out


def is_picture(content: bytes, number: int = 0) -> bool:
    """Whether a page became a picture of itself: it has no letters any more."""
    with opened(content) as pdf:
        return pdf[number].get_textpage().count_chars() == 0


def read(content: bytes, tmp_path: Path) -> str:
    """What tesseract reads on the first page, as poppler draws it."""
    file = tmp_path / "fax.pdf"
    file.write_bytes(content)
    subprocess.run(["pdftoppm", "-r", "200", "-gray", "-singlefile", "-png", file, tmp_path / "fax"], check=True)
    one_thread = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    command = ["tesseract", tmp_path / "fax.png", "-", "--psm", "6"]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=one_thread).stdout


def checkbox(*, drawn: bool) -> pikepdf.Pdf:
    pdf = form()
    box = (0, 0, 20, 20)
    made = Dictionary(
        Type=Name.Annot, Subtype=Name.Widget, FT=Name.Btn, T="c", V=Name.Yes, AS=Name.Yes,
        Rect=Array([180, 670, 200, 690]), F=4, MK=Dictionary(CA="4"), DA="/ZaDb 0 Tf 0 g",
    )  # fmt: skip
    if drawn:
        crossed = appearance(pdf, b"2 w 2 2 16 16 re S 4 4 m 16 16 l S 4 16 m 16 4 l S", box)
        made.AP = Dictionary(N=Dictionary(Yes=crossed, Off=appearance(pdf, b"2 2 16 16 re S", box)))
    pdf.pages[0].obj.Annots = pdf.Root.AcroForm.Fields = Array([pdf.make_indirect(made)])
    return pdf


def marked(kind: str, **keys: object) -> bytes:
    """A page with an annotation that has no appearance of its own."""
    return saved(
        note(
            page(), kind, Contents="A note 99", C=Array([1, 0, 0]), DA="/F1 12 Tf 0 g",
            QuadPoints=Array([180, 530, 450, 530, 180, 500, 450, 500]), L=Array([180, 500, 450, 530]),
            InkList=Array([Array([180, 500, 300, 530, 450, 500])]), Vertices=Array([180, 500, 300, 530, 450, 500]),
            **keys,
        )
    )  # fmt: skip


def stamped(flags: int) -> bytes:
    return saved(note(page(), "Stamp", drawn=STAMPED, flags=flags))


def in_ascii() -> bytes:
    """Pictures and operators as old programs pack them: nothing but text."""
    pdf = page()
    resources = pdf.pages[0].obj.Resources
    resources.XObject = Dictionary()
    grey = photo().convert("L")
    for name, data, codes in (
        ("/Im0", picture_of(pdf, grey).read_raw_bytes(), [Name.ASCII85Decode, Name.DCTDecode]),
        ("/Im1", packed(grey.tobytes()), [Name.ASCII85Decode, Name.FlateDecode]),
    ):
        image = raw_picture(pdf, base64.a85encode(data) + b"~>", 600, 400, Array(codes))
        resources.XObject[name] = pdf.make_indirect(image)
    drawn = pdf.pages[0].obj.Contents.read_bytes()
    drawn += b"q 200 0 0 150 72 400 cm /Im0 Do Q q 200 0 0 150 72 200 cm /Im1 Do Q"
    pdf.pages[0].obj.Contents = Stream(pdf, drawn.hex().encode() + b">", Filter=Name.ASCIIHexDecode)
    return saved(pdf, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)


def listed(flags: int = 0, rect: tuple[float, ...] = (180, 670, 450, 700)) -> bytes:
    return saved(form(field("Second", rect, FT=Name.Ch, Ff=flags, Opt=Array(["First", "Second"]))))


def without_resources(pdf: pikepdf.Pdf) -> None:
    del pdf.pages[0].obj["/Resources"]


def changed(change: Callable[[pikepdf.Pdf], None], pdf: pikepdf.Pdf | None = None) -> bytes:
    pdf = pdf or page()
    change(pdf)
    return saved(pdf)


def shared_resources() -> bytes:
    """Two pages with one dictionary of resources; each shows one of its pictures."""
    pdf = with_picture(picture_of(page_pdf := page(), photo()), page_pdf)
    first = pdf.pages[0].obj
    first.Resources.XObject.Im1 = pdf.make_indirect(picture_of(pdf, photo(words="OTHER 99")))
    first.Resources = pdf.make_indirect(first.Resources)
    second = pdf.add_blank_page(page_size=LETTER)
    second.obj.Resources = first.Resources
    second.obj.Contents = Stream(pdf, b"q 300 0 0 200 72 100 cm /Im1 Do Q")
    return saved(pdf)


def inherited() -> bytes:
    """Boxes, rotation and resources that only the tree of pages has."""
    pdf = boxed(90)
    for key in ("/MediaBox", "/Resources", "/Rotate"):
        pdf.Root.Pages[key] = pdf.pages[0].obj[key]
        del pdf.pages[0].obj[key]
    return saved(pdf)


def transparent() -> bytes:
    """A soft mask, a blend mode and a transparency group."""
    pdf = with_picture(picture_of(first := page(), photo()), first)
    resources = pdf.pages[0].obj.Resources
    mask = Image.linear_gradient("L").resize((600, 400))
    resources.XObject.Im0.SMask = pdf.make_indirect(picture_of(pdf, mask))
    resources.ExtGState = Dictionary(G0=Dictionary(BM=Name.Multiply, ca=0.5))
    pdf.pages[0].obj.Group = Dictionary(S=Name.Transparency, CS=Name.DeviceRGB, K=True)
    return changed(lambda pdf: None, pdf)


def attachments_only() -> bytes:
    """Encrypted with AES, but only what is embedded: streams and strings have the filter Identity."""
    plain = saved(page(), object_stream_mode=pikepdf.ObjectStreamMode.disable)
    crypt = (
        b"/Encrypt << /Filter /Standard /V 4 /R 4 /Length 128 /P -1 /O <%b> /U <%b> /StmF /Identity /StrF /Identity"
        b" /EFF /StdCF /CF << /StdCF << /CFM /AESV2 /AuthEvent /EFOpen /Length 16 >> >> >>"
    ) % (b"41" * 32, b"42" * 32)
    return plain.replace(b"trailer <<", b"trailer << " + crypt)


def linearized() -> bytes:
    return saved(with_picture(picture_of(first := page(), photo()), first), linearize=True)


def newer() -> bytes:
    return saved(page(), min_version="2.0", object_stream_mode=pikepdf.ObjectStreamMode.generate)


def updated() -> bytes:
    """With an incremental update that changes the words."""
    plain = saved(page(), object_stream_mode=pikepdf.ObjectStreamMode.disable)
    number = re.search(rb"/Contents (\d+) 0 R", plain)
    assert number
    start, size = plain.rindex(b"startxref"), re.search(rb"/Size (\d+)", plain)
    assert size
    words = lines("Changed words 4711")
    body = b"%b 0 obj\n<< /Length %d >>\nstream\n%b\nendstream\nendobj\n" % (number[1], len(words), words)
    at = len(plain)
    root = re.search(rb"/Root (\d+) 0 R", plain)
    assert root
    old = plain[start:].split()[1]
    return plain + body + (
        b"xref\n%b 1\n%010d 00000 n \ntrailer << /Size %b /Root %b 0 R /Prev %b >>\nstartxref\n%d\n%%%%EOF\n"
        % (number[1], at, size[1], root[1], old, at + len(body))
    )  # fmt: skip


#: kind -> the file. Each has to be on the fax as pdfium shows the file that came.
KINDS: dict[str, Callable[[], bytes]] = {
    "form, no flag, no appearance": lambda: saved(form(field("Jane Q. Sample"))),
    "form, flag false": lambda: saved(form(field("Jane Q. Sample"), flag=False)),
    "form, flag true": lambda: saved(form(field("Jane Q. Sample"), flag=True)),
    "form, several lines": lambda: saved(form(field("first\nsecond line goes on", (72, 500, 300, 650), Ff=4096))),
    "form, comb": lambda: saved(form(field("47110815", Ff=1 << 24, MaxLen=10))),
    "form, at the right": lambda: saved(form(field("right", Q=2), flag=True)),
    "form, drop-down list": lambda: listed(1 << 17),
    "form, list": lambda: listed(0, (180, 600, 450, 700)),
    "form, checkbox": lambda: saved(checkbox(drawn=True)),
    "form, checkbox without appearance": lambda: saved(checkbox(drawn=False)),
    "note, highlight": lambda: marked("Highlight"),
    "note, ink": lambda: marked("Ink"),
    "note, square": lambda: marked("Square"),
    "note, underline": lambda: marked("Underline"),
    "note, sticky": lambda: marked("Text"),
    "note, free text": lambda: marked("FreeText"),
    "note, link": lambda: marked("Link"),
    "note, stamp": lambda: stamped(4),
    "note, stamp not printed": lambda: stamped(0),
    "note, stamp hidden": lambda: stamped(2),
    "note, stamp not viewed": lambda: stamped(32 + 4),
    "layer off": lambda: saved(layers()),
    "layer on": lambda: saved(layers(off=False)),
    "layer off by default": lambda: saved(layers(base="OFF")),
    "layer of a form off": lambda: saved(layers(inside=True)),
    **{f"rotated {turn}": (lambda turn=turn: saved(boxed(turn))) for turn in (0, 90, 180, 270, -90, 450, 45)},
    **{f"rotated {turn}, A4": (lambda turn=turn: saved(boxed(turn, A4))) for turn in (0, 90, 180, 270)},
    **{f"rotated {turn}, A3 wide": (lambda turn=turn: saved(boxed(turn, (1191, 842)))) for turn in (0, 90, 180, 270)},
    "small page": lambda: saved(boxed(0, (300, 200))),
    "crop box beyond": lambda: saved(boxed(CropBox=Array([-5000, -5000, 9000, 9000]))),
    "crop box within": lambda: saved(boxed(CropBox=Array([0, 400, 400, 792]))),
    "crop box empty": lambda: saved(boxed(CropBox=Array([5, 5, 5, 5]))),
    "crop box apart": lambda: saved(boxed(CropBox=Array([1000, 1000, 1200, 1300]))),
    "media box inverted": lambda: saved(boxed(MediaBox=Array([612, 792, 0, 0]))),
    "media box empty": lambda: saved(boxed(MediaBox=Array([0, 0, 0, 0]))),
    "media box not at 0": lambda: saved(boxed(MediaBox=Array([-100, -50, 512, 742]))),
    "unit of 2": lambda: saved(boxed(0, (306, 396), UserUnit=2)),
    "unit of 0": lambda: saved(boxed(UserUnit=0)),
    "inherited": inherited,
    "transparent": transparent,
    "JPEG": linearized,
    "pattern": lambda: patterned(),
    "shading": lambda: shaded(3),
    "PDF 2.0, object streams": newer,
    "incremental update": updated,
    "owner password": lambda: saved(page(), encryption=pikepdf.Encryption(owner="secret", user="")),
    "attachments encrypted": attachments_only,
    "junk before": lambda: b"\r\nHTTP/1.1 200 OK\r\n\r\n" + saved(page()),
    "junk behind": lambda: saved(page()) + b"\r\n--boundary--\r\n" + bytes(3000),
    "end twice": lambda: saved(page()) + b"%%EOF\n%%EOF\n",
    "wrong number of objects": lambda: re.sub(rb"/Size \d+", b"/Size 99", _plain()),
    "startxref 0": lambda: re.sub(rb"startxref\s+\d+", b"startxref\n0", _plain()),
    "offsets wrong": lambda: _plain().replace(b"xref\n0 ", b"xref\n1 "),
    "no resources": lambda: changed(without_resources, page(b"20 20 90 90 re f")),
    "pictures and words as text": in_ascii,
    "LF became CRLF": lambda: text_only().replace(b"\n", b"\r\n"),
    "wrong length of a stream": lambda: re.sub(rb"/Length \d+", b"/Length 7", text_only(1)),
    "static XFA": lambda: static_xfa(),
    "signed": lambda: signed(),
    "CR was stripped": lambda: text_only().replace(b" \n", b"\n"),
    "table off by one": lambda: _plain().replace(b"xref\n0 6", b"xref\n1 6"),
    "form field that is none": lambda: changed(lambda pdf: pdf.Root.__setitem__("/AcroForm", Dictionary(Fields=3))),
}  # fmt: skip


def _plain() -> bytes:
    return saved(page(), object_stream_mode=pikepdf.ObjectStreamMode.disable)


#: pdfium can't open these as they came; they are judged by what they were made of.
MENDED = {"attachments encrypted": lambda: saved(page()), "crop box apart": lambda: saved(boxed())}


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_is_what_viewers_show(kind: str) -> None:
    content = KINDS[kind]()
    made, _ = faxed(content)
    source = MENDED.get(kind, lambda: content)()
    with opened(source) as before, opened(made) as after:
        assert len(before) == len(after)
        for number, page_before in enumerate(before):
            width, height = page_before.get_size()
            unit = 2.0 if kind == "unit of 2" else 1.0
            width, height = width * unit, height * unit
            turns = int(width > height * 1.05 and width > 612)
            if turns:
                width, height = height, width
            scale = min(1.0, 612 / width, 792 / height)
            canvas = after[number].get_size()
            across, up = width * scale, height * scale
            place = Place(canvas, (canvas[0] - across) / 2, (canvas[1] - up) / 2, across, up, turns)
            seen = looks(page_before, place)
            assert seen.getextrema()[0] < 100, "the sample shows something"  # type: ignore[operator]
            # Looked at as finely as a painted page is: what is compared here is not what the code compares.
            assert same(looks(page_before, place, 300), looks(after[number], Place(canvas, 0, 0, *canvas), 300))


WORDS_ON_PAGE = {
    "form, no flag, no appearance": ("Jane Q. Sample", ""),
    "form, several lines": ("second line goes on", ""),
    "form, at the right": ("right", ""),
    "note, stamp": ("STAMPED 27", ""),
    "note, stamp hidden": (WORDS, "STAMPED"),
    "note, stamp not viewed": (WORDS, "STAMPED"),
    "layer off": (WORDS, "INTERNAL"),
    "layer of a form off": (WORDS, "INTERNAL"),
    "layer on": ("INTERNAL ONLY", ""),
    "incremental update": ("Changed words 4711", "815"),
    "LF became CRLF": ("Page 1 of the text", ""),
}


@pytest.mark.needs("tesseract", "pdftoppm")
@pytest.mark.parametrize("kind", WORDS_ON_PAGE)
def test_the_words_can_be_read(kind: str, tmp_path: Path) -> None:
    has, never = WORDS_ON_PAGE[kind]
    text = read(faxed(KINDS[kind]())[0], tmp_path)
    assert has in text
    assert not never or never not in text


@pytest.mark.needs("tesseract", "pdftoppm")
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("case", "has", "never"),
    [
        ("form-no-flag", ["Jane Q. Sample"], ""),
        ("pdf-objects-number-warning", [WORDS, "Total 815.00 Euro until Friday"], ""),
        ("pdf-layer-off", [WORDS, "Total 815.00 Euro until Friday"], "INTERNAL"),
    ],
)
async def test_mails_that_came_out_wrong(
    render: Render, tmp_path: Path, case: str, has: list[str], never: str
) -> None:
    made = await render((CASES / f"{case}.eml").read_bytes())
    text = read(made.content.read_bytes(), tmp_path)
    assert all(words in text for words in has)
    assert not never or never not in text


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        ("مرحبا 27", {}),
        ("שלום", {"Q": 2}),
        ("नमस्ते", {"DA": "/F1 0 Tf 0 g"}),
        ("שלום עולם " * 20, {"Ff": 1 << 12}),
        ("שלום עולם " * 6, {}),
    ],
)
@pytest.mark.parametrize("anew", [True, False])
def test_a_field_that_the_viewer_can_not_write_is_written(words: str, keys: dict[str, Any], anew: bool) -> None:
    """Its letters are joined and run from right to left; a field beside it is written by the viewer as ever."""
    plain = field("Jane Doe", (180, 600, 450, 630), T="other")
    made, left_out = faxed(saved(form(field(words, **keys), plain, flag=anew)))
    assert left_out == []
    assert not lost_characters(f"{words} Jane Doe", made)
    with opened(made) as shown:
        look = looks(shown[0], Place(LETTER, 0, 0, *LETTER))
        scale = look.height / 792
        inside = look.crop((int(180 * scale), int(90 * scale), int(450 * scale), int(124 * scale)))
        assert min(inside.tobytes()) < 128
        # Nothing beside the field.
        around = look.crop((0, 0, int(178 * scale), look.height))
        assert min(around.crop((0, 0, int(60 * scale), around.height)).tobytes()) > 200


@pytest.mark.parametrize("words", ["Привет 4711", "Łódź 4711", "東京都 4711", "서울 4711"])
def test_a_field_in_another_writing_is_drawn(words: str) -> None:
    """By the viewer, where the machine has fonts for it, else with ours."""
    made, left_out = faxed(saved(form(field(words))))
    assert left_out == [] and not lost_characters(words, made)
    with opened(made) as after:
        seen = looks(after[0], Place(LETTER, 0, 0, *LETTER))
        # Five blanks and figures have less ink than as many letters.
        assert sum(seen.crop((120, 50, 300, 85)).histogram()[:160]) > 20


@pytest.mark.parametrize(
    ("kind", "picture"),
    [
        ("form, no flag, no appearance", False),
        ("layer off", True),
        ("layer on", False),
        ("note, stamp", False),
        ("rotated 90, A4", False),
        ("JPEG", False),
        ("LF became CRLF", False),
        ("wrong number of objects", False),
    ],
)
def test_only_what_copying_would_lose_becomes_a_picture(kind: str, picture: bool) -> None:
    made, _ = faxed(KINDS[kind]())
    assert is_picture(made) is picture
    assert len(made) < 60_000


@pytest.mark.parametrize("value", ["Jane Q. Sample", "Preis 20 € für Größe", "Καλημέρα κόσμε", "Договор пять – “ő”"])
def test_what_was_filled_in_stays_text(value: str) -> None:
    """Also where no appearance says how it looks: programs can read it, and the fax is crisp."""
    made, _ = faxed(saved(form(field(value))))
    assert not is_picture(made)
    with pypdfium2.PdfDocument(made) as shown:
        assert value in shown[0].get_textpage().get_text_bounded()


def test_pages_with_one_dictionary_of_resources_keep_their_pictures() -> None:
    made, _ = faxed(shared_resources())
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert [sorted(page.resources.XObject.keys()) for page in pdf.pages] == [["/Im0", "/Im1"]] * 2


# --- what is not whole -------------------------------------------------------------------------------------------


def cut(content: bytes, share: float) -> bytes:
    return content[: int(len(content) * share)]


def picture_data(change: Callable[[bytes], bytes], form: str = "JPEG") -> bytes:
    """A page with a photograph whose data are changed."""
    pdf = page()
    image = photo().convert("L")
    if form == "JPEG":
        stream = picture_of(pdf, image)
        data, name = stream.read_raw_bytes(), Name.DCTDecode
    else:
        data, name = packed(image.tobytes()), Name.FlateDecode
    return saved(with_picture(raw_picture(pdf, change(data), 600, 400, name), pdf))


def huge(name: Name, data: bytes, **keys: object) -> bytes:
    pdf = page()
    return saved(with_picture(raw_picture(pdf, data, 100, 100, name, **keys), pdf))


def jbig2(width: int, height: int) -> bytes:
    return b"\0\0\0\0\x30\0\x01\0\0\0\x13" + width.to_bytes(4) + height.to_bytes(4) + bytes(11)


def jpx(width: int, height: int) -> bytes:
    return b"\xff\x4f\xff\x51\0\x2f\0\0" + width.to_bytes(4) + height.to_bytes(4) + bytes(40) + b"\xff\xd9"


def without_object(content: bytes, what: bytes) -> bytes:
    """The file without the object that has ``what`` in it, as a damaged block on a disk leaves it."""
    found = next(match for match in re.finditer(rb"\d+ 0 obj.*?endobj\n", content, re.DOTALL) if what in match[0])
    return content[: found.start()] + b" " * (found.end() - found.start()) + content[found.end() :]


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "cut in the middle": (lambda: cut(letter(5), 0.5), "damaged"),
    "cut near the end": (lambda: cut(letter(5), 0.95), "damaged"),
    "linearized, cut": (lambda: cut(linearized(), 0.6), "damaged"),
    "incremental update, cut": (lambda: updated()[:-120], "its end is missing"),
    "text, cut": (lambda: cut(text_only(), 0.7), "damaged"),
    "binary, LF became CRLF": (lambda: letter(2).replace(b"\n", b"\r\n"), "damaged"),
    "font object gone": (lambda: without_object(_plain(), b"/Helvetica"), "missing or broken"),
    "operators gone": (lambda: without_object(_plain(), b"stream"), "missing or broken"),
    "page gone": (
        lambda: without_object(text_only(), b"/Type /Page\n") if False else _page_gone(),
        "missing or broken",
    ),
    "JPEG cut": (lambda: picture_data(lambda data: data[: len(data) // 2]), "a picture in it is cut off"),
    "deflated picture cut": (lambda: picture_data(lambda data: data[: len(data) // 2], "PNG"), "can't be unpacked"),
    "deflated picture short": (lambda: picture_data(lambda data: packed(bytes(600 * 200)), "PNG"), "cut off"),
    "check sum wrong": (lambda: picture_data(lambda data: data[:-4] + b"abcd", "PNG"), "can't be unpacked"),
    "portfolio": (lambda: changed(lambda pdf: pdf.Root.__setitem__("/Collection", Dictionary())), "portfolio"),
    "dynamic form": (lambda: _dynamic(), "dynamic form"),
    "form, Hebrew password": (lambda: saved(form(field("שלום", Ff=1 << 13))), "can't be drawn here (Hebrew)"),
    "form, Arabic list": (lambda: saved(form(field("مرحبا", FT=Name.Ch))), "can't be drawn here (Arabic)"),
    "form, Hebrew on its side": (
        lambda: saved(form(field("שלום", MK=Dictionary(R=90)))),
        "can't be drawn here (Hebrew)",
    ),
    "form, hieroglyphs": (lambda: saved(form(field("\U00013000"))), "can't be drawn here (Egyptian)"),
    "user password": (lambda: saved(page(), encryption=pikepdf.Encryption(owner="o", user="u")), "encrypted"),
    "no pages": (lambda: saved(pikepdf.new()), "it has no pages"),
    "page of 352 kilometres": (lambda: saved(boxed(MediaBox=Array([0, 0, 10**9, 10**9]))), "metres long"),
    "JBIG2 of 60,000 x 60,000": (lambda: huge(Name.JBIG2Decode, jbig2(60_000, 60_000)), "million dots"),
    "JPX of 60,000 x 60,000": (lambda: huge(Name.JPXDecode, jpx(60_000, 60_000)), "million dots"),
    "CCITT of 60,000 x 60,000": (
        lambda: huge(Name.CCITTFaxDecode, b"\0", DecodeParms=Dictionary(Columns=60_000, Rows=60_000)),
        "million dots",
    ),
    "inline picture of 60,000 x 60,000": (
        lambda: saved(page(b"BI /W 60000 /H 60000 /BPC 1 /CS /G /F /Fl ID x EI")),
        "million dots",
    ),
    "Flate bomb": (lambda: _bomb(), "unpacks to more than"),
    "JPEG of 1000 scans": (lambda: picture_data(lambda data: data[:-2] + b"\xff\xda" * 1000 + data[-2:]), "scans"),
    "pattern over itself": (lambda: patterned((0, 0, 5000, 5000)), "lies over itself"),
    "shading by a long program": (lambda: shaded(2000), "too long"),
    "3000 pages": (lambda: many_pages(3000), "can have 30 at most"),
    "forms in forms in forms": (lambda: nested_forms(5000), "can't be read"),
    "forms that double": (lambda: saved(doubling(40)), "repeats its forms"),
}


def patterned(box: tuple[float, ...] = (0, 0, 6, 6)) -> bytes:
    pdf = page()
    cell = Stream(pdf, b"0 0 3 3 re f", Type=Name.Pattern, PatternType=1, PaintType=1, TilingType=1, BBox=Array(box))
    cell.XStep, cell.YStep, cell.Resources = 6, 6, Dictionary()
    resources = pdf.pages[0].obj.Resources
    resources.Pattern = Dictionary(P0=pdf.make_indirect(cell))
    pdf.pages[0].obj.Contents = Stream(pdf, lines(WORDS) + b"/Pattern cs /P0 scn 72 300 200 200 re f")
    return saved(pdf)


def shaded(length: int) -> bytes:
    pdf = page()
    program = b"{ " + b"2 copy add sin exch pop dup mul " * length + b"pop 0.5 exch pop }"
    made = Stream(pdf, program, FunctionType=4, Domain=Array([0, 1, 0, 1]), Range=Array([0, 1]))
    shading = Dictionary(ShadingType=1, ColorSpace=Name.DeviceGray, Domain=Array([0, 1, 0, 1]))
    shading.Matrix, shading.Function = Array([200, 0, 0, 200, 72, 300]), pdf.make_indirect(made)
    pdf.pages[0].obj.Resources.Shading = Dictionary(S0=shading)
    pdf.pages[0].obj.Contents = Stream(pdf, lines(WORDS) + b"q 72 300 200 200 re W n /S0 sh Q")
    return saved(pdf)


def many_pages(count: int) -> bytes:
    pdf = page()
    for _ in range(count - 1):
        pdf.pages.append(pdf.pages[0])
    return saved(pdf)


def nested_forms(levels: int) -> bytes:
    pdf = doubling(0)
    inner = pdf.pages[0].obj.Resources.XObject.X
    for _ in range(levels):
        made = Stream(pdf, b"/X Do", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 612, 792]))
        made.Resources = Dictionary(XObject=Dictionary(X=inner))
        inner = pdf.make_indirect(made)
    pdf.pages[0].obj.Resources.XObject.X = inner
    return saved(pdf)


def static_xfa() -> bytes:
    """A form of Acrobat's designer that has an ordinary one beside it."""
    pdf = form(field("Jane Q. Sample"), flag=True)
    pdf.Root.AcroForm.XFA = Stream(pdf, b"<xdp/>")
    return saved(pdf)


def signed() -> bytes:
    """With a signature that is seen, and one that is not."""
    pdf = form()
    seen = field(Dictionary(Type=Name.Sig), FT=Name.Sig, AP=Dictionary(N=appearance(pdf, STAMPED)))
    unseen = field(Dictionary(Type=Name.Sig), (0, 0, 0, 0), FT=Name.Sig, F=132)
    pdf.pages[0].obj.Annots = pdf.Root.AcroForm.Fields = Array([pdf.make_indirect(each) for each in (seen, unseen)])
    return saved(pdf)


def _page_gone() -> bytes:
    content = text_only(3)
    objects = re.finditer(rb"\d+ 0 obj.*?endobj\n", content, re.DOTALL)
    found = [match for match in objects if b"/MediaBox" in match[0]][1]
    return content[: found.start()] + b" " * len(found[0]) + content[found.end() :]


def _dynamic() -> bytes:
    pdf = form(field("x"))
    pdf.Root.AcroForm.XFA, pdf.Root.NeedsRendering = "x", True
    return saved(pdf)


def _bomb() -> bytes:
    pdf = page()
    deflate = zlib.compressobj(9)
    data = b"".join(deflate.compress(bytes(10_000_000)) for _ in range(90)) + deflate.flush()
    return saved(with_picture(raw_picture(pdf, data, 100, 100, Name.FlateDecode), pdf))


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_whole_or_too_large_is_refused_by_name(kind: str) -> None:
    make, sentence = REFUSED[kind]
    content = make()
    began = time.process_time()
    with pytest.raises(NotFaxable) as refused:
        faxed(content)
    assert '"file.pdf"' in refused.value.status.sentence or sentence == "can have 30 at most"
    assert sentence in refused.value.status.sentence
    assert "object at 0x" not in refused.value.status.diagnostic
    assert time.process_time() - began < 10


def test_the_diagnostic_says_which_warning() -> None:
    with pytest.raises(NotFaxable) as refused:
        faxed(without_object(_plain(), b"/Helvetica"))
    assert refused.value.status.diagnostic not in (
        "x-mailfax; damaged PDF: warning",
        "x-mailfax; damaged PDF: not whole",
    )
    assert "xref" in refused.value.status.diagnostic or "obj" in refused.value.status.diagnostic


# --- what is left out is named -----------------------------------------------------------------------------------


def embedded() -> bytes:
    pdf = page()
    pdf.attachments["factur-x.xml"] = b"<invoice/>"
    return saved(pdf)


@pytest.mark.parametrize(
    ("content", "left_out"),
    [
        (lambda: saved(page()), []),
        (embedded, ['file.pdf: the file "factur-x.xml" inside it']),
        (lambda: marked("FileAttachment", FS=Dictionary(UF="b.doc")), ['file.pdf: the file "b.doc" inside it']),
        (lambda: marked("Text"), ["file.pdf: the text of 1 note that opens on a click"]),
        (lambda: marked("Stamp"), ["file.pdf: 1 × stamp that is not drawn in the file"]),
        (lambda: marked("Screen"), ["file.pdf: 1 × video"]),
        (lambda: marked("Link"), []),
        (lambda: stamped(2), []),
    ],
)  # fmt: skip
def test_what_is_on_no_page_is_named(content: Callable[[], bytes], left_out: list[str]) -> None:
    assert faxed(content())[1] == left_out


# --- received faxes and speed ------------------------------------------------------------------------------------


def test_the_pages_of_a_received_fax_are_counted_only_where_it_is_whole() -> None:
    assert count_pages(letter(4), "the received fax") == 4
    with pytest.raises(NotFaxable):
        count_pages(letter(4)[:-900], "the received fax")
    assert count_pages(tiff(3), "the received fax") == 3
    for damaged in (tiff(3)[:-900], tiff(3)[:2000], b"II*\0" + bytes(40)):
        with pytest.raises(NotFaxable):
            count_pages(damaged, "the received fax")


def test_twenty_pages_of_text_are_added_and_judged_in_a_moment(tmp_path: Path) -> None:
    content = letter(20)
    best = 9.0
    for _ in range(3):
        began = time.perf_counter()
        made, _ = faxed(content)
        best = min(best, time.perf_counter() - began)
    (tmp_path / "made.pdf").write_bytes(made)
    assert text_of(tmp_path / "made.pdf")[19].startswith("Letter page 20")
    assert best < 0.5, f"{best:.3f} s; 0.02 measured"


# --- mutations ---------------------------------------------------------------------------------------------------

SEEDS: list[Callable[[], bytes]] = [
    lambda: letter(2),
    text_only,
    linearized,
    lambda: saved(form(field("Jane Q. Sample"), flag=True)),
    lambda: saved(layers(), object_stream_mode=pikepdf.ObjectStreamMode.disable),
    updated,
    shared_resources,
]


def mutated(content: bytes, chance: random.Random) -> bytes:
    """One to four bytes flipped, a piece cut out, doubled or zeroed, or the end cut off."""
    made = bytearray(content)
    kind = chance.randrange(5)
    at = chance.randrange(len(made))
    length = chance.randrange(1, 200)
    if kind == 0:
        for _ in range(chance.randrange(1, 5)):
            made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)
    elif kind == 1:
        del made[at : at + length]
    elif kind == 2:
        made[at:at] = made[at : at + length]
    elif kind == 3:
        made[at : at + length] = bytes(len(made[at : at + length]))
    else:
        del made[at:]
    return bytes(made)


def poppler(content: bytes, file: Path) -> str:
    """What poppler reads, or nothing where it can't."""
    file.write_bytes(content)
    return subprocess.run(["pdftotext", file, "-"], capture_output=True, text=True, errors="replace").stdout.strip()


@pytest.mark.needs("pdftotext")
@pytest.mark.parametrize("seed", range(len(SEEDS)))
def test_a_mutated_file_is_refused_or_comes_out_as_viewers_show_it(seed: int, tmp_path: Path) -> None:
    """Invariant: whatever became of the bytes, the page on the fax is the one that pdfium shows of them, or none; and
    where poppler finds words in them, there are words on the fax."""
    chance = random.Random(seed)
    content = SEEDS[seed]()
    began = time.monotonic()
    refused = 0
    for _ in range(75):
        damaged = mutated(content, chance)
        try:
            made, _ = faxed(damaged)
        except NotFaxable as why:
            refused += 1
            assert '"file.pdf"' in why.status.sentence
            continue
        assert is_picture(made) or poppler(made, tmp_path / "made") or not poppler(damaged, tmp_path / "damaged")
        try:
            with opened(damaged) as before, opened(made) as after:
                assert len(before) == len(after)
                pairs = [(looks(one, _whole_page(one)), looks(other, _whole_page(other)))
                         for one, other in zip(before, after, strict=True)]  # fmt: skip
        except Exception as unopened:
            assert "Failed to load document" in str(unopened)
            continue
        assert all(same(one, other) for one, other in pairs if one.size == other.size)
    assert refused
    assert time.monotonic() - began < 100


def _whole_page(shown: object) -> Place:
    size = shown.get_size()  # type: ignore[attr-defined]
    return Place(size, 0, 0, *size)
