"""What a fax costs is exact, or is not told."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mailfax.config.kinds import Unfit
from mailfax.config.prices import prefix, price
from mailfax.rules.prices import Prices

PRICES = Prices((("+1", price({"call": "0.05", "page": 0.02})), ("+1876", price({"page": "0.35"}))))


@pytest.mark.parametrize(
    ("number", "pages", "cost"),
    [
        ("15555550100", 3, "0.11"),
        ("18765550100", 2, "0.70"),
        ("4930123456", 2, None),
        ("15555550100", 0, None),
        ("15555550100", None, None),
        ("", 1, None),
    ],
)
def test_the_longest_prefix_decides_and_what_is_not_known_costs_nothing_told(
    number: str, pages: int | None, cost: str | None
) -> None:
    assert PRICES.cost(number, pages) == (None if cost is None else Decimal(cost))


def test_a_prefix_is_enough_for_many() -> None:
    assert PRICES.digits == 4 and PRICES.cost("1555", 30, faxes=10) == Decimal("1.10")
    assert PRICES.cost("1", 1) == Decimal("0.07") and not Prices(())


@pytest.mark.parametrize("wrong", [{}, {"pages": 1}, {"page": -1}, {"page": True}, {"page": "NaN"}, {"page": 1e300}])
def test_what_is_no_price(wrong: object) -> None:
    with pytest.raises(Unfit):
        price(wrong)


@pytest.mark.parametrize("wrong", ["1", "+", "+0", "+1 555", "US"])
def test_what_is_no_prefix(wrong: str) -> None:
    with pytest.raises(Unfit):
        prefix(wrong)
