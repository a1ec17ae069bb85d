"""Every kind of TIFF shows the right picture, or is refused by its name."""

from __future__ import annotations

import base64
import io
import struct
import subprocess
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat

from mailfax.render.faxtiff import REVERSED, Profile, write_tiff
from mailfax.render.kinds import Kind
from mailfax.render.picture import draw_picture
from mailfax.rules.submission import NotFaxable

SIZE = (400, 300)
SHORT, LONG, RATIONAL = 3, 4, 5
Entries = dict[int, tuple[int, list[int]]]
#: 96 x 64 dots, the upper left quarter black, with arithmetic coding; made by libjpeg-turbo's cjpeg.
ARITHMETIC = base64.b85decode(
    "|JeWF01!$>Nk#wx0RR9200961|JwjV01yid4h#wq4h;?x5fBp?C>j_R78o%jB^@X_Gd(;xGdMRuNL)@pL{~*OI8bd-"
    "S6^ahXlFi6ad~iLcwA*?WB<tj3kU!}0AK+D5di<p00saM5C#9*00;pA002J#{{VsGKa1{T{{XS}T>se"
)


def picture(mode: str = "RGB", size: tuple[int, int] = SIZE) -> Image.Image:
    """Dark above left, red below at the right, else white."""
    image = Image.new("RGB", size, "white")
    image.paste((20, 20, 20), (0, 0, size[0] // 2, size[1] // 2))
    image.paste((200, 30, 30), (size[0] * 3 // 4, size[1] // 2, *size))
    return image.convert(mode)


COLOURS, GREY = np.asarray(picture()), np.asarray(picture("L"))
YCC = np.asarray(picture("YCbCr"))


def tiff(bits: int, photometric: int, samples: int, data: bytes, **more: list[int] | list[tuple[int, int]]) -> bytes:
    """One picture without compression; ``more`` are further entries, "t" and their number."""
    entries: dict[int, tuple[int, list]] = {  # type: ignore[type-arg]
        **{256: (LONG, [SIZE[0]]), 257: (LONG, [SIZE[1]]), 258: (SHORT, [bits] * samples), 259: (SHORT, [1])},
        **{262: (SHORT, [photometric]), 273: (LONG, [0]), 277: (SHORT, [samples]), 278: (LONG, [SIZE[1]])},
        **{279: (LONG, [len(data)]), 282: (RATIONAL, [(96, 1)]), 283: (RATIONAL, [(96, 1)]), 296: (SHORT, [2])},
    }
    for name, values in more.items():
        tag = int(name[1:])
        entries[tag] = (entries.get(tag, (SHORT, []))[0], values)
    planes = samples if more.get("t284") == [2] else 1
    entries[279] = (LONG, [len(data) // planes] * planes)
    kinds = {SHORT: "H", LONG: "I", RATIONAL: "II"}
    where = 8 + 2 + 12 * len(entries) + 4
    length = sum(struct.calcsize(f"<{kinds[kind] * len(values)}") for kind, values in entries.values())
    start = where + length + length % 2
    if 513 in entries:
        entries[513] = (LONG, [start])
    entries[273] = (LONG, [start + number * (len(data) // planes) for number in range(planes)])
    rows, values_of = b"", b""
    for tag, (kind, values) in sorted(entries.items()):
        flat = [one for value in values for one in (value if isinstance(value, tuple) else (value,))]
        packed = struct.pack(f"<{kinds[kind] * len(values)}", *flat)
        place = packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack("<I", where + len(values_of))
        rows += struct.pack("<HHI", tag, kind, len(values)) + place
        values_of += packed if len(packed) > 4 else b""
    return (b"II*\0" + struct.pack("<IH", 8, len(entries)) + rows + bytes(4) + values_of).ljust(start, b"\0") + data


def saved(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "TIFF", **options)
    return file.getvalue()


def copied(content: bytes, folder: Path, *options: str) -> bytes:
    """What libtiff's tiffcp makes of it."""
    given, made = folder / "a.tif", folder / "b.tif"
    given.write_bytes(content)
    subprocess.run(["tiffcp", *options, given, made], check=True, capture_output=True)
    return made.read_bytes()


def difference(content: bytes, kind: Kind = Kind.TIFF, told: list[str] | None = None) -> float:
    """How far the page is from the picture: the mean of 255 tones."""
    (page,) = draw_picture(content, kind, "a.tif", "a4", 20, [] if told is None else told)
    with pypdfium2.PdfDocument(page) as pdf:
        shown = pdf[0].render(scale=2, grayscale=True).to_pil().convert("L")
    return float(ImageStat.Stat(ImageChops.difference(shown.resize(SIZE), picture("L"))).mean[0])


DEEP = (GREY.astype("<u2") * 257).tobytes()
JPEG = io.BytesIO()
picture().save(JPEG, "JPEG", quality=90)
LAB = ImageCms.profileToProfile(
    picture(), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
)
OLD_JPEG = {"t259": [6], "t513": [0], "t514": [len(JPEG.getvalue())], "t530": [2, 2]}
SHOWN = {
    "Lab": lambda: saved(LAB),  # type: ignore[arg-type]
    "CMYK": lambda: saved(picture("CMYK")),
    "alpha": lambda: saved(picture("RGBA")),
    "float to 1": lambda: tiff(32, 1, 1, (GREY / 255).astype("<f4").tobytes(), t339=[3]),
    "float to 255": lambda: tiff(32, 1, 1, GREY.astype("<f4").tobytes(), t339=[3]),
    "16 bits": lambda: tiff(16, 1, 1, DEEP),
    "16 bits, white is 0": lambda: tiff(16, 0, 1, bytes(255 - byte for byte in DEEP)),
    "16 bits, signed": lambda: tiff(16, 1, 1, (GREY.astype("<i2") * 128).tobytes(), t339=[2]),
    "16 bits of 8": lambda: tiff(16, 1, 1, GREY.astype("<u2").tobytes()),
    "32 bits": lambda: tiff(32, 1, 1, (GREY.astype("<u4") * 16_843_009).tobytes()),
    "16 bits a colour": lambda: tiff(16, 2, 3, (COLOURS.astype("<u2") * 257).tobytes()),
    "planes": lambda: tiff(8, 2, 3, COLOURS.transpose(2, 0, 1).tobytes(), t284=[2]),
    "dots a centimetre": lambda: tiff(8, 2, 3, COLOURS.tobytes(), t282=[(38, 1)], t283=[(38, 1)], t296=[3]),
    "no unit": lambda: tiff(8, 2, 3, COLOURS.tobytes(), t296=[1]),
    "0 of 0 dots an inch": lambda: tiff(8, 2, 3, COLOURS.tobytes(), t282=[(0, 0)], t283=[(0, 0)]),
    "YCbCr": lambda: tiff(8, 6, 3, YCC.tobytes(), t530=[1, 1]),
    "old JPEG": lambda: tiff(8, 6, 3, JPEG.getvalue(), **OLD_JPEG),
}
COPIED = {
    "BigTIFF": ["-8"],
    "big-endian": ["-B"],
    "tiles": ["-t", "-w", "64", "-l", "64"],
    "deflate": ["-c", "zip"],
    "LZW with a predictor": ["-c", "lzw:2"],
    "PackBits": ["-c", "packbits"],
    "JPEG, YCbCr": ["-c", "jpeg", "-r", "16"],
    "JPEG, RGB": ["-c", "jpeg:r", "-r", "16"],
}
FAXES = ["g3:1d", "g3:2d", "g3:1d:fill", "g3:2d:fill", "g4"]


@pytest.mark.parametrize("kind", SHOWN)
def test_the_page_shows_the_picture(kind: str) -> None:
    assert difference(SHOWN[kind]()) < 3  # type: ignore[no-untyped-call]


@pytest.mark.needs("tiffcp")
@pytest.mark.parametrize("kind", COPIED)
def test_the_page_shows_the_picture_as_libtiff_writes_it(kind: str, tmp_path: Path) -> None:
    plain = copied(saved(picture()), tmp_path, "-r", "16")
    assert difference(copied(plain, tmp_path, *COPIED[kind])) < 3


@pytest.mark.needs("tiffcp")
@pytest.mark.parametrize("order", ["msb2lsb", "lsb2msb"])
@pytest.mark.parametrize("compression", FAXES)
def test_a_fax_page_is_read_in_both_orders_of_bits(compression: str, order: str, tmp_path: Path) -> None:
    page = saved(picture("1", (1728, 1143)), dpi=(204, 98))
    assert difference(copied(page, tmp_path, "-c", compression, "-f", order)) < 4


def fax(profile: Profile) -> tuple[bytes, int, int]:
    """A fax page, where its strip begins, and its length."""
    file = io.BytesIO()
    write_tiff([~np.asarray(picture("1", (1728, 1142)))], file, down=98, profile=profile)
    with Image.open(file) as page:
        tags = page.tag_v2  # type: ignore[attr-defined]
        return file.getvalue(), tags[273][0], tags[279][0]


@pytest.mark.parametrize("profile", Profile)
def test_bits_in_the_other_order_than_the_file_says_are_read(profile: Profile) -> None:
    content, start, length = fax(profile)
    wrong = content[:start] + content[start : start + length].translate(REVERSED) + content[start + length :]
    assert difference(content) < 4 and difference(wrong) < 4


def test_profile_s_is_read_with_the_end_of_a_fax_too() -> None:
    content, start, length = fax(Profile.S)
    end = bytes.fromhex("001001" * 3).translate(REVERSED)
    entry = struct.pack("<HHI", 279, LONG, 1)
    longer = content.replace(entry + struct.pack("<I", length), entry + struct.pack("<I", length + len(end)))
    assert longer != content and difference(longer[: start + length] + end) < 4


def test_a_damaged_line_is_named_and_a_damaged_page_refused() -> None:
    content, start, length = fax(Profile.S)
    middle = start + length // 2
    told: list[str] = []
    difference(content[:middle] + bytes(4) + content[middle + 4 :], told=told)
    assert told and told[0].startswith("a.tif: ") and "damaged line" in told[0]
    noise = bytes(number * 37 % 251 for number in range(length // 2))
    with pytest.raises(NotFaxable, match="page 1 can't be read whole"):
        difference(content[:middle] + noise[: start + length - middle])
    content, start, length = fax(Profile.F)
    with pytest.raises(NotFaxable, match="page 1 can't be read whole"):
        difference(content[: start + 20] + b"\0\0\0\0" + content[start + 24 :])


REFUSED = {
    "16 bits a colour in separate planes": lambda: tiff(16, 2, 3, bytes(SIZE[0] * SIZE[1] * 6), t284=[2]),
    "coarser than its dots": lambda: tiff(8, 6, 3, bytes(SIZE[0] * SIZE[1] * 3 // 2), t530=[2, 2]),
    "rare kind": lambda: tiff(64, 1, 1, bytes(SIZE[0] * SIZE[1] * 8), t339=[3]),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_not_read_is_refused_by_name(why: str) -> None:
    with pytest.raises(NotFaxable, match=f'"a.tif" can\'t be faxed: it.*{why}'):
        difference(REFUSED[why]())  # type: ignore[no-untyped-call]


def test_thumbnails_are_no_pages() -> None:
    file = io.BytesIO()
    small = picture(size=(40, 30))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    picture().save(file, "TIFF", save_all=True, append_images=[small])
    assert difference(file.getvalue()) < 3


def test_a_jpeg_with_arithmetic_coding_is_read() -> None:
    assert difference(ARITHMETIC, Kind.JPEG) < 60
    (page,) = draw_picture(ARITHMETIC, Kind.JPEG, "a.jpg", "a4", 20, [])
    with pypdfium2.PdfDocument(page) as pdf:
        shown = pdf[0].render(grayscale=True).to_pil().convert("L").resize((96, 64))
    assert shown.getpixel((20, 10)) < 30 and shown.getpixel((70, 50)) > 225  # type: ignore[operator]
