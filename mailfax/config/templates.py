"""Kinds of keys about how received faxes are shown: templates with fields, and callers' numbers.

In: a value as ``tomllib`` made it. Out: text. Raises ``Unfit``.
"""

from __future__ import annotations

import string

from mailfax.config.kinds import Unfit, some_text, text
from mailfax.config.names import caller

#: What may stand in a template, in braces.
FIELDS = ("caller", "name", "number", "account", "called", "pages", "date", "time", "queue_id")
LONGEST_TEMPLATE = 200


def template(value: object) -> str:
    """Text with fields in braces, of ``FIELDS`` alone, and nothing that could reach behind them."""
    written = some_text(value)
    try:
        parts = list(string.Formatter().parse(written))
    except ValueError:
        raise Unfit(
            f'"{written}" has a brace without its other; write fields like {{caller}}, and a brace twice'
        ) from None
    for _, field, form, conversion in parts:
        if field is not None and (field not in FIELDS or form or conversion):
            known = ", ".join(f"{{{each}}}" for each in FIELDS)
            raise Unfit(f"{{{field}}} is no field; write one of {known}")
    if len(written) > LONGEST_TEMPLATE:
        raise Unfit(f"a template of {len(written)} signs; write at most {LONGEST_TEMPLATE}")
    return written


def number(value: object) -> str:
    """A whole number of a caller."""
    found = caller(value)
    if found == "unknown" or found.endswith("*"):
        raise Unfit(f'"{text(value)}" is no whole number; write it like "+15551234567"')
    return found
