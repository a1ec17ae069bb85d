"""How many faxes there were and how they ended, as an SVG picture, and with the same figures as a table.

In: hours with their faxes by state. Out: ``Chart``. Colours are those of the style sheet, so they follow light and
dark; each column says its own figures, and a table beside it says all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mailfax.rules.states import NON_FINAL
from mailfax.spool import Hour

#: From the bottom of a column up: what it is called, its states, its class in the style sheet.
PARTS = (
    ("delivered", ("delivered",), "good"),
    ("not delivered", ("failed", "unconfirmed"), "bad"),
    ("cancelled", ("cancelled",), "ended"),
    ("not ended", tuple(NON_FINAL), "moves"),
)
WIDTH, HEIGHT, FOOT, LEFT = 720, 180, 24, 36


@dataclass(frozen=True, slots=True)
class Bar:
    """One piece of a column, in the units of the picture."""

    x: float
    y: float
    width: float
    height: float
    tone: str


@dataclass(frozen=True, slots=True)
class Column:
    """``label`` stands below it where there is room; ``title`` says what it is of; ``figures`` as in ``PARTS``."""

    label: str
    title: str
    x: float
    figures: tuple[int, ...]
    received: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """``grid``: (y, figure) of each line across."""

    columns: tuple[Column, ...]
    grid: tuple[tuple[float, int], ...]
    total: int
    received: int
    width: int = WIDTH
    height: int = HEIGHT + FOOT
    foot: int = HEIGHT
    left: int = LEFT
    parts: tuple[tuple[str, str], ...] = tuple((name, tone) for name, _, tone in PARTS)


def by_hour(hours: Sequence[Hour], now: float, zone: ZoneInfo) -> Chart:
    """The last 24 hours."""
    last = int(now // 3600) * 3600
    known = {hour.at: hour for hour in hours}
    columns = []
    for at in range(last - 23 * 3600, last + 1, 3600):
        when = datetime.fromtimestamp(at, zone)
        label = f"{when:%H}" if when.hour % 3 == 0 else ""
        columns.append(
            (label, f"{when:%H:%M} to {when + timedelta(hours=1):%H:%M}", [known[at]] if at in known else [])
        )
    return _chart(columns)


def by_day(hours: Sequence[Hour], now: float, zone: ZoneInfo) -> Chart:
    """The last seven days, today being the last."""
    today = datetime.fromtimestamp(now, zone).date()
    columns = []
    for back in range(6, -1, -1):
        day = today - timedelta(days=back)
        of_day = [hour for hour in hours if datetime.fromtimestamp(hour.at, zone).date() == day]
        columns.append((f"{day:%a} {day.day}", f"{day:%A} {day.day} {day:%B}", of_day))
    return _chart(columns)


def _chart(columns: Sequence[tuple[str, str, Sequence[Hour]]]) -> Chart:
    figures = [
        tuple(sum(hour.faxes.get(state, 0) for hour in hours for state in states) for _, states, _ in PARTS)
        for _, _, hours in columns
    ]
    most = _round(max([1, *map(sum, figures)]))
    step = (WIDTH - LEFT) / len(columns)
    made = []
    for place, ((label, title, hours), each) in enumerate(zip(columns, figures, strict=True)):
        x, foot, bars = LEFT + place * step, float(HEIGHT), []
        for figure, (_, _, tone) in zip(each, PARTS, strict=True):
            tall = figure / most * (HEIGHT - 12)
            foot -= tall
            if figure:
                bars.append(
                    Bar(round(x + step * 0.15, 1), round(foot, 1), round(step * 0.7, 1), round(tall, 1), tone)
                )
        received = sum(hour.received for hour in hours)
        made.append(Column(label, title, round(x + step / 2, 1), each, received, tuple(bars)))
    grid = tuple((round(HEIGHT - part / 2 * (HEIGHT - 12), 1), most * part // 2) for part in (0, 1, 2))
    return Chart(tuple(made), grid, sum(map(sum, figures)), sum(column.received for column in made))


def _round(most: int) -> int:
    """An even number that people like, and no column is taller."""
    unit = int("1".ljust(len(str(most)), "0"))
    return next(each for step in (1, 2, 4, 6, 8, 10) if (each := max(2, step * unit)) >= most)
