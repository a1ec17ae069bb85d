"""Where faxes may go: decided by region and kind, not by how a number looks."""

from __future__ import annotations

import pytest

from mailfax.config import ConfigError
from mailfax.rules.destination import allowed_destinations, check_pattern
from mailfax.rules.envelope import FaxNumber
from mailfax.rules.number import read_number


def number(dialled: str) -> FaxNumber:
    found = read_number(f"+{dialled}", default_country="US")
    assert isinstance(found, FaxNumber) and found.dialled == dialled
    return found


def may(dialled: str, allow: tuple[str, ...] = ("*",), deny: tuple[str, ...] = (), home: str = "US") -> bool:
    return not allowed_destinations(home, (allow, deny), ((), ())).why_not(number(dialled))


@pytest.mark.parametrize(
    ("pattern", "dialled", "is_one"),
    [
        ("*", "442079460958", True),
        ("home", "13125551234", True),
        ("home", "15551234567", True),  # nobody's area code, and the one that examples use
        ("home", "18765551234", False),  # Jamaica
        ("home", "14165551234", False),  # Canada
        ("home", "442079460958", False),
        ("international", "18765551234", True),
        ("international", "14165551234", True),
        ("international", "442079460958", True),
        ("international", "13125551234", False),
        ("international", "15551234567", False),
        ("international", "881612345678", True),
        ("JM", "18765551234", True),
        ("JM", "13125551234", False),
        ("GB", "442079460958", True),
        ("GB", "441481720000", False),  # Guernsey
        ("+1876", "18765551234", True),
        ("+1876", "18775551234", False),
        ("+4420", "442079460958", True),
        ("premium", "19005551234", True),
        ("premium", "12129761234", True),
        ("premium", "13129001234", False),
        ("premium", "449061234567", True),
        ("premium", "499001234567", True),
        ("premium", "4990012345678", True),  # a digit more than the tables know: exchanges pass over it
        ("premium", "4930123456789", False),
        ("premium", "979123456789", True),
        ("premium", "13125551234", False),
        ("shared-cost", "4918012345", True),
        ("personal", "447012345678", True),
        ("pager", "447640123456", True),
        ("satellite", "881612345678", True),
        ("satellite", "870773123456", True),
        ("satellite", "442079460958", False),
    ],
)
def test_what_a_pattern_means(pattern: str, dialled: str, is_one: bool) -> None:
    assert may(dialled, allow=(pattern,)) is is_one
    assert may(dialled, deny=(pattern,)) is not is_one


def test_a_number_of_uncertain_region_is_denied_where_it_may_be_and_allowed_only_where_it_must_be() -> None:
    # Area code 999 is nobody's yet: North America, and no more is known.
    assert not number("19992345678").region
    assert not may("19992345678", allow=("home",)) and not may("19992345678", allow=("JM",))
    assert not may("19992345678", deny=("JM",)) and not may("19992345678", deny=("international",))
    assert may("19992345678", deny=("DE",)) and may("19992345678", allow=("home", "international"))


def test_deny_wins_and_the_refusal_says_whose_rule_it_was() -> None:
    both = allowed_destinations("US", (("*",), ("premium",)), (("GB", "JM"), ("+1876",)))
    assert both.why_not(number("442079460958")) == ""
    assert both.why_not(number("18765551234")) == 'the sender\'s rule denies "+1876"'
    assert both.why_not(number("449061234567")) == 'the site denies "premium"'
    assert both.why_not(number("13125551234")) == 'the sender\'s rule allows only "GB", "JM"'
    site = allowed_destinations("US", (("home",), ()), ((), ()))
    assert site.why_not(number("442079460958")) == 'the site allows only "home"'


@pytest.mark.parametrize("pattern", ["", "us", "1876", "+", "+0", "+1 876", "Premium", "XX", "home ", "+1876*"])
def test_what_is_no_pattern_does_not_start(pattern: str) -> None:
    with pytest.raises(ConfigError, match=r"^\[destinations\]: .* is no destination; write"):
        check_pattern(pattern, "[destinations]")
