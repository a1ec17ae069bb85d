"""What somebody wrote as a fax number becomes the digits that are dialled, or the reason why not.

In: text of digits, one leading "+", and the separators space - . ( ); the country for numbers without a country
code. Out: ``FaxNumber`` (country code first, NANP: 11 digits) or ``Unfit``. The rule behind every line: a number is
dialled only if every digit that was written is accounted for, and only if it can be read in one way.

STANDARDS: ITU-T E.164 (lengths), RFC 3191 2 (separators say nothing). Country tables: ``phonenumbers``.
LIMITS: no pauses, extensions, letters, service codes; emergency numbers are never dialled.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

import phonenumbers
from phonenumbers import PhoneNumber, ValidationResult

from mailfax.rules.envelope import FaxNumber
from mailfax.rules.status import Cause

# One digit or one bracketed group at a time: unambiguous, so matching takes linear time whatever a stranger wrote.
_SHAPE = re.compile(r"\+?(?:[0-9]|\([0-9]{1,5}\))(?:[ .-]{0,3}(?:[0-9]|\([0-9]{1,5}\)))*")
# North America has one length (10) and one shape; area code 555 is unassigned, and so the one that documents,
# vendors' examples and the sandbox use. The library calls all of 555, and every new area code, invalid.
_NANP = re.compile(r"(?!.11)[2-9][0-9]{2}[2-9][0-9]{6}|555[0-9]{7}")
_NANP_CODE = 1
#: Under seven digits a "possible" number is mostly an internal extension (+49 4711 counts as possible).
_SHORTEST_UNLISTED = 7
#: Reaches help from every mobile network, whatever the country (3GPP TS 22.101 10.1).
_EMERGENCY_ANYWHERE = frozenset({"000", "08", "110", "112", "118", "119", "911", "999"})


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a text is not dialled: the cause, and what its sentence says after "this is not a fax number:"."""

    cause: Cause
    why: str


@functools.lru_cache(maxsize=4096)  # a reading costs 0.1 ms, and an office writes to the same numbers again and again
def read_number(text: str, *, default_country: str) -> FaxNumber | Unfit:
    """The number that ``text`` means; ``default_country`` is an ISO 3166 code ("US").

    ``region`` is "" for a number that no table lists: it may be in any region of its country code.
    """
    if not _SHAPE.fullmatch(text):
        return Unfit(Cause.NUMBER_SYNTAX, _why_no_number(text))
    digits = "".join(char for char in text if char.isdigit())
    if text[0] == "+":
        # +44 (0)20 …: right behind the country code, the bracketed zero is dialled at home only.
        before, zero, _ = text.partition("(0)")
        found = _read(f"+{digits}", default_country, zero_behind=re.sub("[^0-9]", "", before) if zero else "")
    else:
        if digits in _EMERGENCY_ANYWHERE or phonenumbers.connects_to_emergency_number(digits, default_country):
            return Unfit(
                Cause.NUMBER_NOT_DIALLED, "it begins with an emergency number (a country code is written with +)"
            )
        found = _read_without_plus(digits, default_country)
    if isinstance(found, Unfit):
        return found
    dialled = f"{found.country_code}{phonenumbers.national_significant_number(found)}"
    region = phonenumbers.region_code_for_number(found) or ""
    if not region and dialled.startswith("1555"):
        # Nobody's area code is at home everywhere in North America, or our own examples would be calls abroad.
        at_home = phonenumbers.country_code_for_region(default_country) == _NANP_CODE
        region = default_country if at_home else "US"
    return FaxNumber(dialled, text, region)


@functools.cache
def example(default_country: str) -> str:
    """A number of that country as its sender should write it, for sentences."""
    number = phonenumbers.example_number(default_country)
    if number is None or number.country_code == _NANP_CODE:
        return "15551234567"
    return f"{number.country_code}{phonenumbers.national_significant_number(number)}"


def _read_without_plus(digits: str, country: str) -> PhoneNumber | Unfit:
    """Read digits as a number of ``country``, or, where that fails, as one with its country code in front."""
    at_home, abroad = _read(digits, country), _read(f"+{digits}", country)
    if digits.startswith("00") and not isinstance(at_home, Unfit):
        # "00" is where most of the world begins a call abroad; some countries go on with the digits of a carrier.
        abroad = _read(f"+{digits[2:]}", country)
    if isinstance(at_home, Unfit):
        # "Digits only, country code first" is how we ask for numbers; here only a listed number will do, because
        # any ten digits look like some number of some country.
        if not isinstance(abroad, Unfit) and phonenumbers.is_valid_number(abroad):
            return abroad
        return at_home
    if abroad == at_home:
        return at_home
    if isinstance(abroad, Unfit):
        if _lacks_trunk_prefix(digits, at_home):
            why = f"without {_trunk_prefix(at_home)} before its area code it could be in any town"
            return Unfit(Cause.NUMBER_SYNTAX, f"{why}; write + and country code")
        return at_home
    in_north_america = phonenumbers.country_code_for_region(country) == _NANP_CODE
    if in_north_america and (phonenumbers.is_valid_number(at_home) or not phonenumbers.is_valid_number(abroad)):
        return at_home  # ten digits are how North America writes its numbers
    spoken = [f"+{one.country_code} {phonenumbers.national_significant_number(one)}" for one in (at_home, abroad)]
    return Unfit(Cause.NUMBER_SYNTAX, f"it could be {spoken[0]} or {spoken[1]}; write it with + and country code")


