"""What pages ask of the spool, on both engines: a user's own faxes, hours, and who is signed in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mailfax.spool import SESSION, TOKEN, KeyTaken, Owner, Spool, Wanted
from tests.spool.conftest import Clock, Mails

pytestmark = pytest.mark.anyio


async def accepted(spool: Spool, mails: Mails, **more: Any) -> str:
    """A mail with one fax; the queue ID of the mail."""
    message, content = replace(mails.message(), **more), spool.content.begin()
    content.write(b"Subject: x\r\n\r\n")
    await spool.intake.accept(message, [mails.job(message)], content)
    return message.queue_id


async def test_a_user_has_what_they_sent_and_what_came_from_their_addresses(
    spool: Spool, mails: Mails, clock: Clock
) -> None:
    by_login = await accepted(spool, mails, sender="other@example.com", login="Anna")
    by_address = await accepted(spool, mails, sender="Anna@example.com")
    await accepted(spool, mails, sender="bob@example.com", login="bob")
    owner = Owner("anna", ("anna@Example.com",))
    found = await spool.shown.faxes(owner, Wanted())
    assert {each.job.message for each in found} == {by_login, by_address}
    assert owner.has("ANNA@example.com", "") and owner.has("x@y", "ANNA") and not owner.has("", "")
    assert not Owner("", ()).has("", "") and await spool.shown.faxes(Owner("nobody", ()), Wanted()) == []


async def test_hours_count_what_was_accepted_in_them(spool: Spool, mails: Mails, clock: Clock) -> None:
    for _ in range(3):
        await accepted(spool, mails)
    [hour] = await spool.shown.hours(0.0)
    assert hour.faxes == {"accepted": 3} and hour.received == 0 and hour.at <= spool.now() < hour.at + 3600


async def test_a_bearer_is_found_by_its_secret_alone_until_it_ends(spool: Spool, mails: Mails, clock: Clock) -> None:
    bearers = spool.bearers
    assert await bearers.add("secret", SESSION, "anna", stamp="s", seconds=100)
    assert await bearers.add("other", TOKEN, "bob", name="crm") and not await bearers.add(
        "x", TOKEN, "bob", name="crm"
    )
    found = await bearers.find("secret")
    assert found and (found.login, found.kind, found.stamp) == ("anna", SESSION, "s") and "secret" not in repr(found)
    assert await bearers.find("crm") is None and await bearers.find("") is None
    assert [token.name for token in await bearers.tokens()] == ["crm"]
    clock.now += 70
    await bearers.used(found)
    again = await bearers.find("secret")
    assert again and again.used_at == spool.now()
    clock.now += 40
    assert await bearers.find("secret") is None, "it has ended"
    assert await bearers.remove(TOKEN, name="crm") and not await bearers.remove(TOKEN, name="crm")
    assert await bearers.find("other") is None


async def test_what_is_sent_under_one_key_is_one_message(spool: Spool, mails: Mails) -> None:
    first = await accepted(spool, mails, listener="[pages]", header_message_id="<key@fax>")
    with pytest.raises(KeyTaken):
        await accepted(spool, mails, listener="[pages]", header_message_id="<key@fax>")
    assert await spool.shown.by_key("<key@fax>") == first and await spool.shown.by_key("<other@fax>") == ""
    await accepted(spool, mails, listener="smtp", header_message_id="<key@fax>")
    assert (await spool.counts()).jobs == {"accepted": 2}, "mail by SMTP may say what it likes"


async def test_pages_of_a_user_are_read_newest_first_from_all_their_addresses(
    spool: Spool, mails: Mails, clock: Clock
) -> None:
    names = []
    for number in range(6):
        clock.now += 10
        more = {"login": "anna"} if number % 3 == 0 else {"sender": f"anna{number % 2}@example.com"}
        names.append(await accepted(spool, mails, received_at=clock.now, **more))
    owner, newest = Owner("Anna", ("anna0@example.com", "Anna1@example.com")), names[::-1]
    pages = [await spool.shown.faxes(owner, Wanted(), limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [[each.job.message for each in page] for page in pages] == [newest[:2], newest[2:4], newest[4:], []]
    assert len(await spool.shown.faxes(owner, Wanted(), "5551234567", limit=50)) == 6
    assert await spool.shown.faxes(owner, Wanted(), "nothing like it") == []
