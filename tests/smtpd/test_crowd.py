"""What one client may take is measured, what is remembered is bounded, and what was forgiven is forgotten."""

from __future__ import annotations

import pytest

from mailfax.config import Limits
from mailfax.smtpd.crowd import REMEMBERED, Crowd, Pails, client_key


class Clock:
    """Monotonic time that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.7", "192.0.2.8", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),  # one /64 is one client: its owner has all its addresses
        ("2001:db8::1", "2001:db8:0:1::1", False),
    ],
)
def test_a_client_is_an_address_or_a_slash_64(one: str, other: str, same: bool) -> None:
    assert (client_key(one) == client_key(other)) is same


def test_mails_of_one_client_are_measured_by_the_minute_and_others_are_not_touched() -> None:
    clock = Clock()
    crowd = Crowd(Limits(messages_per_minute=6), clock)
    assert [crowd.may_begin("192.0.2.7") for _ in range(8)] == [True] * 6 + [False] * 2
    assert crowd.may_begin("192.0.2.8")
    clock.now += 10.1  # a sixth of a minute is one mail
    assert [crowd.may_begin("192.0.2.7") for _ in range(2)] == [True, False]
    clock.now += 3600
    assert [crowd.may_begin("192.0.2.7") for _ in range(7)] == [True] * 6 + [False]


def test_no_limit_on_mails_is_no_limit() -> None:
    crowd = Crowd(Limits(messages_per_minute=0), Clock())
    assert all(crowd.may_begin("192.0.2.7") for _ in range(5000))


def test_a_client_that_guesses_passwords_waits_longer_and_longer_and_never_for_ever() -> None:
    clock = Clock()
    crowd = Crowd(Limits(), clock)
    delays = []
    for _ in range(1000):
        delays.append(crowd.login_delay("192.0.2.7"))
        crowd.login_failed("192.0.2.7")
    assert delays[:4] == [0.0] * 4  # typing errors are free
    assert delays[:20] == sorted(delays[:20]) and max(delays) <= 8.0 and delays[-1] == 8.0
    # An office behind the same address waits for no longer than that, and others not at all.
    assert crowd.login_delay("192.0.2.8") == 0.0
    clock.now += 20 * 60
    assert crowd.login_delay("192.0.2.7") == 0.0


def test_ten_thousand_addresses_and_more_are_no_more_memory() -> None:
    clock = Clock()
    pails = Pails(leak=0.01, time=clock)
    for number in range(REMEMBERED + 500):
        pails.pour(f"client {number}")
    assert len(pails) == REMEMBERED
    assert pails.level("client 0") == 0.0  # longest not heard of, so forgotten
    assert pails.level(f"client {REMEMBERED}") == 1.0


def test_who_is_heard_of_again_is_not_the_first_to_be_forgotten() -> None:
    pails = Pails(leak=0.0, time=Clock())
    for number in range(REMEMBERED):
        pails.pour(f"client {number}")
    pails.pour("client 0")
    pails.pour("stranger")
    assert pails.level("client 0") == 2.0 and pails.level("client 1") == 0.0