def _read(text: str, country: str, *, zero_behind: str = "") -> PhoneNumber | Unfit:
    """One reading of ``text``, by the country tables and the rules of this module."""
    try:
        number = phonenumbers.parse(text, country, keep_raw_input=True)
    except phonenumbers.NumberParseException as problem:
        return Unfit(Cause.NUMBER_SYNTAX, _PARSE_PROBLEM.get(problem.error_type, "its country code is unknown"))
    bare = PhoneNumber(
        country_code=number.country_code,
        national_number=number.national_number,
        italian_leading_zero=number.italian_leading_zero,
        number_of_leading_zeros=number.number_of_leading_zeros,
    )
    national = phonenumbers.national_significant_number(bare)
    possible = phonenumbers.is_possible_number_with_reason(bare)
    if possible != ValidationResult.IS_POSSIBLE:
        return Unfit(Cause.NUMBER_SYNTAX, _LENGTH_PROBLEM.get(possible, "it has the wrong number of digits"))
    if bare.country_code == _NANP_CODE:
        fit = _NANP.fullmatch(national) is not None
    else:
        # Tables are months behind newly opened ranges: with a "+", a possible number of ordinary length will do.
        unlisted = text.startswith("+") and len(national) >= _SHORTEST_UNLISTED
        fit = phonenumbers.is_valid_number(bare) or unlisted
    if not fit:
        return Unfit(Cause.NUMBER_SYNTAX, "no number of that country looks like this")
    if not _every_digit_counts(text, number, national, country, zero_behind):
        return Unfit(Cause.NUMBER_SYNTAX, "some of its digits have no meaning; write + and country code")
    return bare


def _every_digit_counts(text: str, number: PhoneNumber, national: str, country: str, zero_behind: str) -> bool:
    """Whether what was written is [prefix] + number with nothing changed or dropped in between.

    The library drops carrier codes (Brazil), a second 1 (North America) and moves mobile prefixes (Argentina); we
    never dial what nobody wrote. ``zero_behind``: the digits before a zero in brackets.
    """
    code = str(number.country_code)
    digits = text.lstrip("+")
    if text.startswith("+"):
        return digits == code + national or (zero_behind == code and digits == f"{code}0{national}")
    if number.country_code_source == phonenumbers.CountryCodeSource.FROM_NUMBER_WITH_IDD:
        home = phonenumbers.PhoneMetadata.metadata_for_region(country)
        prefix = digits.removesuffix(code + national)
        return home is not None and re.fullmatch(home.international_prefix or "", prefix) is not None
    return digits in (national, _trunk_prefix(number) + national, code + national)


def _lacks_trunk_prefix(digits: str, number: PhoneNumber) -> bool:
    """Whether people of that country would not call from one town to another by ``digits``.

    There, 30123456 is somebody in the caller's own town, and not 030 123456 in Berlin.
    """
    national = phonenumbers.national_significant_number(number)
    at_home = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return digits == national and re.sub("[^0-9]", "", at_home) == _trunk_prefix(number) + national != national


def _trunk_prefix(number: PhoneNumber) -> str:
    region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    return phonenumbers.ndd_prefix_for_region(region, True) or ""


_PARSE_PROBLEM = {
    phonenumbers.NumberParseException.TOO_SHORT_NSN: "it is too short",
    phonenumbers.NumberParseException.TOO_SHORT_AFTER_IDD: "it is too short",
    phonenumbers.NumberParseException.NOT_A_NUMBER: "it is too short",
    phonenumbers.NumberParseException.TOO_LONG: "it is too long",
}
_LENGTH_PROBLEM = {
    ValidationResult.TOO_SHORT: "it is too short",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "it lacks its area code",
    ValidationResult.TOO_LONG: "it is too long",
    ValidationResult.INVALID_COUNTRY_CODE: "its country code is unknown",
}


def _why_no_number(text: str) -> str:
    if any(char.isalpha() for char in text):
        return "it contains letters, and extensions and names can't be dialled"
    if any(char in ",;*#" for char in text):
        return "pauses, extensions and service codes can't be dialled"
    if not any(char.isdigit() for char in text):
        return "it contains no digits"
    return "only digits, one leading + and the separators space - . ( ) may stand in it"
