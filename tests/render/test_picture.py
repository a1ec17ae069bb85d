"""Every kind of picture becomes the page that it shows."""

from __future__ import annotations

import base64
import io
import struct

import numpy as np
import pikepdf
import pytest
from PIL import Image, ImageChops, ImageCms

from mailfax.render import CannotRender
from mailfax.render.kinds import Kind, kind_of
from mailfax.render.picture import UNLIKE, _page, _unlike, ink_of_white
from mailfax.rules.submission import Part
from tests.render.conftest import Render
from tests.render.paper import ink, look, mail

pytestmark = pytest.mark.anyio

#: 96 x 64 dots, the upper left quarter black; made by libheif's heif-enc, because nothing in Python writes it.
HEIC = base64.b85decode(
    "0000SW^{RQXk}?*00000ZE0pPXk}?*ZE0a<0003(ZDn*}000000000XXk=`10000000000aA{+7000000000000000000004sdC7"
    "Z2$lO00031001IsY;R)#0000)KmY*%0RR9100CwI0RR9100000LI3~&BWY=FW&i*H00031000$fZf0cy000000RRAKc4ILB0002O"
    "X>f9I0001_X>en20001ZXm(>m0RwOV00000000009`FGC{rLC*01pEo0096PKmiN^|NjGU00093kN^M!000939=ZZRApijYD?$MQ"
    "18@KU0|1Z!00RI30{|YNFo6Y@>PacCZUh7j2mk;B00;m80{{p>A^-sZ2SfqEa<C#m0000KX>)L8000000001B0000$0000GaA|mH"
    "000000|*ER0000MX>e^}0000000001009Gm0)qem07`9SVRQfh06r)IuULxLfs$YU`skKll|%57N=Nm;0i+6;Nl)m<(C0DW5S!ov"
    "RIdVIEVEB8bQj_v(i6t+&-|y$)oJNK"
)


def quarter(form: str, **options: object) -> bytes:
    """The same picture in any format that Pillow writes."""
    image = Image.new("RGB", (96, 64), "white")
    image.paste("black", (0, 0, 48, 32))
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


FORMS = {
    "q.bmp": (quarter("BMP"), Kind.BMP),
    "q.webp": (quarter("WEBP", quality=90), Kind.WEBP),
    "q.avif": (quarter("AVIF", quality=90), Kind.AVIF),
    "q.jp2": (quarter("JPEG2000"), Kind.JPEG2000),
    "q.j2k": (quarter("JPEG2000", no_jp2=True), Kind.JPEG2000),
    "q.heic": (HEIC, Kind.HEIC),
    "q.ico": (quarter("ICO", sizes=[(96, 64)]), Kind.ICO),
}


