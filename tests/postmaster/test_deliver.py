"""Every letter is taken, or its loss is told: whatever the relay says, and whenever we die."""

from __future__ import annotations

import email
import mailbox
from email.policy import SMTP
from pathlib import Path

import pytest

from mailfax.letters import forward_to_postmaster
from mailfax.postmaster import deliver
from mailfax.postmaster.deliver import Deliver
from mailfax.relay import Maildir
from mailfax.rules.failure import Impossible, InDoubt, NotSent, Refused
from mailfax.rules.job import Letter
from mailfax.rules.states import LetterState
from mailfax.spool import Spool
from tests.postmaster.conftest import LIMITS, SITE, Answers, Clock

pytestmark = pytest.mark.anyio

NOT_NOW = NotSent("The mail server does not take the mail now", diagnostic="smtp; 451 later")
SILENCE = InDoubt("The mail server did not say", diagnostic="smtp; silence")


async def states(spool: Spool) -> dict[str, LetterState]:
    return {letter.letter_id: letter.state for letter in await spool.outbox.listing()}


async def test_a_letter_reaches_its_mailbox_as_it_was_written(spool, context, a_letter, tmp_path: Path) -> None:
    work = Deliver(context, Maildir(tmp_path / "mail", "fax.example.com"))
    await spool.outbox.owe([a_letter()])
    assert await work.round()
    assert not await work.round()
    (mail,) = mailbox.Maildir(tmp_path / "mail" / "alice@example.com", create=False)
    assert mail["Subject"] == "delivered"
    assert await states(spool) == {"L000000001": LetterState.HANDED_OVER}


@pytest.mark.parametrize("failure", [NOT_NOW, SILENCE], ids=["not now", "in doubt"])
async def test_what_was_not_surely_taken_is_tried_again_later(spool, clock, context, a_letter, failure) -> None:
    relay = Answers(failure)
    work = Deliver(context, relay)
    letter: Letter = a_letter()
    await spool.outbox.owe([letter])
    assert await work.round()
    (waiting,) = await spool.outbox.listing()
    assert (waiting.state, waiting.problem) == (LetterState.WAITING, failure.diagnostic)
    assert waiting.next_attempt_at == clock.now + 10.0
    assert not await work.round(), "not before its time"
    clock.now += 11.0
    assert await work.round()
    # The copy is the same mail with the same Message-ID.
    assert relay.asked[0] == relay.asked[1] == relay.taken[0]


async def test_waits_grow(spool, clock, context, a_letter) -> None:
    work = Deliver(context, Answers(*[NOT_NOW] * 4))
    await spool.outbox.owe([a_letter()])
    waits = []
    for _ in range(4):
        assert await work.round()
        (waiting,) = await spool.outbox.listing()
        waits.append(waiting.next_attempt_at - clock.now)
        clock.now = waiting.next_attempt_at
    assert waits == [10.0, 20.0, 40.0, 80.0]


async def test_a_time_that_the_relay_names_is_kept(spool, clock, context, a_letter) -> None:
    work = Deliver(context, Answers(NotSent("later", retry_after=1000.0)))
    await spool.outbox.owe([a_letter()])
    await work.round()
    (waiting,) = await spool.outbox.listing()
    assert waiting.next_attempt_at == clock.now + 1000.0


async def test_a_letter_that_can_not_be_written_to_anybody_is_told_to_the_postmaster_without_its_content(
    spool, context, a_letter
) -> None:
    relay = Answers(Impossible("The address can't be written", diagnostic="x-mailfax; bad address"))
    work = Deliver(context, relay)
    await spool.outbox.owe([a_letter(kind="received", content=b"Subject: fax\r\n\r\nSECRET PAGES\r\n")])
    assert await work.round()
    assert await states(spool) == {
        "L000000001": LetterState.UNDELIVERABLE,
        "M000000001": LetterState.WAITING,
    }
    assert await work.round()
    sender, recipients, content = relay.taken[0]
    assert (sender, recipients) == ("", ("postmaster@example.com",))
    mail = email.message_from_bytes(content, policy=SMTP)
    assert mail["Subject"] == "Undeliverable: received fax for alice@example.com"
    assert "bad address" in mail.get_body(("plain",)).get_content()
    assert b"SECRET" not in content


