"""Areas of charts and of pictures in flat colours: where their tones tell one from another, they become dots.

In: the tones of the cells of a page, and how far each differs from its neighbours. Out: the cells to be dithered.

Two tints that both become white, or both black, look alike: then the legend of a chart says nothing any more. An area
is wider than a stroke and of one tone, or of one that changes slowly. Where much is written on it, it stays as it is:
writing on dots is hard to read. A word on it (a share in a pie chart) gets a margin without dots.

LIMITS: a page without two such tints is left as it is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mailfax.render.cells import Mask, Tones, grown, spread, sums_of

Numbers = npt.NDArray[np.intp]

#: Tones that are neither paper nor ink.
LIGHTEST, DARKEST = 205, 40
#: Narrower than this many cells is a stroke, its edges not counted: squares in legends have 2.5 mm.
NARROWEST = 5
#: The least share of a page that a tint has, and how many tones two are apart at least.
SHARE, APART = 0.003, 24
#: The side of the squares that areas are made of, in cells: half a millimetre. What follows is in squares.
SQUARE = 2
#: Tones that differ no more from square to square are one area; so far apart, also across writing.
ALIKE, DIVIDED = 12, 10
#: The least height of writing: edges and lines are less thick.
HEIGHT = 3
#: The share of an area from which on writing is much, and the side of the square around writing that has no dots.
MUCH, MARGIN = 0.065, 7


def areas(tones: Tones, contrast: Tones, flat: Mask, faint: int, middle: int) -> Mask:
    """The cells of a page to be dithered, of those that are ``flat`` (their ``contrast`` is less than ``faint``).

    From ``middle`` on a tone would be white.
    """
    few = tones[::4, ::4][flat[::4, ::4]]
    if not _look_alike(few[(few >= DARKEST) & (few < LIGHTEST)], flat.size // 16, middle):
        return np.zeros_like(flat)
    flat = flat & (tones >= DARKEST) & (tones < LIGHTEST)
    even = sums_of(_opened(flat, NARROWEST), SQUARE) == SQUARE * SQUARE
    height, width = even.shape
    tone = np.zeros((height * SQUARE, width * SQUARE), np.uint8)
    tone[: tones.shape[0], : tones.shape[1]] = tones
    number = _numbered(even, tone[::SQUARE, ::SQUARE])
    busy = sums_of(contrast >= faint, SQUARE) > 0
    behind = _enclosing(even, number)
    # With the gaps between letters, without lines.
    written = _opened(~_opened(~busy, HEIGHT), HEIGHT) & (behind >= 0)
    much = np.bincount(behind[written], minlength=even.size) > MUCH * np.bincount(number[even], minlength=even.size)
    near = spread(written.view(np.uint8), MARGIN, np.maximum).view(np.bool_)
    clear = grown(even & ~much[number] & ~near, SQUARE)[: len(flat), : flat.shape[1]]
    # Of an area all that is flat, also where its edge cuts a square.
    clear = flat & spread(clear.view(np.uint8), NARROWEST, np.maximum).view(np.bool_)
    return clear if _look_alike(tones[clear], flat.size, middle) else np.zeros_like(flat)


def _look_alike(tones: Tones, of: int, middle: int) -> bool:
    """Whether two tints would both be white, or both black; ``of`` is how many there are, paper and ink included."""
    counts = np.convolve(np.bincount(tones, minlength=256), np.ones(13), "same")
    for side in (slice(0, middle), slice(middle, 256)):
        found = counts[side].copy()
        first = int(found.argmax())
        least = SHARE * of
        if found[first] >= least:
            found[max(first - APART + 1, 0) : first + APART] = 0
            if found.max() >= least:
                return True
    return False


def _opened(mask: Mask, size: int) -> Mask:
    """What of a mask is as wide as ``size`` in both directions."""
    small = spread(mask.view(np.uint8), size, np.minimum)
    return spread(small, size, np.maximum, back=True).view(np.bool_)


def _numbered(even: Mask, tone: Tones) -> Numbers:
    """For each even square the number of its area; the others have numbers of their own."""
    number = np.arange(even.size)
    in_rows, in_columns = np.flatnonzero(even), number.reshape(even.shape).T[even.T]
    runs = [(in_rows, _begins(even, tone)), (in_columns, _begins(even.T, tone.T))]
    changed = bool(len(in_rows))
    while changed:
        before = number.copy()
        for squares, begins in runs:
            least = np.minimum.reduceat(number[squares], np.flatnonzero(begins))
            number[squares] = least[np.cumsum(begins) - 1]
        changed = bool((number != before).any())
    return number.reshape(even.shape)


def _begins(even: Mask, tone: Tones) -> Mask:
    """Of the even squares, row by row: which are the first of an area in their row."""
    place, tones = np.flatnonzero(even), tone[even].astype(np.int16)
    begins = np.ones(len(place), np.bool_)
    same_row = place[1:] // even.shape[1] == place[:-1] // even.shape[1]
    near = np.diff(place) <= DIVIDED
    begins[1:] = ~(same_row & near & (np.abs(np.diff(tones)) <= ALIKE))
    return begins


def _enclosing(even: Mask, number: Numbers) -> Numbers:
    """For each square the number of the area that is on all its four sides, -1 where there is none."""
    across, down = _between(even, number), _between(even.T, number.T).T
    return np.where(across == down, across, -1)


def _between(even: Mask, number: Numbers) -> Numbers:
    """For each square the number of the area that is on both sides of it in its row, -1 where there is none."""
    width = even.shape[1]
    place = np.arange(width)
    left = np.maximum.accumulate(np.where(even, place, -1), axis=1)
    right = np.minimum.accumulate(np.where(even, place, width)[:, ::-1], axis=1)[:, ::-1]
    one = np.take_along_axis(number, np.maximum(left, 0), axis=1)
    other = np.take_along_axis(number, np.minimum(right, width - 1), axis=1)
    return np.where((left >= 0) & (right < width) & (one == other), one, -1)
