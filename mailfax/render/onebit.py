"""A grey page becomes black or white: writing stays legible whatever its colours, photographs are dithered.

In: a page as grey dots. Out: the same page as one bit a dot. A single threshold loses light writing and dithering
destroys writing on tint, so each place is decided by what is around it:

1. black beside white (nearly all writing): parted in the middle of the two tones that meet there;
2. anything fainter: a *surface* is what is wider than a stroke, a *mark* what is narrower (a closing and an opening
   by ``STROKE``, Serra 1982). Light surfaces become white and dark ones black; a mark takes the other colour, so
   white on blue stays white on black, and white on light grey becomes black on white. Where two surfaces of one
   colour meet, a line keeps them apart: a tinted box is an outlined box;
3. photographs, found by their many tones, are dithered in dots of ``DOT``, which a G4 page can carry; and so are
   the areas of charts (``areas``).

LIMITS: none of its own; the caller bounds the page. All but the last comparison is done in cells of 2 x 2 dots.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageFilter

from mailfax.render.areas import areas
from mailfax.render.cells import (
    Counts,
    Mask,
    Tones,
    cells_of,
    dots_of,
    grown,
    rectangle_of,
    spread,
    sums_around,
    sums_of,
    twice,
)

#: A difference of two tones that is a mark; less is noise, or a tint so light that paper hides it.
FAINT = 16
#: A mark on noisy paper differs by more than this many times what paper itself does within 6 x 6 dots.
OVER_NOISE = 2.5
#: Two tones further apart than this are black and white, where one is dark and the other light.
PLAIN = 100
#: What is lighter may be paper.
LIGHT = 190
#: A surface becomes white from a tone between these on: the one that fewest surfaces of the page have.
MIDDLES = range(104, 160)
#: The share of a page that has nearly one light tone, where that tone is its paper.
PAPER = 0.4
#: What differs less from white than this is white.
WHITE = 240
#: The widest stroke of a mark, in cells of 2 x 2 dots: 3 mm, the stroke of a 50 point letter.
STROKE = 12
#: What is not further from its paper than this, and has writing beside it, is a tint behind the writing.
FAINT_BEHIND = 64
#: Rows of cells above and below that a decision looks at.
REACH = 2 * STROKE + 12
#: A step between two surfaces that is worth a line.
STEP = 24
#: The side of the squares that photographs are looked for in, in cells: 4 mm.
SQUARE = 16
#: Tones that paper and ink do not have, and the share of them that a square of a photograph has at least.
BETWEEN, SHARE = (28, 228), 0.7
#: The share of the commonest tones (two neighbours of sixteen) up to which a place is a photograph and no design.
COMMON = 0.55
#: The share of flat cells that are exactly as light as their neighbours, from which they are a tint of a drawing.
DRAWN = 0.97
#: A photograph that fills this share of the rectangle around it is one.
RECTANGLE = 0.6
#: Fewer squares than this are a logo.
LEAST_SQUARES = 6
#: The side of a dot of a dithered photograph: 3 at 204 x 196 is what a newspaper prints, and a page of it 180 KB.
DOT = 3


def black(page: Tones, *, charts: bool = True) -> Mask:
    """Which dots of a grey page are black. Its width is a multiple of 32 dots, its height of 2, and at least 64.

    ``charts``: whether their areas are dithered. Where lines are coarse, dots would swallow the writing on them.
    """
    drawn, (page, scanned) = page, _on_white(page)
    light, dark = cells_of(page)
    tones = (light >> 1) + (dark >> 1)
    if scanned:
        light = dark = tones  # the mean of a cell has less noise than its extremes
    lightest, darkest = spread(light, 3, np.maximum), spread(dark, 3, np.minimum)
    contrast = lightest - darkest
    faint = (
        max(FAINT, int(OVER_NOISE * np.median(contrast[::4, ::4][lightest[::4, ::4] >= LIGHT]))) if scanned else FAINT
    )
    flat = contrast < faint
    photographs = _photographs(light, tones, contrast >= PLAIN, darkest < WHITE, flat)
    middle = _middle(tones[::4][flat[::4] & ~photographs[::4]])
    plain = (contrast >= PLAIN) & (lightest >= middle + 22) & (darkest < middle)
    # The edges of plain writing are part of it, and parted as it is: a thin line is not plain in each cell.
    parted = ((lightest >> 1) + (darkest >> 1)) * plain.view(np.uint8)
    beside = spread(parted, 3, np.maximum)
    edge = beside > 0
    undecided = ~(edge | photographs) & (darkest < WHITE) & ((lightest >= middle) | ~flat)
    up_to = np.maximum(beside, np.uint8(middle))
    np.copyto(up_to, parted, where=plain)
    turned = np.zeros_like(plain)
    for band, inner in _bands(undecided):
        seen = light[band], dark[band], lightest[band], darkest[band]
        found = _by_surface(*seen, plain[band], faint, middle)
        here = undecided[band][inner]
        up_to[band][inner][here], turned[band][inner][here] = (part[inner][here] for part in found)
    made = _not_above(page, up_to)
    if turned.any():
        made ^= dots_of(turned)
    toned = photographs
    if charts:
        toned = toned | areas(tones, contrast, flat & ~photographs, faint, middle)
    if toned.any():
        rows, columns = rectangle_of(toned)
        dots = slice(2 * rows.start, 2 * rows.stop), slice(2 * columns.start, 2 * columns.stop)
        np.copyto(made[dots], dithered(drawn[dots]), where=dots_of(toned[rows, columns]))
    return made


#: So many light tones, each on more than a 300th of the page, are noise.
NOISE = 12


def _on_white(page: Tones) -> tuple[Tones, bool]:
    """The page with its paper made white, and whether that was needed: a scan has grey, uneven, noisy paper."""
    counts = np.bincount(page[::4, ::4].ravel(), minlength=256)
    paper = int(counts[LIGHT:].argmax()) + LIGHT
    # White of noise is cut off at 255, where most of it lies then: its other tones are many, those of tints are few.
    if paper >= 253 and (counts[LIGHT:253] * 300 > counts.sum()).sum() >= NOISE:
        paper = int(counts[LIGHT:253].argmax()) + LIGHT
    if paper >= 253 or counts[paper - 24 : paper + 25].sum() < PAPER * counts.sum():
        return page, False
    height, width = page.shape
    small = np.asarray(Image.fromarray(page).resize((width // 16, height // 16), Image.Resampling.BOX))
    around = spread(spread(small, 9, np.maximum), 9, np.minimum)
    around = np.where(around >= paper * 3 // 4, around, paper).astype(np.uint8)
    # Paper is a little darker here and there: 2 % more make it white. In 64ths, which fit a byte: paper is over 140.
    gain = Image.fromarray((260 * 64 // around.astype(np.uint16)).astype(np.uint8))
    level = np.asarray(gain.resize((width, height), Image.Resampling.BILINEAR))
    lifted = page.astype(np.uint16) * level
    return np.minimum(lifted >> 6, 255).astype(np.uint8), True


def _by_surface(
    light: Tones, dark: Tones, lightest: Tones, darkest: Tones, plain: Mask, faint: int, middle: int
) -> tuple[Tones, Mask]:
    """For each cell up to which tone its dots are black, and whether it is the other way round."""
    above = spread(spread(light, STROKE, np.maximum), STROKE, np.minimum, back=True)
    below = spread(spread(dark, STROKE, np.minimum), STROKE, np.maximum, back=True)
    gap = above - below
    marked = gap > faint
    # Of two tones the commoner one around is the surface; dark marks on light ones have the benefit of the doubt.
    over = np.clip((light >> 1) + (dark >> 1), below, above) - below
    share, whole = (sums_around(sums_of(np.where(marked, part, 0), 8)) for part in (over, gap))
    # Within fat letters the mark is the commoner one: where its surroundings are seen, the surface is what they have.
    lighter, darker = _beside(above, below, marked)
    seen = np.abs(lighter - darker) * 2 > lighter + darker
    on_light = np.where(seen, lighter > darker, share * 5 >= whole * 2)
    under = np.where(marked, grown(on_light, 8)[: len(gap)], above >= middle)
    surface = np.where(under, above, below)
    bright = surface >= middle
    depth = np.maximum((above - np.minimum(darkest, above)) >> 1, faint * 3 // 4)
    height = np.maximum((np.maximum(lightest, below) - below) >> 1, faint * 3 // 4)
    # Behind writing, what is wide and light is a tint: filled, a watermark would swallow the writing on it.
    behind = (
        grown(sums_around(sums_of(plain, 8)) > 0, 8)[: len(gap)] & (lightest - darkest < faint) & (darkest >= middle)
    )
    depth[behind & (above - darkest < FAINT_BEHIND)] = 255
    up_to = np.where(under, above - np.minimum(above, depth), below + np.minimum(255 - below, height) - 1)
    line = np.zeros_like(bright)
    for kept, one, other in (
        (np.s_[1:-1, :], np.s_[:-2, :], np.s_[2:, :]),
        (np.s_[:, 1:-1], np.s_[:, :-2], np.s_[:, 2:]),
    ):
        step = np.maximum(surface[one], surface[other]) - np.minimum(surface[one], surface[other]) > STEP
        line[kept] |= step & (bright[one] == bright[other]) & ~marked[one] & ~marked[other]
    return np.where(line, 255, up_to).astype(np.uint8), np.where(line, ~bright, under != bright)


def _beside(above: Tones, below: Tones, marked: Mask) -> Counts:
    """How much of what borders on marks has the lighter of their tones, and how much the darker, around squares."""
    half = (above >> 1) + (below >> 1)
    lighter, darker = np.zeros_like(marked), np.zeros_like(marked)
    for one, other in ((np.s_[:-2, :], np.s_[2:, :]), (np.s_[:, :-2], np.s_[:, 2:])):
        for here, there in ((one, other), (other, one)):
            border, light = marked[here] & ~marked[there], above[there] > half[here]
            lighter[here] |= border & light
            darker[here] |= border & ~light
    return sums_around(sums_around(np.stack([sums_of(lighter, 8), sums_of(darker, 8)])))


def _middle(surfaces: Tones) -> int:
    """The tone that parts light surfaces from dark ones: none of the page's own is cut in two by its noise."""
    if not len(surfaces):
        return 128
    counts = np.convolve(np.bincount(surfaces, minlength=256), np.ones(13), "same")
    return min(MIDDLES, key=lambda tone: (counts[tone], abs(tone - 128)))


