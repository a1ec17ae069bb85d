"""What a fax costs, by the beginning of its number: a price for the call, and one for each page that arrived.

In: ``[prices]``, a number as dialled, pages. Out: a ``Decimal`` in the site's own currency, or None where no price is
known: no cost is better than a wrong one. The longest prefix that fits decides.

LIMITS: a fax of which no page arrived has no cost here, whatever a telephone company takes for the call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from mailfax.config.values import Price


@dataclass(frozen=True, slots=True)
class Prices:
    """Made of (prefix with +, price)."""

    written: Sequence[tuple[str, Price]]
    _by_prefix: dict[str, Price] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_prefix", {prefix.lstrip("+"): price for prefix, price in self.written})

    def __bool__(self) -> bool:
        return bool(self._by_prefix)

    @property
    def digits(self) -> int:
        """How many digits of a number are enough to know its price."""
        return max(map(len, self._by_prefix), default=0)

    def cost(self, number: str, pages: int | None, *, faxes: int = 1) -> Decimal | None:
        """Of ``faxes`` to numbers that begin so, ``pages`` together. ``number``: digits, country code first."""
        if not pages:
            return None
        for length in range(self.digits, 0, -1):
            price = self._by_prefix.get(number[:length]) if len(number) >= length else None
            if price is not None:
                return price.call * faxes + price.page * pages
        return None
