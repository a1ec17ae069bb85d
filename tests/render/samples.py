"""PDFs of every kind that people send, small, made here."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream
from PIL import Image, ImageDraw, ImageFont

WORDS = "Delivery note 4711 for the northern region"
LETTER = (612, 792)


def saved(pdf: Pdf, **options: object) -> bytes:
    file = io.BytesIO()
    pdf.save(file, **options)
    return file.getvalue()


def font(pdf: Pdf) -> pikepdf.Object:
    return pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))


def lines(*words: str, x: float = 72, y: float = 700, size: float = 14) -> bytes:
    shown = b"".join(b"(%b) Tj T* " % each.encode("latin-1") for each in words)
    return b"BT /F1 %g Tf %g TL %g %g Td %b ET\n" % (size, size * 1.3, x, y, shown)


def page(
    content: bytes = lines(WORDS, "Total 815.00 Euro until Friday"),
    size: tuple[float, float] = LETTER,
    **keys: object,
) -> Pdf:
    """A PDF of one page with Helvetica as /F1."""
    pdf = pikepdf.new()
    add_page(pdf, content, size, **keys)
    return pdf


def add_page(pdf: Pdf, content: bytes, size: tuple[float, float] = LETTER, **keys: object) -> pikepdf.Page:
    made = pdf.add_blank_page(page_size=size)
    made.obj.Contents = Stream(pdf, content)
    made.obj.Resources = Dictionary(Font=Dictionary(F1=font(pdf)))
    for key, value in keys.items():
        made.obj["/" + key] = value
    return made


def picture_of(
    pdf: Pdf, image: Image.Image, form: str = "JPEG", name: Name = Name.DCTDecode, **options: object
) -> Stream:
    file = io.BytesIO()
    image.save(file, form, **options)
    space = {"L": Name.DeviceGray, "RGB": Name.DeviceRGB}[image.mode]
    return Stream(
        pdf, file.getvalue(), Type=Name.XObject, Subtype=Name.Image, Width=image.width, Height=image.height,
        ColorSpace=space, BitsPerComponent=8, Filter=name,
    )  # fmt: skip


def photo(size: tuple[int, int] = (600, 400), words: str = "PHOTO 27") -> Image.Image:
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    ImageDraw.Draw(image).text((30, size[1] // 3), words, fill="black", font=ImageFont.load_default(size[1] // 4))
    return image


def with_picture(image: Stream, pdf: Pdf) -> Pdf:
    made = pdf.pages[0]
    made.obj.Resources.XObject = Dictionary(Im0=pdf.make_indirect(image))
    made.obj.Contents = Stream(pdf, made.obj.Contents.read_bytes() + b"q 300 0 0 200 72 400 cm /Im0 Do Q\n")
    return pdf


def raw_picture(pdf: Pdf, data: bytes, width: int, height: int, filter_: Name, **keys: object) -> Stream:
    return Stream(
        pdf, data, Type=Name.XObject, Subtype=Name.Image, Width=width, Height=height,
        ColorSpace=Name.DeviceGray, BitsPerComponent=8, Filter=filter_, **keys,
    )  # fmt: skip


# --- forms and annotations ---------------------------------------------------------------------------------------


def form(*fields: Dictionary, flag: bool | None = None, content: bytes = lines("Name:", x=72, y=680)) -> Pdf:
    """A page with fields; ``flag`` is NeedAppearances."""
    pdf = page(content)
    helv = Dictionary(Font=Dictionary(F1=pdf.pages[0].obj.Resources.Font.F1))
    made = [pdf.make_indirect(each) for each in fields]
    pdf.pages[0].obj.Annots = Array(made)
    pdf.Root.AcroForm = Dictionary(Fields=Array(made), DA="/F1 12 Tf 0 g", DR=helv)
    if flag is not None:
        pdf.Root.AcroForm.NeedAppearances = flag
    return pdf


def field(value: object, rect: tuple[float, ...] = (180, 670, 450, 700), **keys: object) -> Dictionary:
    made = Dictionary(
        Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T="name", V=value, Rect=Array(rect), DA="/F1 14 Tf 0 g", F=4
    )
    for key, each in keys.items():
        made["/" + key] = each
    return made


def appearance(pdf: Pdf, content: bytes, box: tuple[float, ...] = (0, 0, 270, 30), **keys: object) -> pikepdf.Object:
    resources = Dictionary(Font=Dictionary(F1=pdf.pages[0].obj.Resources.Font.F1))
    return pdf.make_indirect(
        Stream(pdf, content, Type=Name.XObject, Subtype=Name.Form, BBox=Array(box), Resources=resources, **keys)
    )


def note(pdf: Pdf, kind: str, *, drawn: bytes = b"", flags: int = 4, **keys: object) -> Pdf:
    made = Dictionary(Type=Name.Annot, Subtype=Name("/" + kind), Rect=Array([180, 500, 450, 530]), F=flags)
    for key, each in keys.items():
        made["/" + key] = each
    if drawn:
        made.AP = Dictionary(N=appearance(pdf, drawn))
    pdf.pages[0].obj.Annots = Array([*pdf.pages[0].obj.get("/Annots", []), pdf.make_indirect(made)])
    return pdf


STAMPED = lines("STAMPED 27", x=5, y=8)


def layers(off: bool = True, base: str = "", inside: bool = False) -> Pdf:
    """A page with the words INTERNAL on a layer: in its operators, or as a form."""
    pdf = page()
    group = pdf.make_indirect(Dictionary(Type=Name.OCG, Name="Internal"))
    resources = pdf.pages[0].obj.Resources
    words = lines("INTERNAL ONLY", y=500, size=24)
    plain = pdf.pages[0].obj.Contents.read_bytes()
    if inside:
        resources.XObject = Dictionary(Fm0=appearance(pdf, words, (0, 0, 612, 792), OC=group))
        pdf.pages[0].obj.Contents = Stream(pdf, plain + b"/Fm0 Do\n")
    else:
        resources.Properties = Dictionary(OC0=group)
        pdf.pages[0].obj.Contents = Stream(pdf, plain + b"/OC /OC0 BDC\n" + words + b"EMC\n")
    pdf.Root.OCProperties = Dictionary(OCGs=Array([group]), D=Dictionary(Order=Array([group])))
    if base:
        pdf.Root.OCProperties.D.BaseState = Name("/" + base)
    elif off:
        pdf.Root.OCProperties.D.OFF = Array([group])
    return pdf


def boxed(rotate: int = 0, size: tuple[float, float] = LETTER, **keys: object) -> Pdf:
    """A page with a black square in the upper left of its unrotated self, and words."""
    _, height = size
    square = b"0 g 20 %g 60 60 re f\n" % (height - 80)
    pdf = page(square + lines("UPPER LEFT", x=100, y=height - 60, size=20), size, **keys)
    if rotate:
        pdf.pages[0].obj.Rotate = rotate
    return pdf


def text_only(pages: int = 2) -> bytes:
    """A PDF without a byte that is no text."""
    pdf = pikepdf.new()
    for number in range(pages):
        add_page(pdf, lines(f"Page {number + 1} of the text", *["A line of words"] * 20))
    plain = saved(
        pdf, compress_streams=False, object_stream_mode=pikepdf.ObjectStreamMode.disable,
        stream_decode_level=pikepdf.StreamDecodeLevel.all,
    )  # fmt: skip
    return re.sub(rb"%\xbf\xf7\xa2\xfe\n", b"", plain)


def doubling(levels: int) -> Pdf:
    """Forms of which each draws the next twice."""
    pdf = page()
    inner = pdf.make_indirect(
        Stream(pdf, lines("deep"), Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 612, 792]))
    )
    for _ in range(levels):
        resources = Dictionary(XObject=Dictionary(X=inner))
        keys = {"Type": Name.XObject, "Subtype": Name.Form, "BBox": Array([0, 0, 612, 792]), "Resources": resources}
        inner = pdf.make_indirect(Stream(pdf, b"/X Do /X Do\n", **keys))
    pdf.pages[0].obj.Resources.XObject = Dictionary(X=inner)
    pdf.pages[0].obj.Contents = Stream(pdf, lines(WORDS) + b"/X Do\n")
    return pdf


def packed(data: bytes) -> bytes:
    return zlib.compress(data)


Make = Callable[[], bytes]
