"""Charts and pictures in flat colours: what differs in tone differs on the fax, and what is written there is read."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from reportlab.pdfgen.canvas import Canvas

from mailfax.render.cells import Mask
from mailfax.render.faxtiff import FINE, STANDARD, Profile, encoded
from mailfax.render.raster import fax_pages
from tests.render.test_legibility import box, lines, lost, page, read

#: Blue, orange, yellow and green of a spreadsheet: three of them are light, and would be white.
TINTS = ["#4472c4", "#ed7d31", "#ffc000", "#70ad47"]


def dots(made: Mask, left: float, top: float, width: float, height: float, lines_an_inch: int = FINE) -> Mask:
    """The dots of a rectangle on a Letter page, all in points from the upper left."""
    across, down = 204 / 72, lines_an_inch / 72
    return made[
        round(top * down) : round((top + height) * down), round(left * across) : round((left + width) * across)
    ]


def chart(canvas: Canvas) -> list[str]:
    """Bars that touch each other, and the legend below."""
    for number, tint in enumerate(TINTS):
        box(canvas, tint, 60 + 40 * number, 400, 40, 200 + 40 * number)
        box(canvas, tint, 60 + 80 * number, 360, 8, 8)
        lines(canvas, (72 + 80 * number, 361), 9, "#000000", 1, 1, number)
    return []


def test_the_bars_of_a_chart_differ_and_its_legend_has_the_same_dots() -> None:
    (made,) = fax_pages(page(chart)[0])
    bars = [dots(made, 66 + 40 * number, 250, 28, 130).mean() for number in range(4)]
    swatches = [dots(made, 62 + 80 * number, 426, 4, 4).mean() for number in range(4)]
    assert all(darker - lighter > 0.01 for lighter, darker in itertools.pairwise(sorted(bars))), bars
    assert all(0.1 < bar < 0.9 for bar in bars)
    assert np.argsort(bars).tolist() == [2, 1, 3, 0]
    assert max(swatches) == swatches[0] and min(swatches) == swatches[2], swatches


def test_where_lines_are_coarse_writing_is_worth_more_than_tones() -> None:
    """At 98 lines an inch a digit on a tint would get lost among the dots."""
    (made,) = fax_pages(page(chart)[0], down=STANDARD)
    assert {dots(made, 66 + 40 * number, 250, 28, 130, STANDARD).mean() for number in range(4)} == {0.0, 1.0}


@pytest.mark.needs("tesseract")
def test_a_word_in_an_area_has_a_margin_without_dots(tmp_path: Path) -> None:
    def paint(canvas: Canvas) -> list[str]:
        chart(canvas)
        box(canvas, "#ed7d31", 60, 60, 300, 250)
        box(canvas, "#70ad47", 370, 60, 200, 250)
        return lines(canvas, (120, 180), 11, "#ffffff", 1, 3, 7, "Helvetica-Bold") + lines(
            canvas, (390, 180), 8, "#000000", 1, 3, 8
        )

    pdf, written = page(paint)
    (made,) = fax_pages(pdf)
    assert 0.2 < dots(made, 80, 500, 250, 60).mean() < 0.8
    assert not lost(written[:1], read(dots(made, 115, 600, 200, 18), tmp_path))
    assert not lost(written[1:], read(dots(made, 385, 602, 150, 14), tmp_path))


@pytest.mark.needs("tesseract")
def test_the_rows_of_a_table_in_several_tints_are_no_photograph(tmp_path: Path) -> None:
    def paint(canvas: Canvas) -> list[str]:
        written = []
        for row in range(20):
            box(canvas, ["#d9e2f3", "#b4c6e7", "#8eaadb"][row % 3], 60, 700 - 22 * row, 490, 22)
            written += lines(canvas, (66, 707 - 22 * row), 10, "#000000", 1, 8, row)
        return written

    pdf, written = page(paint)
    (made,) = fax_pages(pdf)
    for row in range(0, 20, 4):
        assert not lost([written[row]], read(dots(made, 62, 72 + 22 * row, 340, 18), tmp_path))
    assert len(encoded(made, Profile.F)) < 20_000


@pytest.mark.parametrize("tints", [["#4472c4", "#dddddd"], ["#4472c4", "#ffc000"], ["#777777"]])
def test_tints_that_no_other_is_taken_for_stay_black_or_white(tints: list[str]) -> None:
    def paint(canvas: Canvas) -> list[str]:
        for number, tint in enumerate(tints):
            box(canvas, tint, 60, 600 - 120 * number, 300, 100)
        return []

    (made,) = fax_pages(page(paint)[0])
    for number in range(len(tints)):
        assert dots(made, 70, 102 + 120 * number, 280, 80).mean() in (0, 1)
