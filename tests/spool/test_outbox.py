"""A letter is handed over by one process at a time, and one that can't be is never lost from sight."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mailfax.rules.states import LetterEvent, LetterState
from mailfax.spool import Outdated, QueueIdTaken, Spool

if TYPE_CHECKING:
    from tests.spool.conftest import Clock, Database, Mails

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("size", [10, 100_000])
async def test_a_letter_comes_back_with_its_content(size: int, spool: Spool, mails: Mails) -> None:
    letter = mails.letter(content=b"x" * size, recipients=("a@example.com", "b@example.com"))
    await spool.outbox.owe([letter])
    claimed = await spool.outbox.claim(60)
    assert claimed
    assert (claimed.content, claimed.recipients) == (letter.content, letter.recipients)
    assert (claimed.state, claimed.attempts, claimed.epoch) == (LetterState.HANDING_OVER, 1, spool.epoch)
    assert await spool.outbox.claim(60) is None
    taken = await spool.outbox.advance(claimed, claimed.after(LetterEvent.TAKEN), LetterEvent.TAKEN, detail="250")
    assert await spool.outbox.get(letter.letter_id) == taken
    events = [line.event for line in await spool.history.of(letter.letter_id)]
    assert events == ["letter owed", "letter claimed", "letter taken"]
    with pytest.raises(Outdated):
        await spool.outbox.advance(claimed, claimed.after(LetterEvent.NOT_TAKEN), LetterEvent.NOT_TAKEN)


async def test_letters_go_by_time(spool: Spool, mails: Mails, clock: Clock) -> None:
    first, second, third = (mails.letter(next_attempt_at=clock.now + wait) for wait in (0, 1, 2))
    await spool.outbox.owe([third, second, first])
    clock.now += 1
    taken = [await spool.outbox.claim(60) for _ in range(3)]
    assert [letter and letter.letter_id for letter in taken] == [first.letter_id, second.letter_id, None]


async def test_a_letter_whose_process_died_waits_again(spool: Spool, mails: Mails, clock: Clock) -> None:
    await spool.outbox.owe([mails.letter(about="B000000001-1")])
    claimed = await spool.outbox.claim(60)
    assert claimed
    clock.now += 59
    assert await spool.outbox.recover() == 0
    claimed = await spool.outbox.renew(claimed, 2)
    clock.now += 2
    with pytest.raises(Outdated):
        await spool.outbox.renew(claimed, 60)
    assert await spool.outbox.recover() == 1
    again = await spool.outbox.claim(60)
    assert again
    assert again.attempts == 2
    assert [line.event for line in await spool.history.of("B000000001-1")][2] == "letter its process died"
    with pytest.raises(Outdated):
        await spool.outbox.advance(claimed, claimed.after(LetterEvent.TAKEN), LetterEvent.TAKEN)


async def test_not_taken_waits_and_refused_owes_an_alarm(spool: Spool, mails: Mails, clock: Clock) -> None:
    await spool.outbox.owe([mails.letter()])
    claimed = await spool.outbox.claim(60)
    assert claimed
    waits = claimed.after(LetterEvent.NOT_TAKEN, next_attempt_at=clock.now + 30, problem="451")
    await spool.outbox.advance(claimed, waits, LetterEvent.NOT_TAKEN, detail="451")
    assert await spool.outbox.claim(60) is None
    clock.now += 30
    again = await spool.outbox.claim(60)
    assert again
    refused = again.after(LetterEvent.REFUSED, problem="550")
    await spool.outbox.advance(again, refused, LetterEvent.REFUSED, letters=[mails.letter(kind="alarm")])
    assert (await spool.counts()).letters == {"undeliverable": 1, "waiting": 1}
    assert [letter.kind for letter in await spool.outbox.listing(states=[LetterState.WAITING])] == ["alarm"]


async def test_a_damaged_content_is_said_and_stops_no_other(
    spool: Spool, mails: Mails, clock: Clock, database: Database
) -> None:
    broken = mails.letter(content=b"x" * 100_000)
    good = mails.letter(next_attempt_at=clock.now + 1)
    await spool.outbox.owe([broken, good])
    [row] = await spool.outbox.listing(states=[LetterState.WAITING], limit=1, offset=1)
    await database.lose(row.content_id)
    clock.now += 1
    first, second = await spool.outbox.claim(60), await spool.outbox.claim(60)
    assert first
    assert second
    assert (first.letter_id, first.content) == (broken.letter_id, b"")
    assert row.content_id in first.problem
    assert replace(second, content=b"") != second


async def test_a_letter_id_in_use_stores_none_of_them(spool: Spool, mails: Mails, database: Database) -> None:
    letter = mails.letter()
    await spool.outbox.owe([letter])
    with pytest.raises(QueueIdTaken):
        await spool.outbox.owe([mails.letter(content=b"x" * 100_000), letter])
    assert (await spool.counts()).letters == {"waiting": 1}
    assert await database.large_left(spool) == 0
    await spool.outbox.owe([])


async def test_what_goes_elsewhere_waits_in_a_line_of_its_own(spool: Spool, mails: Mails, clock: Clock) -> None:
    mail = mails.letter()
    folder = mails.letter(recipients=("folder:/srv/fax",), kind="received", next_attempt_at=clock.now + 30)
    await spool.outbox.owe([folder, mail])
    assert [min(await spool.outbox.next_at(elsewhere=no_mail)) for no_mail in (False, True)] == [
        clock.now,
        clock.now + 30,
    ]
    assert await spool.outbox.claim(60, elsewhere=True) is None, "not due"
    assert await spool.outbox.make_due() == 1, "of mail alone"
    clock.now += 31
    claimed = await spool.outbox.claim(60, elsewhere=True)
    assert claimed is not None and claimed.letter_id == folder.letter_id
    assert await spool.outbox.claim(60, elsewhere=True) is None
    claimed = await spool.outbox.claim(60)
    assert claimed is not None and claimed.letter_id == mail.letter_id
    assert await spool.outbox.claim(60) is None


@pytest.mark.parametrize(
    ("address", "is_mail"),
    [("folder:/x", False), ("webhook:https://x", False), ('"folder:x"@example.com', True), ("a@[IPv6:::1]", True)],
)
async def test_no_address_of_a_person_is_taken_for_a_place(
    spool: Spool, mails: Mails, address: str, is_mail: bool
) -> None:
    await spool.outbox.owe([mails.letter(recipients=(address,))])
    assert (await spool.outbox.claim(60) is not None) is is_mail