@pytest.mark.parametrize("name", FORMS)
async def test_a_picture_of_any_kind_is_a_page(render: Render, name: str) -> None:
    content, kind = FORMS[name]
    assert kind_of(Part("photo", "application/octet-stream", content)) is kind
    made = await render(mail("", (name, "application/octet-stream", content)))
    assert (made.pages, made.contents) == (1, (f"{name}: page 1",))
    left, top, right, bottom = ink(made.content)
    # 96 dots an inch where the picture does not say: 72 points across, of which the left half is black.
    assert abs(right - left - 36) <= 2
    assert abs(bottom - top - 24) <= 2


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def marked(mode: str = "RGB", size: tuple[int, int] = (400, 300)) -> Image.Image:
    """White, the upper left quarter black."""
    image = Image.new("RGB", size, "white")
    image.paste("black", (0, 0, size[0] // 2, size[1] // 2))
    return image.convert(mode)


def profile() -> bytes:
    """A sound RGB profile that does not call itself sRGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes().replace(b"s\0R\0G\0B", b"m\0i\0n\0e")


@pytest.mark.parametrize(
    ("mode", "form"),
    [("L", "JPEG"), ("L", "PNG"), ("L", "TIFF"), ("RGB", "JPEG"), ("CMYK", "JPEG"), ("CMYK", "TIFF")],
)
async def test_a_profile_is_applied_and_then_dropped(render: Render, mode: str, form: str) -> None:
    """A grey picture with the profile of a colour scanner is nothing to Ghostscript."""
    made = await render(mail("", ("scan", "image/x", saved(marked(mode), form, icc_profile=profile()))))
    with pikepdf.open(made.content) as pdf:
        (image,) = pdf.pages[0].get_images().values()
        assert image.ColorSpace in ("/DeviceGray", "/DeviceRGB")
    page = look(made.content)
    left, top, right, bottom = ink(made.content)
    assert page.getpixel(((left + right) // 2, (top + bottom) // 2)) < 40  # type: ignore[operator]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF"])
async def test_a_turned_picture_is_laid_out_upright(render: Render, form: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(marked(size=(400, 200)), form, exif=exif, dpi=(100, 50))
    made = await render(mail("", ("photo", "image/x", content)))
    left, top, right, bottom = ink(made.content)
    # 4 inches across and 4 down, of which a quarter is black: 2 by 2 in every orientation.
    assert abs(right - left - 144) <= 3
    assert abs(bottom - top - 144) <= 3


async def test_a_palette_of_eight_bits_is_not_black(render: Render) -> None:
    image = Image.new("P", (200, 200), 1)
    image.putpalette([0, 0, 0, 255, 255, 255])
    image.paste(0, (0, 0, 100, 100))
    content = bytearray(saved(image, "TIFF"))
    with Image.open(io.BytesIO(content)) as tiff:
        colours = tiff.tag_v2[320]  # type: ignore[attr-defined]
    wide, narrow = (struct.pack(f"<{len(colours)}H", *(c >> shift for c in colours)) for shift in (0, 8))
    assert wide in content
    made = await render(mail("", ("scan.tif", "image/tiff", bytes(content).replace(wide, narrow))))
    left, top, right, bottom = ink(made.content)
    assert abs(right - left - 75) <= 2
    assert abs(bottom - top - 75) <= 2


def lossless(content: bytes, marker: int = 0xC3, bits: int = 8) -> bytes:
    """A JPEG whose frame says that it is of another kind."""
    at = content.index(b"\xff\xc0")
    return content[: at + 1] + bytes([marker]) + content[at + 2 : at + 4] + bytes([bits]) + content[at + 5 :]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (lossless(saved(marked("L"), "JPEG")), "a lossless JPEG"),
        (lossless(saved(marked("L"), "JPEG"), 0xC1, 12), "a JPEG of 12 bits"),
    ],
    ids=["lossless", "12 bits"],
)
async def test_a_jpeg_that_nobody_reads_is_refused_by_name(render: Render, content: bytes, why: str) -> None:
    with pytest.raises(CannotRender, match=why):
        await render(mail("", ("scan.jpg", "image/jpeg", content)))


async def test_a_jpeg_of_a_thousand_scans_is_refused_at_once(render: Render) -> None:
    content = saved(marked("L", (64, 64)), "JPEG", progressive=True)
    scan = content[content.rindex(b"\xff\xda") : -2]
    with pytest.raises(CannotRender, match=r"a JPEG of 1\d\d\d scans"):
        await render(mail("", ("bomb.jpg", "image/jpeg", content[:-2] + scan * 1000 + content[-2:])))


async def test_the_frames_that_are_left_out_of_an_animation_are_named(render: Render) -> None:
    frames = [Image.new("RGB", (100, 100), colour) for colour in ("black", "red", "green", "blue")]
    content = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    made = await render(mail("", ("logo.gif", "image/gif", content)))
    assert (made.pages, made.skipped) == (1, ("logo.gif: 3 more frames of an animation",))


async def test_a_colour_scan_of_twenty_pages_fits(render: Render) -> None:
    chance = np.random.RandomState(0)
    noise = chance.randint(243, 256, (3300, 2550, 3), dtype=np.uint8)
    noise[300:3000:60, 200:2300] = 20
    page = Image.fromarray(noise)
    content = saved(page, "TIFF", compression="jpeg", dpi=(300, 300))
    made = await render(mail("", *[(f"scan{n}.tif", "image/tiff", content) for n in range(2)]))
    assert made.pages == 2
    assert made.content.stat().st_size < 2 * 700_000


async def test_sixteen_bits_in_planes_are_refused_by_name(render: Render) -> None:
    content = saved(Image.new("RGB", (64, 64), "white"), "TIFF")
    content = content.replace(struct.pack("<HHII", 284, 3, 1, 1), struct.pack("<HHII", 284, 3, 1, 2))
    content = content.replace(struct.pack("<3H", 8, 8, 8), struct.pack("<3H", 16, 16, 16))
    with pytest.raises(CannotRender, match=r"16 bits a colour in separate planes|can't be read"):
        await render(mail("", ("scan.tif", "image/tiff", content)))


def test_a_page_that_does_not_show_its_picture_is_seen() -> None:
    picture = marked("L")
    page = _page(saved(picture, "PNG"), picture, "letter", "a.png")
    assert _unlike(page, picture) < 4
    for other in (Image.new("L", picture.size, 255), ImageChops.invert(picture), picture.rotate(180)):
        assert _unlike(page, other) > UNLIKE


def test_a_logo_that_is_white_on_nothing_is_drawn_in_black() -> None:
    """On the dark ground that it was made for it is seen; on paper it would be an empty place. A white card stays."""
    logo = Image.new("RGBA", (200, 100), (255, 255, 255, 0))
    logo.paste((255, 255, 255, 255), (20, 40, 180, 60))
    assert (ink := ink_of_white(logo)) is not None
    assert ink.getpixel((100, 50)) == 0 and ink.getpixel((5, 5)) == 255
    card = Image.new("RGBA", (200, 100), (255, 255, 255, 255))
    card.putpixel((0, 0), (255, 255, 255, 0))
    assert ink_of_white(card) is None
    assert ink_of_white(logo.convert("RGB")) is None
