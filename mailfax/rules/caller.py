"""A caller as the fax service reported it: when it is a number, which one, and whose name a site gives it.

In: text as reported, patterns and names from the configuration. Out: digits, yes or no, a name.

LIMITS: what was reported is no proof of who called (design A19).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mailfax.rules.number import Unfit, read_number

UNKNOWN = "unknown"
#: A field that is a number from end to end; "9725550100WTF TOT 3" is text, and no number stands in it.
_NUMBER = re.compile(r"\+?[0-9][0-9 ().-]*")


def digits_of(caller: str) -> str:
    """A caller that is a number, as digits; what holds anything else is text, and has none."""
    return re.sub("[^0-9]", "", caller) if _NUMBER.fullmatch(caller.strip()) else ""


def whole_number(caller: str, country: str) -> str:
    """The digits of a caller whose country code is surely there, or "": who answers must not reach a stranger.

    Ten digits are a number of the caller's own country, whichever that is.
    """
    bare, digits = caller.strip(), digits_of(caller)
    surely = bare.startswith("+") or (len(digits) == 11 and digits.startswith("1"))
    return _whole(bare, country) if digits and surely else ""


def is_caller(pattern: str, caller: str | None, country: str) -> bool:
    """Whether ``pattern`` ("unknown", "+15551234567", "5551234567", "+1555*") means this caller; None means nobody
    knows it. ``country``: whose numbers are written without a country code."""
    if caller is None:
        return False
    reported = digits_of(caller)
    if pattern == UNKNOWN:
        return not reported
    if not reported:
        return False
    # With a "+" the country code is written, and only that of the caller may be compared with it.
    whole = _whole(caller.strip(), country)
    forms = (whole,) if pattern.startswith("+") else (reported, whole)
    wanted = pattern.removeprefix("+")
    if wanted.endswith("*"):
        return any(form.startswith(wanted[:-1]) for form in forms if form)
    return wanted in forms or "" != _whole(pattern, country) == whole


@dataclass(frozen=True, slots=True)
class Contacts:
    """Names of callers, by their digits as written and with their country code."""

    names: Mapping[str, str]
    country: str

    @classmethod
    def of(cls, listed: Iterable[tuple[str, str]], country: str) -> Contacts:
        """From (number, name); of two that mean the same number the first counts."""
        names: dict[str, str] = {}
        for number, name in listed:
            for form in (digits_of(number), _whole(number, country)):
                names.setdefault(form, name)
        names.pop("", None)
        return cls(names, country)

    def answers_to(self, caller: str) -> str:
        """The number that an answer is faxed to, or ""."""
        return whole_number(caller, self.country)

    def name_of(self, caller: str) -> str:
        """The name, or ""."""
        digits = digits_of(caller)
        return self.names.get(digits) or self.names.get(_whole(caller.strip(), self.country), "") if digits else ""


def _whole(number: str, country: str) -> str:
    """The digits of ``number`` with its country code; "" where it may be of one country or of another."""
    found = read_number(number, default_country=country)
    if isinstance(found, Unfit):
        return digits_of(number) if number.startswith("+") else ""
    return found.dialled
