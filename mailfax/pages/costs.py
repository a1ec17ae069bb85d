"""What was faxed in the last days by sender and by billing code, for operators of the whole site: faxes, pages, cost.

LIMITS: figures are up to ten minutes old; without a price for its prefix a fax has no cost, and how many such pages
there are is said.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from starlette.responses import Response

from mailfax.pages.visit import Visit
from mailfax.rules.prices import Prices
from mailfax.spool import Spent

DAYS, REMEMBERED = 30, 600.0
#: Rows of each table; what is left is one row together.
MOST = 20
WIDTH = 240
_figures: dict[tuple[int, int], tuple[float, list[Spent]]] = {}


@dataclass(slots=True)
class Row:
    """``cost`` is None where no page of it has a price; ``unpriced``: pages without one; ``width`` of its bar."""

    name: str
    faxes: int = 0
    pages: int = 0
    cost: Decimal | None = None
    unpriced: int = 0
    width: float = 0.0


async def costs(visit: Visit) -> Response:
    """Both tables."""
    visit.require_the_site()
    prices = Prices(visit.bridge.config.prices)
    spent = await _spent(visit, max(1, prices.digits))
    return visit.page(
        "costs",
        days=DAYS,
        priced=bool(prices),
        by_sender=added(((each.sender or "no sender", each) for each in spent), prices),
        by_code=added(((each.code or "no code", each) for each in spent), prices),
        whole=WIDTH,
    )


async def _spent(visit: Visit, digits: int) -> list[Spent]:
    key = id(visit.spool), digits
    if key in _figures and time.monotonic() - _figures[key][0] < REMEMBERED:
        return _figures[key][1]
    found = await visit.spool.shown.spent(visit.spool.now() - DAYS * 86_400, digits=digits)
    _figures.clear()
    _figures[key] = time.monotonic(), found
    return found


def added(named: Iterable[tuple[str, Spent]], prices: Prices) -> list[Row]:
    """One row for each name, most pages first."""
    rows: dict[str, Row] = {}
    for name, each in named:
        _add(
            rows.setdefault(name, Row(name)),
            each.faxes,
            each.pages,
            prices.cost(each.prefix, each.pages, faxes=each.faxes),
        )
    ordered = sorted(rows.values(), key=lambda row: (-row.pages, row.name))
    if len(ordered) > MOST:
        others = Row(f"{len(ordered) - MOST + 1} others")
        for row in ordered[MOST - 1 :]:
            _add(others, row.faxes, row.pages, row.cost, row.unpriced)
        ordered = [*ordered[: MOST - 1], others]
    most = max((row.pages for row in ordered), default=0)
    for row in ordered:
        row.width = round(WIDTH * row.pages / most, 1) if most else 0.0
    return ordered


def _add(row: Row, faxes: int, pages: int, cost: Decimal | None, unpriced: int | None = None) -> None:
    row.faxes += faxes
    row.pages += pages
    row.unpriced += (pages if cost is None else 0) if unpriced is None else unpriced
    if cost is not None:
        row.cost = (row.cost or Decimal(0)) + cost
