"""Who is told of what, for every combination: the tables of docs/reference/who-is-told.md are the expectation."""

from __future__ import annotations

import email
import itertools
import re
from email.policy import SMTP
from pathlib import Path

import pytest

from mailfax.config import SenderRule
from mailfax.letters import delayed, owed
from mailfax.rules.destination import allowed_destinations
from mailfax.rules.envelope import Notify
from mailfax.rules.senders import prepare
from mailfax.rules.states import JobState
from tests.letters import samples

TABLES = (Path(__file__).parents[2] / "docs" / "reference" / "who-is-told.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TABLES.splitlines()
    if line.startswith("|") and not line.startswith("|---")
]
WANTED = {row[0]: dict(zip(ROWS[0][1:], row[1:], strict=True)) for row in ROWS[1:10]}
READERS = {(row[0] == "an address", row[1] == "yes"): row[2:] for row in ROWS[11:]}
EVENTS = {
    JobState.DELIVERED: "delivered",
    JobState.FAILED: "failed, cancelled, unconfirmed",
    JobState.CANCELLED: "failed, cancelled, unconfirmed",
    JobState.UNCONFIRMED: "failed, cancelled, unconfirmed",
    JobState.DEFERRED: "delayed",
}
SENDER, OWNER, POSTMASTER = "alice@example.com", "owner@example.com", "postmaster@example.com"
HEADER = b"Subject: Invoice 12\r\n"
BOTH = (False, True)


def expected(wish: str, state: JobState, has_sender: bool, has_owner: bool, device: bool, notices: bool) -> list[str]:
    """[who, "message" | "report"], or nothing: as a reader of the page would say it."""
    form = WANTED[wish][EVENTS[state]]
    if wish == "not given" and state is JobState.DELIVERED and (not notices or (device and not has_owner)):
        form = "nothing"
    who, as_ = READERS[has_sender, has_owner]
    if form == "nothing" or ("of what was not delivered" in who and EVENTS[state] != EVENTS[JobState.FAILED]):
        return []
    reader = {"the sender": SENDER, "the owner": OWNER, "the postmaster": POSTMASTER}[who.partition(",")[0]]
    return [reader, form if as_ == "as above" else as_]


def test_the_page_has_every_wish_and_every_reader() -> None:
    wishes = {frozenset(found) for found in (re.findall("[A-Z]{5,}", wish) for wish in WANTED)}
    asked = [Notify.SUCCESS.name, Notify.FAILURE.name, Notify.DELAY.name]
    subsets = [frozenset(one) for n in range(4) for one in itertools.combinations(asked, n)]
    assert wishes == {*subsets, frozenset({Notify.NEVER.name})} and len(WANTED) == 9
    assert READERS.keys() == set(itertools.product(BOTH, BOTH))


@pytest.mark.parametrize("wish", WANTED)
def test_those_are_told_whom_the_page_names(wish: str) -> None:
    notify = frozenset(Notify[name] for name in re.findall("[A-Z]{5,}", wish)) or None
    destinations = allowed_destinations("US", ((), ()), ((), ()))
    for state, ret, *given in itertools.product(EVENTS, ("", "FULL", "HDRS"), BOTH, BOTH, BOTH, BOTH):
        has_sender, has_owner, device, notices = given
        sender, owner = SENDER if has_sender else "", OWNER if has_owner else ""
        rule = SenderRule(account="main", notify=owner, success_notice=notices)
        grant = prepare(1, rule, destinations).grant(sender, "", device=device)
        message = samples.a_message(
            sender=sender, owner=grant.notify, success_notice=grant.success_notice, ret=ret, envid="E1"
        )
        job = samples.a_job(state, notify=notify)
        tell = delayed if state is JobState.DEFERRED else owed
        told = []
        for letter in tell(samples.SITE, message, samples.DOCUMENT, (job,), HEADER, samples.MARKS, sandbox=False):
            mail = email.message_from_bytes(letter.content, policy=SMTP)
            report = mail.get_content_type() == "multipart/report"
            told += [mail["To"], "report" if report else "message"]
            assert letter.sender == "" and letter.recipients == (mail["To"],)
            assert not [part for part in mail.walk() if part.get_content_type() == "message/rfc822"], (
                "only the header"
            )
        assert told == expected(wish, state, *given), (state, ret, given)
