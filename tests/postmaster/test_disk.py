"""Our own disk's trouble is told once, whether the spool can still store the alarm or not, and so is its end."""

from __future__ import annotations

import email
from email.policy import SMTP

import pytest

from mailfax.postmaster.disk import CALM, LOOK_EVERY, DiskAlarm
from mailfax.spool import NotCommitted, Spool
from tests.postmaster.conftest import Answers

pytestmark = pytest.mark.anyio


async def subjects(spool: Spool) -> list[str]:
    found = [await spool.outbox.get(letter.letter_id) for letter in await spool.outbox.listing()]
    return sorted(email.message_from_bytes(letter.content, policy=SMTP)["Subject"] for letter in found if letter)


@pytest.fixture
def relay() -> Answers:
    return Answers()


async def looked(alarm: DiskAlarm, clock, seconds: float = LOOK_EVERY) -> None:
    clock.now += seconds
    await alarm.round()


async def test_little_room_is_told_once_and_once_again_when_it_is_over(
    spool, clock, context, relay, monkeypatch
) -> None:
    room = 100_000_000
    monkeypatch.setattr(spool.content, "room", lambda: room)
    alarm = DiskAlarm(context, relay)
    for _ in range(5):
        await looked(alarm, clock)
    assert await subjects(spool) == ["Fax alarm: problem with the fax gateway's disk"]
    room = 5_000_000_000
    await looked(alarm, clock)
    assert len(await subjects(spool)) == 1, "it may fill again at once"
    await looked(alarm, clock, CALM)
    assert (await subjects(spool))[1] == "Fax all-clear: the fax gateway's disk is working again"


async def test_an_alarm_that_the_spool_can_not_store_goes_straight_to_the_relay(
    spool, clock, context, relay, monkeypatch
) -> None:
    async def full(letters) -> None:
        raise NotCommitted("disk full")

    monkeypatch.setattr(spool.outbox, "owe", full)
    alarm = DiskAlarm(context, relay, least_room=0)
    alarm.failed(NotCommitted("disk full"))
    for _ in range(3):
        await looked(alarm, clock)
    [(_, recipients, content)] = relay.taken
    assert recipients == ("postmaster@example.com",) and b"disk full" in content


async def test_what_is_not_the_disk_s_is_no_alarm(spool, clock, context, relay) -> None:
    alarm = DiskAlarm(context, relay, least_room=0)
    for trouble in (ValueError("bug"), ConnectionRefusedError(), TimeoutError()):
        alarm.failed(trouble)
    await looked(alarm, clock)
    assert await subjects(spool) == []
