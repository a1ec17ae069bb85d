"""Every received fax goes somewhere, whatever a site wrote; and where, by the first route that says so."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.config import Account, Route
from mailfax.config.names import caller as caller_kind
from mailfax.rules.caller import Contacts, digits_of, whole_number
from mailfax.rules.routing import Call, Routing

ADDRESSES = st.sampled_from(["a@example.com", "b@example.com", "c@example.com"])
LISTS = st.lists(ADDRESSES, max_size=3).map(tuple)
ACCOUNTS = st.sampled_from(["main", "branch", "gone"])
CALLERS = st.one_of(st.none(), st.sampled_from(["", "15551234567", "ACME FAX", "+44 20 7946 0958"]), st.text())
PATTERNS = st.sampled_from(["unknown", "+1555*", "1555*", "5551234567", "+442079460958"])
HOURS = st.sampled_from([(), ("mon-fri 08:00-18:00",), ("daily 00:00-24:00",), ("sat 9:00-12:00",)])
ROUTES = st.builds(
    Route,
    account=st.lists(ACCOUNTS, max_size=2).map(tuple),
    caller=st.lists(PATTERNS, max_size=2).map(tuple),
    hours=HOURS,
    timezone=st.sampled_from(["UTC", "Europe/Berlin", "America/Los_Angeles"]),
    deliver_to=LISTS,
    copy_to=LISTS,
    junk=st.booleans(),
)


def account(name: str, *to: str) -> Account:
    return Account(name, "http://127.0.0.1:1/api/", "5557152222", "x", tuple(to))


def routing(*routes: Route, to: tuple[str, ...] = ("office@example.com",)) -> Routing:
    return Routing(routes, (account("main", *to),), "US", "postmaster@example.com")


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@given(
    routes=st.lists(ROUTES, max_size=5),
    to=LISTS,
    name=ACCOUNTS,
    caller=CALLERS,
    moment=st.floats(min_value=0, max_value=4e9),
)
def test_no_fax_is_ever_homeless(
    routes: list[Route], to: tuple[str, ...], name: str, caller: str | None, moment: float
) -> None:
    """Whatever the routes say, and even where its account is not in the configuration any more."""
    routed = routing(*routes, to=to).to(Call(name, caller, moment))
    assert routed.to or routed.junk
    assert len(set(routed.to)) == len(routed.to), "each place once"
    if routed.junk:
        assert routed.to == () and any(route.junk for route in routes)


@given(routes=st.lists(ROUTES, max_size=5), name=ACCOUNTS, caller=CALLERS)
def test_what_is_explained_is_what_is_done(routes: list[Route], name: str, caller: str | None) -> None:
    made = routing(*routes)
    call = Call(name, caller, at("2026-11-27 12:00"))
    last = made.findings(call)[-1]
    routed = made.to(call)
    assert (last.about, last.answer) == (routed.why, True)
    assert all(finding.answer is not True for finding in made.findings(call)[:-1])


@pytest.mark.parametrize(
    ("pattern", "caller", "matches"),
    [
        ("+15551234567", "15551234567", True),
        ("+15551234567", "5551234567", True),  # ten digits are a number of the site's own country
        ("5551234567", "15551234567", True),
        ("15551234567", "+1 (555) 123-4567", True),
        ("+15551234567", "15551234568", False),
        ("+1555*", "15559999999", True),
        ("+1555*", "5559999999", True),
        ("+49*", "4955501234", False),  # area code 495, not Germany
        ("+49*", "4989123456", False),
        ("+49*", "+4989123456", True),
        ("555*", "5559999999", True),
        ("unknown", "", True),
        ("unknown", "anonymous", True),
        ("unknown", "9725550100WTF TOT 3", True),
        ("unknown", "15551234567", False),
        ("+1972*", "9725550100WTF TOT 3", False),
    ],
)
def test_callers(pattern: str, caller: str, matches: bool) -> None:
    made = routing(Route(caller=(caller_kind(pattern),), deliver_to=("a@example.com",)))
    assert (made.to(Call("main", caller, 0.0)).to == ("a@example.com",)) is matches


def test_a_caller_whom_nobody_knows_yet_matches_no_caller() -> None:
    made = routing(Route(caller=("unknown", "+1*"), junk=True))
    assert made.to(Call("main", None, 0.0)).to == ("office@example.com",)


@pytest.mark.parametrize(
    ("moment", "to"),
    [
        ("2026-11-27 07:59", "office@example.com"),
        ("2026-11-27 08:00", "day@example.com"),
        ("2026-11-27 17:59:59", "day@example.com"),
        ("2026-11-27 18:00", "office@example.com"),
        ("2026-11-28 12:00", "office@example.com"),
    ],
)
def test_hours_are_those_of_the_route_s_clock(moment: str, to: str) -> None:
    day = Route(hours=("mon-fri 08:00-18:00",), timezone="Europe/Berlin", deliver_to=("day@example.com",))
    assert routing(day).to(Call("main", "", at(moment, "Europe/Berlin"))).to == (to,)


def test_the_first_that_says_where_counts_and_copies_before_it_are_added() -> None:
    made = routing(
        Route(copy_to=("archive@example.com",)),
        Route(account=("branch",), deliver_to=("branch@example.com",)),
        Route(caller=("+1555*",), deliver_to=("a@example.com", "archive@example.com"), copy_to=("b@example.com",)),
        Route(deliver_to=("never@example.com",)),
    )
    assert made.to(Call("main", "15551234567", 0.0)).to == ("a@example.com", "archive@example.com", "b@example.com")
    assert made.to(Call("branch", "15551234567", 0.0)).to == ("branch@example.com", "archive@example.com")


def test_of_junk_nobody_hears_not_even_who_gets_copies_of_all() -> None:
    made = routing(Route(copy_to=("archive@example.com",)), Route(caller=("unknown",), junk=True))
    routed = made.to(Call("main", "", 0.0))
    assert (routed.to, routed.junk, routed.why) == ((), True, "route 2")


def test_without_routes_it_is_the_account_s_and_without_that_the_postmaster_s() -> None:
    assert routing().to(Call("main", "", 0.0)).to == ("office@example.com",)
    assert routing(to=()).to(Call("main", "", 0.0)).to == ("postmaster@example.com",)


@pytest.mark.parametrize(
    ("caller", "whole"),
    [
        ("15557654321", "15557654321"),
        ("+15557654321", "15557654321"),
        ("+44 20 7946 0958", "442079460958"),
        ("5557654321", ""),
        ("442079460958", ""),
        ("", ""),
        ("ACME 15557654321", ""),
        ("1911", ""),
    ],
)
def test_an_answer_goes_only_to_a_number_with_its_country_code(caller: str, whole: str) -> None:
    assert whole_number(caller, "US") == whole


@pytest.mark.parametrize(
    ("number", "caller", "name"),
    [
        ("+15551234567", "15551234567", "ACME"),
        ("+15551234567", "5551234567", "ACME"),
        ("5551234567", "+15551234567", "ACME"),
        ("+15551234567", "15551234568", ""),
        ("+15551234567", "", ""),
        ("+15551234567", "15551234567 ACME", ""),
    ],
)
def test_whose_number_it_is(number: str, caller: str, name: str) -> None:
    assert Contacts.of([(number, "ACME"), (number, "never")], "US").name_of(caller) == name


@pytest.mark.parametrize(
    ("caller", "digits"),
    [("+1 (555) 123-4567", "15551234567"), ("9725550100WTF TOT 3", ""), ("", ""), ("٣٤٥", ""), ("1 ", "1")],
)
def test_a_number_is_one_only_if_the_whole_field_reads_as_one(caller: str, digits: str) -> None:
    assert digits_of(caller) == digits
