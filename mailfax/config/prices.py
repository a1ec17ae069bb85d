"""``[prices]``: what faxes cost, by the beginning of their numbers.

In: values as ``tomllib`` made them. Out: a prefix; ``Price``. Raises ``Unfit``. Money is ``Decimal``, as it is
written.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from mailfax.config.kinds import Unfit, some_text
from mailfax.config.values import Price

_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}")
_EXAMPLE = 'write for example "+1" = { call = "0.05", page = "0.02" }'


def prefix(value: object) -> str:
    """The beginning of a number with its country code."""
    written = some_text(value)
    if not _PREFIX.fullmatch(written):
        raise Unfit(f'"{written}" is not the beginning of a number with its country code; {_EXAMPLE}')
    return written


def price(value: object) -> Price:
    """A table of ``call`` and ``page``; one that is left out costs nothing."""
    if not isinstance(value, dict) or not value or value.keys() - {"call", "page"}:
        raise Unfit(f"no price of a call and of a page; {_EXAMPLE}")
    return Price(_money(value.get("call", 0)), _money(value.get("page", 0)))


def _money(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise Unfit(f"no amount of money; {_EXAMPLE}")
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise Unfit(f'"{value}" is no amount of money; {_EXAMPLE}') from None
    if not amount.is_finite() or not 0 <= amount <= 1_000_000:
        raise Unfit(f"{value} is out of range; {_EXAMPLE}")
    return amount