async def test_a_letter_that_grew_too_old_is_given_up_and_told(spool, clock, context, a_letter) -> None:
    work = Deliver(context, Answers(*[NOT_NOW] * 2))
    await spool.outbox.owe([a_letter()])
    await work.round()
    clock.now += LIMITS.letter_seconds
    assert await work.round()
    assert await states(spool) == {
        "L000000001": LetterState.UNDELIVERABLE,
        "M000000001": LetterState.WAITING,
    }


async def test_a_clock_that_leaps_makes_no_letter_old(spool, clock, leaping, a_letter) -> None:
    """Set ahead by weeks, and back: the relay did not take it for a while, and then it does."""
    relay = Answers(*[NOT_NOW] * 4)
    work = Deliver(leaping.context, relay)
    await spool.outbox.owe([a_letter()])
    await work.round()
    leaping.leap(3 * LIMITS.letter_seconds)
    for _ in range(3):
        clock.now += 60
        await spool.outbox.make_due()
        assert await work.round()
    leaping.leap(-3 * LIMITS.letter_seconds)
    await spool.outbox.make_due()
    await work.round()
    assert (await states(spool))["L000000001"] is LetterState.HANDED_OVER


async def test_even_an_old_letter_is_tried_once_more_before_it_is_given_up(spool, clock, context, a_letter) -> None:
    """The bridge may have been down for a week: age alone loses nothing."""
    await spool.outbox.owe([a_letter()])
    clock.now += 2 * LIMITS.letter_seconds
    relay = Answers()
    assert await Deliver(context, relay).round()
    assert len(relay.taken) == 1


async def test_an_alarm_that_nobody_takes_is_not_followed_by_another(spool, clock, context, a_letter) -> None:
    work = Deliver(context, Answers(*[NOT_NOW] * 3))
    await spool.outbox.owe([a_letter(kind="alarm", recipients=("postmaster@example.com",))])
    clock.now += LIMITS.letter_seconds
    assert await work.round()
    assert not await work.round()
    assert await states(spool) == {"L000000001": LetterState.UNDELIVERABLE}


async def test_a_letter_whose_process_died_is_handed_over_by_the_next(spool, clock: Clock, context, a_letter) -> None:
    await spool.outbox.owe([a_letter()])
    assert await spool.outbox.claim(deliver.LEASE)  # and the process dies here
    relay = Answers()
    work = Deliver(context, relay)
    assert not await work.round(), "the lease still runs"
    clock.now += deliver.LEASE + 1
    assert await work.round()
    assert len(relay.taken) == 1


async def test_the_lease_is_kept_while_a_slow_relay_reads(spool, clock, context, a_letter, monkeypatch) -> None:
    monkeypatch.setattr(deliver, "LEASE", 0.03)
    renewed: list[float] = []

    class Slow(Answers):
        async def hand_over(self, sender, recipients, content) -> None:
            bell = spool.bell()
            (before,) = await spool.outbox.listing()
            while not renewed:
                clock.now += 0.02
                await bell.wait(1.0)
                (now_is,) = await spool.outbox.listing()
                if now_is.lease_until > before.lease_until:
                    renewed.append(now_is.lease_until)
            await super().hand_over(sender, recipients, content)

    await spool.outbox.owe([a_letter()])
    assert await Deliver(context, Slow()).round()
    assert await states(spool) == {"L000000001": LetterState.HANDED_OVER}


async def test_who_lost_the_lease_leaves_the_letter_to_its_new_owner(spool, clock, context, a_letter) -> None:
    class Late(Answers):
        async def hand_over(self, sender, recipients, content) -> None:
            clock.now += deliver.LEASE + 1
            await spool.outbox.recover()
            await super().hand_over(sender, recipients, content)

    await spool.outbox.owe([a_letter()])
    assert await Deliver(context, Late()).round()
    assert await states(spool) == {"L000000001": LetterState.WAITING}


