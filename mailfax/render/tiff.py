"""The pages of a TIFF, as its many writers mean them.

In: a TIFF that Pillow has opened. Out: its pages as pictures that are read whole, or ``NotFaxable``. Of fax data that
is damaged libtiff makes some picture, complains on the error output, and goes on: the complaints are read. Data whose
bits stand in the opposite order of what the file says is read in that order.

STANDARDS  TIFF 6.0; ITU-T T.4 and T.6 for compression 2, 3 and 4; RFC 3949.
LIMITS     ``MOST_DAMAGED`` of the lines of a page in G3 may be damaged: a fax that was received over a bad line.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
from PIL import Image, TiffImagePlugin

from mailfax.render.faxtiff import REVERSED
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable

#: Compressions of fax machines; of G3 each line begins anew, of the others everything below a damaged line is lost.
FAX, G3 = (2, 3, 4), 3
MOST_DAMAGED = 0.02
COMPLAINT = re.compile(rb"Bad code word|Uncompressed data|Bad 2D|Premature EO|Line length mismatch")
#: SampleFormat: unsigned whole numbers, signed ones, floating point.
SIGNED, FLOATING = 2, 3
#: What libtiff may complain about one page, in bytes: more is lost.
COMPLAINTS = 1 << 16


def pages_of(content: bytes, picture: Image.Image, name: str, told: list[str]) -> Iterator[Image.Image]:
    """All pages but thumbnails; ``told`` gets a line for each page that is damaged and can still be read."""
    every = range(int(getattr(picture, "n_frames", 1)))
    # Some scanners mark all of their pages as thumbnails: then none is.
    for number in [number for number in every if not _tags(picture, number).get(254, 0) & 1] or every:
        tags = _tags(picture, number)
        _require_readable(tags, name)
        if tags.get(259) in FAX:
            yield _fax_page(content, picture, number, name, told)
            continue
        if picture.mode == "P" and (colours := tags.get(320)) and max(colours) < 256:
            # The map has 16 bits a value, and some programs write 8: all of it would be black.
            third = len(colours) // 3
            picture.load()
            picture.putpalette([value for index in range(third) for value in colours[index::third]])
        yield _eight_bits(picture, tags) if picture.mode.startswith("I;16") or picture.mode in "IF" else picture


def _tags(picture: Image.Image, number: int) -> Any:
    picture.seek(number)
    return cast(TiffImagePlugin.TiffImageFile, picture).tag_v2


def _require_readable(tags: Any, name: str) -> None:
    """Refuse what Pillow would read wrongly, or call damaged."""
    subsampled = tags.get(262) == 6 and tags.get(259) not in (6, 7) and tuple(tags.get(530, (2, 2))) != (1, 1)
    if tags.get(284) == 2 and 16 in tuple(tags.get(258, ())):
        why = "it has 16 bits a colour in separate planes, which is not read here. Save it with 8 bits a colour"
    elif subsampled:
        why = "its colours are coarser than its dots (YCbCr without JPEG), which is not read here. Save it as RGB"
    else:
        return
    raise NotFaxable(status(Cause.UNSUPPORTED, name=name, why=why))


def _fax_page(content: bytes, picture: Image.Image, number: int, name: str, told: list[str]) -> Image.Image:
    """A page of fax data, its bits in the order in which they can be read; raises ``NotFaxable``."""
    damaged = _loaded(picture)
    if not damaged:
        return picture
    with contextlib.suppress(OSError):
        turned = Image.open(io.BytesIO(_turned(content, _tags(picture, number))), formats=["TIFF"])
        turned.seek(number)
        if not _loaded(turned):
            return turned
    picture.load()
    if _tags(picture, number).get(259) != G3 or damaged > MOST_DAMAGED * picture.height:
        diagnostic = f"x-mailfax; damaged picture: {damaged} damaged lines"
        why = f"its page {number + 1} can't be read whole"
        raise NotFaxable(status(Cause.DAMAGED, diagnostic, name=name, why=why))
    told.append(f"{name}: {damaged} damaged line{'s' * (damaged != 1)} of its page {number + 1}")
    return picture


def _loaded(picture: Image.Image) -> int:
    """Read the dots, and return how many lines libtiff complained about."""
    out, into = os.pipe2(os.O_NONBLOCK)  # a full pipe loses complaints and stops nobody
    errors = os.dup(2)
    try:
        os.dup2(into, 2)
        picture.load()
    finally:
        os.dup2(errors, 2)
        os.close(errors)
        os.close(into)
        complaints = os.read(out, COMPLAINTS)  # nothing where nothing was said: the other end is closed
        os.close(out)
    return len(COMPLAINT.findall(complaints))


def _turned(content: bytes, tags: Any) -> bytes:
    """The file with the bits of this page's bytes in the opposite order."""
    made = bytearray(content)
    for start, length in zip(tags.get(273) or tags[324], tags.get(279) or tags[325], strict=True):
        made[start : start + length] = made[start : start + length].translate(REVERSED)
    return bytes(made)


def _eight_bits(picture: Image.Image, tags: Any) -> Image.Image:
    """Grey of 16 bits and more. Pillow clips it instead of scaling it, and does not know that white may be 0."""
    values = np.asarray(picture).astype(np.float64)
    form, bits = tags.get(339, (1,))[0], tags[258][0]
    most = float(2 ** (bits - 1) - 1 if form == SIGNED else 2**bits - 1)
    if form not in (SIGNED, FLOATING):
        values %= 2**bits  # 32 bits are read as signed
    if form == FLOATING or values.max() <= 255:
        most = max(float(values.max()), 1.0)
    grey = np.clip(values / most * 255, 0, 255)
    made = Image.fromarray((255 - grey if tags.get(262) == 0 else grey).round().astype(np.uint8))
    made.info = dict(picture.info)
    made.getexif().update(picture.getexif())
    return made
