"""JPEGs: which of them are read here, and which a page can hold octet for octet, as they came.

In: the octets of a JPEG. Out: the refusal of those that no reader here can read; whether every reader shows one
alike; whether a page holds it. A page that holds the JPEG itself shows the picture: it need not be drawn to know
that.

STANDARDS: ITU-T T.81 (JPEG), T.871 (JFIF), T.872 (Adobe's marker), ISO 32000-2 7.4.8 (DCTDecode).
LIMITS: ``MOST_SCANS`` of a progressive JPEG.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pikepdf
from PIL import Image, JpegImagePlugin

from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable

#: Progressive JPEGs have about ten scans; each costs the time of a whole picture.
MOST_SCANS = 100
#: The frames of a JPEG that Pillow's decoder or a PDF reader can't be trusted with (T.81, table B.1).
LOSSLESS = (0xC3, 0xC7, 0xCB, 0xCF)
ORDINARY = (0xC0, 0xC1, 0xC2)
#: What begins a marker: within coded data FF is followed by 0, or starts the next block (B.1.1.2).
MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7](?=..)", re.DOTALL)
#: What a page does that shows one picture, upright.
SHOWING = re.compile(rb"\s*q\s+[\d.]+ 0+ 0+ [\d.]+ [\d.]+ [\d.]+ cm\s+/\S+ Do\s+Q\s*")
#: What of a picture in a PDF would change how its octets are shown.
CHANGING = ("/Decode", "/DecodeParms", "/Mask", "/SMask", "/ImageMask")
SPACES = {"L": "/DeviceGray", "RGB": "/DeviceRGB"}


def require_readable(content: bytes, name: str) -> None:
    """Refuse the JPEGs that no reader here can read, and those that cost more than a picture."""
    frame, bits = _frame_of(content)
    scans = sum(marker == 0xDA for marker, _ in _markers(content))
    if frame in LOSSLESS:
        why = "it is a lossless JPEG, which is not read here. Save it as an ordinary JPEG, as PNG or as PDF"
    elif bits > 8:
        why = f"it is a JPEG of {bits} bits, which is not read here. Save it with 8 bits, as PNG or as PDF"
    elif scans > MOST_SCANS:
        why = f"it is a JPEG of {scans} scans. Save it as an ordinary JPEG"
    else:
        return
    raise NotFaxable(status(Cause.UNSUPPORTED, name=name, why=why))


def shown_alike(content: bytes, picture: Image.Image) -> bool:
    """Whether every reader shows a JPEG alike: grey, or the usual three colours, and nothing that readers guess."""
    if not isinstance(picture, JpegImagePlugin.JpegImageFile) or picture.mode not in SPACES:
        return False
    told = "jfif" in picture.info or [layer[0] for layer in picture.layer] == [1, 2, 3]
    usual = picture.mode == "L" or (told and picture.info.get("adobe_transform", 1) == 1)
    return usual and _frame_of(content)[0] in ORDINARY and "icc_profile" not in picture.info


def require_whole(content: bytes) -> None:
    """Decode a JPEG; raises ``OSError`` where a part of it is missing. Half a picture would be shown, and grey below.

    All of its code is read, but only the mean of 8 x 8 dots computed.
    """
    with Image.open(io.BytesIO(content), formats=["JPEG"]) as picture:
        picture.draft("L", (1, 1))
        picture.load()


def holds(page: bytes, content: bytes, mode: str) -> bool:
    """Whether a PDF is one page that shows this JPEG of ``mode``, octet for octet, and nothing else."""
    with pikepdf.open(io.BytesIO(page)) as pdf:
        if len(pdf.pages) != 1 or len(pdf.pages[0].images) != 1:
            return False
        [image] = pdf.pages[0].images.values()
        contents = pdf.pages[0].obj.get("/Contents")
        return (
            isinstance(contents, pikepdf.Stream)
            and SHOWING.fullmatch(contents.read_bytes()) is not None
            and image.get("/Filter") == "/DCTDecode"
            and image.get("/ColorSpace") == SPACES.get(mode)
            and not any(key in image for key in CHANGING)
            and image.read_raw_bytes() == content
        )


def _markers(content: bytes) -> Iterator[tuple[int, int]]:
    """Each marker of a JPEG with its place (T.81, B.1.1): segments are stepped over, coded data is searched."""
    at = 2
    while found := MARKER.search(content, at):
        at = found.start()
        yield content[at + 1], at
        at += 2 if content[at + 1] == 0xD8 else 2 + int.from_bytes(content[at + 2 : at + 4], "big")


def _frame_of(content: bytes) -> tuple[int, int]:
    """The kind of a JPEG's frame (the marker's second byte) and its bits a sample; zeros where there is none."""
    for marker, at in _markers(content):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return marker, content[at + 4]
    return 0, 0
