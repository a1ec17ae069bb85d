"""Arithmetic on the cells of a page: 2 x 2 dots each, in arrays; and on squares of cells.

In: arrays of tones or truths. Out: arrays.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Tones = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]
Operation = Callable[[Tones, Tones], Tones]


def cells_of(page: Tones) -> tuple[Tones, Tones]:
    """The lightest and the darkest of each 2 x 2 dots."""
    light, dark = np.maximum(page[::2], page[1::2]), np.minimum(page[::2], page[1::2])
    return np.maximum(light[:, ::2], light[:, 1::2]), np.minimum(dark[:, ::2], dark[:, 1::2])


def spread(tones: Tones, size: int, operation: Operation, *, back: bool = False) -> Tones:
    """The largest or smallest around each cell, in a square; ``back`` looks the other way where it has no middle."""
    before, after = size // 2, size - 1 - size // 2
    tones = np.pad(tones, (after, before) if back else (before, after), mode="edge")
    reached = 1
    while reached < size:
        by = min(reached, size - reached)
        tones = operation(tones[:-by], tones[by:])
        tones = operation(tones[:, :-by], tones[:, by:])
        reached += by
    return tones


def sums_of(cells: Tones | Mask, side: int) -> Counts:
    """Sums over squares, of at most 255 cells a side."""
    height, width = cells.shape
    margins = (0, -height % side), (0, -width % side)
    whole = np.pad(cells, margins) if any(map(any, margins)) else cells
    # The smallest numbers that hold the sum of a column: most of the time goes by their size.
    small = np.uint8 if cells.dtype == np.bool_ else np.uint16
    rows = whole.reshape(-1, side, whole.shape[1]).sum(axis=1, dtype=small)
    sums: Counts = np.add.reduceat(rows, range(0, rows.shape[1], side), axis=1, dtype=np.int64)
    return sums


def sums_around(squares: Counts) -> Counts:
    """Sums over each square and its eight neighbours, by the last two axes."""
    squares = np.pad(squares, [(0, 0)] * (squares.ndim - 2) + [(1, 1)] * 2, mode="edge")
    rows = squares[..., :-2, :] + squares[..., 1:-1, :] + squares[..., 2:, :]
    sums: Counts = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
    return sums


def grown(squares: Mask, side: int) -> Mask:
    """A value for each cell from one for each square."""
    return squares.repeat(side, axis=0).repeat(side, axis=1)


def twice(cells: Tones | Mask) -> Tones:
    """Each column twice: two equal bytes are one number of two bytes."""
    return (cells.astype(np.uint16) * 257).view(np.uint8)


def dots_of(cells: Mask) -> Mask:
    """A value for each dot from one for each cell."""
    return twice(cells).repeat(2, axis=0).view(np.bool_)


def rectangle_of(cells: Mask) -> tuple[slice, slice]:
    """The smallest rectangle that has all these cells."""
    rows, columns = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