def _photographs(light: Tones, tones: Tones, plain: Mask, inked: Mask, flat: Mask) -> Mask:
    """The cells of photographs: many tones between paper and ink, none of them common, over more than a logo."""
    between = (tones >= BETWEEN[0]) & (tones < BETWEEN[1])
    full = SQUARE * SQUARE
    toned = sums_of(between, SQUARE) >= SHARE * full
    cells = np.zeros_like(plain)
    if np.count_nonzero(toned) < LEAST_SQUARES:
        return cells
    height, width = toned.shape
    # How many cells of each sixteenth of the tones between paper and ink, in and around each square.
    sixteenths = np.full((height * SQUARE, width * SQUARE), 255, np.uint8)
    np.copyto(sixteenths[: len(tones), : tones.shape[1]], tones >> 4, where=between)
    every = range(BETWEEN[0] >> 4, (BETWEEN[1] >> 4) + 1)
    near = sums_around(np.stack([sums_of(sixteenths == tone, SQUARE) for tone in every]))
    commonest = (near[:-1] + near[1:]).max(axis=0)
    sure = toned & (commonest < COMMON * near.sum(axis=0))
    if sure.any():
        sure &= ~_drawn(light, flat)
    sure &= sums_around(sure.astype(np.int64)) >= 4
    # Skies and cheeks have few tones, but stand beside what has many.
    beside = sure | (toned & (sums_of(plain, SQUARE) < full // 10))
    while sure.any():
        shape = np.zeros_like(sure)
        shape[tuple(np.argwhere(sure)[0])] = True
        shape = _flooded(shape, beside)
        sure &= ~shape
        if np.count_nonzero(shape) >= LEAST_SQUARES:
            _mark(cells, shape, inked)
    return cells


def _drawn(light: Tones, flat: Mask) -> Mask:
    """The squares with tints of drawings: their cells are exactly as light as those beside and below."""
    whole = len(light) // 2 * 2
    here = light[:whole:2, ::2]
    same = (here == light[:whole:2, 1::2]) & (here == light[1:whole:2, ::2])
    even = flat[:whole:2, ::2]
    counts = sums_around(np.stack([sums_of(same & even, SQUARE // 2), sums_of(even, SQUARE // 2)]))
    drawn: Mask = counts[0] >= DRAWN * counts[1]
    return drawn


def _flooded(shape: Mask, within: Mask) -> Mask:
    """All that hangs together with the squares of ``shape``."""
    while True:
        grown = within & (sums_around(shape.astype(np.int64)) > 0)
        if (grown <= shape).all():
            return shape
        shape = grown | shape


def _mark(cells: Mask, shape: Mask, inked: Mask) -> None:
    """Mark the cells of one photograph: usually a rectangle, whose sides lie where its ink ends."""
    rows, columns = np.flatnonzero(shape.any(axis=1)), np.flatnonzero(shape.any(axis=0))
    top, bottom = int(rows[0]) * SQUARE, int(rows[-1] + 1) * SQUARE
    left, right = int(columns[0]) * SQUARE, int(columns[-1] + 1) * SQUARE
    if np.count_nonzero(shape) < RECTANGLE * len(rows) * len(columns):
        cells |= grown(shape, SQUARE)[: len(cells)]
        return
    across, down = inked[top:bottom].mean(axis=0) >= SHARE, inked[:, left:right].mean(axis=1) >= SHARE
    left = left - _run(across[max(left - SQUARE, 0) : left][::-1])
    right = right + _run(across[right : right + SQUARE])
    top = top - _run(down[max(top - SQUARE, 0) : top][::-1])
    bottom = bottom + _run(down[bottom : bottom + SQUARE])
    cells[top:bottom, left:right] = True


def _run(line: Mask) -> int:
    """How many values at the beginning are true."""
    return len(line) if line.all() else int(line.argmin())


def dithered(page: Tones) -> Mask:
    """The page in dots of ``DOT``, by error diffusion (Floyd and Steinberg 1976)."""
    height, width = page.shape
    small = Image.fromarray(page).resize((-(-width // DOT), -(-height // DOT)), Image.Resampling.BOX)
    dots = small.filter(ImageFilter.UnsharpMask(2, 80, 2)).convert("1").resize((width, height))
    return ~np.asarray(dots)


def _bands(wanted: Mask) -> Iterator[tuple[slice, slice]]:
    """Bands of rows in which something is wanted: with what a decision looks at, and where in that the band is."""
    rows = np.flatnonzero(wanted.any(axis=1))
    if not len(rows):
        return
    for band in np.split(rows, np.flatnonzero(np.diff(rows) > 2 * REACH) + 1):
        first, last = int(band[0]), int(band[-1]) + 1
        start = max(first - REACH, 0)
        yield slice(start, last + REACH), slice(first - start, last - start)


def _not_above(page: Tones, up_to: Tones) -> Mask:
    wide = twice(up_to)
    made = np.empty(page.shape, np.bool_)
    for line in (0, 1):
        np.less_equal(page[line::2], wide, out=made[line::2])
    return made
