"""Fax pages become one TIFF-FX file, strictly as its profiles want it.

In: 1-bit pages, one after the other. Out: the file, written as they come: few pages are in memory at once. Pillow
(libtiff) encodes each page; the directories are written here, because Pillow keeps all pages in memory (1.2 GB for
300 of them), cuts a page into strips and stores white as 1.

STANDARDS  RFC 3949 (TIFF-FX): profile F with T.6 (G4), for sending; profile S with T.4 in one dimension (MH), which
           every reader knows. Little-endian, first directory at 8, one strip a page, a directory before its strip.
LIMITS     65,535 pages and 4 GB: TIFF's own.
"""

from __future__ import annotations

import enum
import io
import struct
from collections.abc import Iterable
from typing import BinaryIO, cast

import numpy as np
from PIL import Image, TiffImagePlugin

from mailfax.render.ahead import ahead
from mailfax.render.cells import Mask

#: Dots a line and an inch across, lines an inch down in the two resolutions of T.4.
WIDTH, ACROSS, FINE, STANDARD = 1728, 204, 196, 98
#: Types of values (TIFF 6.0, page 15) and how they are packed.
SHORT, LONG, RATIONAL = 3, 4, 5
#: Where the first directory lies.
FIRST = 8
#: Each byte with its bits in the opposite order, as FillOrder 2 has them.
REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class Profile(enum.Enum):
    """Pillow's name of the compression, TIFF's number for it, FillOrder, and the tag of its options."""

    F = ("group4", 4, 1, 293)
    S = ("group3", 3, 2, 292)


def write_tiff(pages: Iterable[Mask], into: BinaryIO, *, down: int = FINE, profile: Profile = Profile.F) -> int:
    """Write pages (true is black; ``WIDTH`` dots wide, ``down`` lines an inch) and return how many there were.

    ``into`` is empty and can seek. Raises ``ValueError`` where there is no page.
    """
    into.write(b"II*\0" + struct.pack("<I", FIRST))
    directories: list[tuple[int, int, int]] = []
    for height, strip in ahead(lambda page: (len(page), encoded(page, profile)), pages):
        directories.append((into.tell(), height, len(strip)))
        into.write(_directory(*directories[-1], 0, 0, 0, down, profile) + strip + b"\0" * (len(strip) % 2))
    if not directories:
        raise ValueError("a fax has at least one page")
    for number, directory in enumerate(directories):
        following = directories[number + 1][0] if number + 1 < len(directories) else 0
        into.seek(directory[0])
        into.write(_directory(*directory, number, len(directories), following, down, profile))
    into.seek(0, io.SEEK_END)
    return len(directories)


def encoded(page: Mask, profile: Profile) -> bytes:
    """One page as the bytes of its strip: white is 0 and no end-of-page code follows."""
    name, _, order, _ = profile.value
    height = page.shape[0]
    image = Image.frombytes("1", (page.shape[1], height), np.packbits(page, axis=1).tobytes())
    file = io.BytesIO()
    image.save(file, "TIFF", compression=name, tiffinfo={278: height})
    with Image.open(file, formats=["TIFF"]) as written:
        tags = cast(TiffImagePlugin.TiffImageFile, written).tag_v2
        ((start,), (length,)) = tags[273], tags[279]
    strip = file.getvalue()[start : start + length]
    return strip if order == 1 else strip.translate(REVERSED)


def _directory(
    at: int, height: int, length: int, number: int, total: int, following: int, down: int, profile: Profile
) -> bytes:
    """The directory of one page, which lies at ``at``, and its values; the strip follows."""
    _, compression, order, options = profile.value
    entries = {
        254: (LONG, 2),  # NewSubfileType: one page of several
        256: (LONG, WIDTH),
        257: (LONG, height),
        258: (SHORT, 1),
        259: (SHORT, compression),
        262: (SHORT, 0),  # min-is-white
        266: (SHORT, order),
        273: (LONG, 0),
        277: (SHORT, 1),
        278: (LONG, height),
        279: (LONG, length),
        282: (RATIONAL, ACROSS),
        283: (RATIONAL, down),
        options: (LONG, 0),
        296: (SHORT, 2),  # inch
        297: (SHORT, number | total << 16),  # PageNumber: two numbers in one value
    }
    values = at + 2 + 12 * len(entries) + 4
    entries[273] = (LONG, values + 16)
    made = struct.pack("<H", len(entries))
    rationals = b""
    for tag, (kind, value) in sorted(entries.items()):
        if kind == RATIONAL:
            made += struct.pack("<HHII", tag, kind, 1, values + len(rationals))
            rationals += struct.pack("<II", value, 1)
        else:
            made += struct.pack("<HHII", tag, kind, 2 if tag == 297 else 1, value)
    return made + struct.pack("<I", following) + rationals