async def test_mail_for_the_postmaster_is_passed_on_with_its_sender(spool, marks, context, accepted) -> None:
    job = await accepted()
    message = await spool.intake.message(job.message)
    forward = forward_to_postmaster(
        SITE, marks(), sender="carol@example.com", content_id=message.content_id, about=message.queue_id
    )
    await spool.outbox.owe([forward])
    relay = Answers()
    assert await Deliver(context, relay).round()
    assert relay.taken == [
        (
            "carol@example.com",
            ("postmaster@example.com",),
            b"Subject: Invoice 12\r\nX-Mark: original\r\n\r\nthe body\r\n",
        )
    ]


async def test_a_damaged_letter_is_never_handed_over(spool, context, a_letter, tmp_path: Path) -> None:
    await spool.outbox.owe([a_letter(content=b"Subject: x\r\n\r\n" + b"pages " * 20_000)])
    (stored,) = [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size == 120_014]
    stored.unlink()
    relay = Answers()
    work = Deliver(context, relay)
    assert await work.round()
    assert relay.asked == []
    assert (await states(spool))["L000000001"] is LetterState.UNDELIVERABLE
    assert await work.round()
    assert relay.taken[0][1] == ("postmaster@example.com",)


async def test_an_unforeseen_failure_is_tried_again_later_and_ended_by_age(spool, clock, context, a_letter) -> None:
    work = Deliver(context, Answers(*[ValueError("relay.py broke")] * 2))
    await spool.outbox.owe([a_letter()])
    assert await work.round()
    (waiting,) = await spool.outbox.listing()
    assert (waiting.state, waiting.problem) == (LetterState.WAITING, "x-mailfax; ValueError")
    assert waiting.next_attempt_at == clock.now + 10.0
    clock.now += LIMITS.letter_seconds
    assert await work.round()
    assert await states(spool) == {
        "L000000001": LetterState.UNDELIVERABLE,
        "M000000001": LetterState.WAITING,
    }


async def test_a_folder_that_does_not_take_faxes_keeps_no_mail_waiting_and_is_told(
    spool, clock, context, a_letter
) -> None:
    """Each kind of place has its own worker, its own trouble, and the postmaster hears by mail."""
    gone = NotSent("The folder is not there", diagnostic="x-mailfax; no such folder")
    elsewhere, relay = Deliver(context, Answers(*[gone] * 200), elsewhere=True), Answers()
    mail = Deliver(context, relay)
    await spool.outbox.owe([a_letter(recipients=("folder:/srv/fax",), kind="received"), a_letter()])
    assert await mail.round() and not await mail.round()
    while await elsewhere.round():
        clock.now += LIMITS.letter_seconds / 10
    assert (await states(spool))["L000000001"] is LetterState.UNDELIVERABLE
    assert await mail.round()
    told = email.message_from_bytes(relay.taken[-1][2], policy=SMTP)
    assert told["To"] == SITE.postmaster and told["Subject"] == "Undeliverable: received fax for folder:/srv/fax"
    assert "could not hand over what belongs there" in " ".join(told.get_body(("plain",)).get_content().split())


async def test_a_webhook_that_refuses_everything_for_a_while_loses_nothing(spool, clock, context, a_letter) -> None:
    refused = Refused("The webhook refused the fax: 404", diagnostic="http; 404")
    work = Deliver(context, Answers(*[refused] * 6), elsewhere=True)
    for place in ("webhook:https://a.example/", "webhook:https://b.example/"):
        await spool.outbox.owe([a_letter(recipients=(place,), kind="received")])
    for _ in range(60):
        await work.round()
        clock.now += 60.0
    assert set((await states(spool)).values()) == {LetterState.HANDED_OVER}
    assert not [letter for letter in await spool.outbox.listing() if letter.kind == "alarm"]
