"""Where faxes may go: the patterns of ``[destinations]`` and of sender rules, and what they say of a number.

In: patterns as they are configured, and numbers as they will be dialled. Out: ``Ruling`` values (which pattern
decided, and how), and the sentence for a sender whose fax may not go. A deny wins over every allow; a sender's
``allow`` replaces the site's, its ``deny`` joins the site's.

STANDARDS: ITU-T E.164 and its list of assigned country codes (satellite and shared codes). Tables: ``phonenumbers``.
LIMITS: the kind of a number is as new as the tables; a number that no table lists has no kind. Where the region of a
number is not certain, a region is denied when it may be there, and allowed only when it must be.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType

from mailfax.config import ConfigError
from mailfax.rules.envelope import FaxNumber

#: What "kind of a number" may stand in a pattern, and what the tables call it.
KINDS = {
    "premium": PhoneNumberType.PREMIUM_RATE,
    "shared-cost": PhoneNumberType.SHARED_COST,
    "personal": PhoneNumberType.PERSONAL_NUMBER,
    "pager": PhoneNumberType.PAGER,
    "satellite": None,
}
#: Inmarsat, the global mobile satellite systems, and the international networks that share +882 and +883.
_SATELLITE = frozenset({870, 881, 882, 883})
#: +979 is premium all over the world, +878 personal; the tables call the latter VoIP.
_KIND_OF_CODE = {979: "premium", 878: "personal", 808: "shared-cost"} | dict.fromkeys(_SATELLITE, "satellite")
# North America sells calls by area code 900 and, within other area codes, by exchange 976, which no table lists.
_NANP_PREMIUM = re.compile(r"1(?:900|[2-9][0-9]{2}976)[0-9]+")


@dataclass(frozen=True, slots=True)
class Traits:
    """What patterns ask of a number. ``regions`` are all that it may be in; ``kind`` is "" for ordinary numbers."""

    regions: frozenset[str]
    kind: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """A pattern that fired. ``owner`` is "the site" or "the sender's rule"."""

    owner: str
    key: str
    pattern: str

    def __str__(self) -> str:
        return f'{self.owner} {self.key} "{self.pattern}"'


@dataclass(frozen=True, slots=True)
class Allowed:
    """The patterns under which one sender stands. ``deny`` has (owner, pattern); ``allow`` is all of one owner."""

    home: str
    allow: tuple[str, ...]
    allowed_by: str
    deny: tuple[tuple[str, str], ...]

    def denial(self, number: FaxNumber) -> Ruling | None:
        """The deny pattern that matches the number, if one does: it wins."""
        traits = traits_of(number.dialled, number.region)
        return next(
            (
                Ruling(owner, "denies", pattern)
                for owner, pattern in self.deny
                if matches(pattern, number.dialled, traits, home=self.home, certain=False)
            ),
            None,
        )

    def permit(self, number: FaxNumber) -> Ruling | None:
        """The allow pattern that matches the number, if one does."""
        traits = traits_of(number.dialled, number.region)
        return next(
            (
                Ruling(self.allowed_by, "allows", pattern)
                for pattern in self.allow
                if matches(pattern, number.dialled, traits, home=self.home, certain=True)
            ),
            None,
        )

    def why_not(self, number: FaxNumber) -> str:
        """Why a fax to the number is refused, for its sender; "" where it may go."""
        if denied := self.denial(number):
            return str(denied)
        if self.permit(number) is None:
            return self.narrowness
        return ""

    @property
    def narrowness(self) -> str:
        """What a sender hears whose number no allow pattern means."""
        only = ", ".join(f'"{pattern}"' for pattern in self.allow) or "nothing"
        return f"{self.allowed_by} allows only {only}"


def allowed_destinations(
    home: str, site: tuple[Sequence[str], Sequence[str]], rule: tuple[Sequence[str], Sequence[str]]
) -> Allowed:
    """The patterns of the site and of a sender's rule, each (allow, deny), as they stand together."""
    (site_allow, site_deny), (rule_allow, rule_deny) = site, rule
    denied = [("the site", pattern) for pattern in site_deny] + [("the sender's rule", one) for one in rule_deny]
    if rule_allow:
        return Allowed(home, tuple(rule_allow), "the sender's rule", tuple(denied))
    return Allowed(home, tuple(site_allow), "the site", tuple(denied))


def check_pattern(pattern: str, place: str) -> None:
    """Raise the ``ConfigError`` that names ``place`` where ``pattern`` is none."""
    region = pattern in phonenumbers.SUPPORTED_REGIONS
    if not (
        pattern in ("*", "home", "international", *KINDS) or region or re.fullmatch(r"\+[1-9][0-9]{0,14}", pattern)
    ):
        kinds = ", ".join(f'"{kind}"' for kind in KINDS)
        raise ConfigError(
            f'{place}: "{pattern}" is no destination; write "*", "home", "international", a region such as "JM", the '
            f'beginning of a number such as "+1876", or one of {kinds}'
        )


def matches(pattern: str, dialled: str, traits: Traits, *, home: str, certain: bool) -> bool:
    """Whether ``pattern`` means the number; ``certain``: a region counts only if it can be no other."""
    if pattern == "*":
        return True
    if pattern.startswith("+"):
        return dialled.startswith(pattern[1:])
    if pattern in KINDS:
        return traits.kind == pattern
    if pattern == "international":
        return traits.regions != {home}
    region = home if pattern == "home" else pattern
    return traits.regions == {region} if certain else region in traits.regions


@functools.lru_cache(maxsize=4096)
def traits_of(dialled: str, region: str) -> Traits:
    """Where a number may be, and of what kind it is."""
    number = phonenumbers.parse(f"+{dialled}")
    code = number.country_code or 0
    regions = frozenset({region} if region else phonenumbers.region_codes_for_country_code(code))
    kind = "premium" if _NANP_PREMIUM.fullmatch(dialled) else _KIND_OF_CODE.get(code) or _kind(number)
    return Traits(regions, kind)


def _kind(number: PhoneNumber) -> str:
    """The kind by the tables. Exchanges ignore digits too many, so a premium number with one more is premium, too."""
    known = phonenumbers.number_type(number)
    if known != PhoneNumberType.UNKNOWN:
        return _NAMES.get(known, "")
    national = phonenumbers.national_significant_number(number)
    region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    for length in range(len(national) - 1, _SHORTEST - 1, -1):
        shorter = phonenumbers.parse(f"+{number.country_code}{national[:length]}", region)
        if kind := _NAMES.get(phonenumbers.number_type(shorter)):
            return kind
    return ""


#: No country has shorter numbers that cost more than others.
_SHORTEST = 5
_NAMES = {known: name for name, known in KINDS.items() if known is not None}
