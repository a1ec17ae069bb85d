"""The client at a sandbox with each of its quirks: what a real service may do otherwise harms nothing.

Every quirk of the sandbox has a test here that is named after it; the last test fails where one has none.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from mailfax.config import Account
from mailfax.faxcore import errors
from mailfax.faxcore.client import FaxCore
from mailfax.faxcore.values import CoverFields, FaxDetails, Folder, Progress, progress_of
from mailfax.rules.reference import references_in, with_reference
from mailfax.sandbox.quirks import Quirks
from mailfax.wiring import connect
from tests.offramp.conftest import account, sandbox
from tests.offramp.pipeline import NUMBER, Sandbox
from tests.support.documents import pdf

__all__ = ["account", "sandbox"]

pytestmark = pytest.mark.anyio

AT_ONCE, FOR_EVER, REFUSED, LATE, HIDDEN = (f"120255501{code}" for code in ("00", "06", "10", "24", "29"))

Send = Callable[..., Awaitable[str]]


@dataclass
class Far:
    """The sandbox, and this side's client of one account there."""

    sandbox: Sandbox
    account: Account
    core: FaxCore
    send: Send

    async def quirk(self, **given: Any) -> None:
        await self.sandbox.control("quirks", given)

    async def fax(self, number: str = AT_ONCE, **more: Any) -> str:
        return await self.send(self.core, number=number, **{"document": pdf(1)} | more)

    async def ids(self, folder: Folder, *, hide_downloaded: bool = False) -> list[str]:
        return [fax_id async for fax_id in self.core.list_folder(folder, hide_downloaded=hide_downloaded)]

    async def drop_in(self) -> str:
        """A fax that somebody sent to this account; its id."""
        url = f"{self.account.base_url.removesuffix('api/')}_sandbox/inbound?account={NUMBER}&caller=15557654321"
        async with httpx.AsyncClient(trust_env=False) as http:
            reply = await http.post(url, content=pdf(1))
        fax_id: str = reply.json()["ids"][0]
        return fax_id

    async def advance(self, seconds: float) -> None:
        await self.sandbox.control("clock", {"advance_seconds": seconds})

    async def calls(self) -> int:
        return len(await self.sandbox.control("requests", method="GET"))

    async def everything(self) -> FaxDetails:
        """All six calls, each understood."""
        fax_id = await self.fax(cover=CoverFields(subject="Invoice 12"))
        assert await self.core.fax_status(fax_id) == "Completed"
        details = await self.core.fax_details(fax_id)
        assert (details.progress, details.subject, details.number) == (Progress.SUCCESS, "Invoice 12", AT_ONCE)
        assert await self.ids(Folder.SENT) == [fax_id]
        received = await self.drop_in()
        assert await self.ids(Folder.INBOX) == [received]
        pages = io.BytesIO()
        assert await self.core.download_fax(received, filetype="PDF", to=pages) == len(pages.getvalue())
        await self.core.delete_fax(received)
        assert await self.ids(Folder.INBOX) == []
        with pytest.raises(errors.NotKnown):
            await self.core.fax_status("999")
        return details


@pytest.fixture
async def far(sandbox: Sandbox, account: Account, send: Send) -> AsyncIterator[Far]:
    core = connect(account)
    yield Far(sandbox, account, core, send)
    await core.aclose()


async def test_quirk_none(far: Far) -> None:
    await far.everything()


async def test_quirk_without_api(far: Far) -> None:
    await far.quirk(without_api=True)
    core = connect(replace(far.account, base_url=far.account.base_url.removesuffix("api/")))
    await Far(far.sandbox, far.account, core, far.send).everything()
    await core.aclose()


@pytest.mark.parametrize("quirk", ["list_results", "negotiates", "namespace", "utf16_decl", "leading_newline"])
async def test_quirk_list_results_negotiates_namespace_utf16_decl_leading_newline(far: Far, quirk: str) -> None:
    await far.quirk(**{quirk: True})
    await far.everything()


async def test_quirk_bom(far: Far) -> None:
    await far.quirk(bom=True)
    await far.everything()
    assert far.core.observed.byte_order_mark


@pytest.mark.parametrize("quirk", ["ignores_flag", "isdownloaded_only", "no_mark"])
async def test_quirk_ignores_flag_isdownloaded_only_no_mark(far: Far, quirk: str) -> None:
    """What was downloaded may be shown where it is to be hidden; all is shown where nothing is hidden."""
    received = await far.drop_in()
    await far.core.download_fax(received, filetype="PDF", to=io.BytesIO())
    assert await far.ids(Folder.INBOX, hide_downloaded=True) == []
    other = await far.drop_in()
    await far.quirk(**{quirk: True})
    await far.core.download_fax(other, filetype="PDF", to=io.BytesIO())
    assert other in await far.ids(Folder.INBOX, hide_downloaded=True)
    assert sorted(await far.ids(Folder.INBOX)) == sorted([received, other])


async def test_quirk_form_parser(far: Far) -> None:
    await far.quirk(form_parser=True)
    with pytest.raises(errors.InDoubt):
        await far.fax()
    core = connect(replace(far.account, content_type="application/octet-stream"))
    assert await far.send(core, number=AT_ONCE, document=pdf(1)) in await far.ids(Folder.SENT)
    await core.aclose()


@pytest.mark.parametrize("download", ["bare", "wrapped", "76_columns", "quoted_json", "raw"])
async def test_quirk_download(far: Far, download: str) -> None:
    received = await far.drop_in()
    await far.quirk(download=download)
    for filetype, magic in (("PDF", b"%PDF"), ("TIF", b"II*\0")):
        pages = io.BytesIO()
        await far.core.download_fax(received, filetype=filetype, to=pages)  # type: ignore[arg-type]
        assert pages.getvalue().startswith(magic)


async def test_quirk_error_element(far: Far) -> None:
    await far.quirk(error_element=True)
    await far.everything()
    with pytest.raises(errors.Refused):
        await far.fax(REFUSED)


async def test_quirk_all_500(far: Far) -> None:
    """An error that says nothing proves nothing: neither "not known" nor "not accepted" is concluded from it."""
    await far.quirk(all_500=True)
    with pytest.raises(errors.Unavailable):
        await far.core.fax_status("999")
    with pytest.raises(errors.InDoubt):
        await far.fax(REFUSED)


async def test_quirk_guid(far: Far) -> None:
    await far.quirk(guid=True)
    fax_id = (await far.everything()).fax_id
    assert len(fax_id) == 36


async def test_quirk_novel_words(far: Far) -> None:
    await far.quirk(novel_words=True)
    fax_id = await far.fax()
    word = await far.core.fax_status(fax_id)
    assert progress_of(word) is Progress.UNKNOWN
    assert far.core.observed.unknown_words == {word}
    assert fax_id in await far.ids(Folder.SENT), "its folder tells"


async def test_quirk_min_date(far: Far) -> None:
    await far.quirk(min_date=True)
    details = await far.core.fax_details(await far.fax(FOR_EVER))
    assert details.completed is None and details.created is not None


async def test_quirk_fixed_zone(far: Far) -> None:
    await far.quirk(fixed_zone=True)
    now = datetime.now(UTC)
    summer = datetime(now.year + 1, 7, 1, 12, tzinfo=UTC)
    await far.advance((summer - now).total_seconds())
    fax_id = await far.fax()
    created = (await far.core.fax_details(fax_id, submitted=summer)).created
    assert created is not None and abs((created - summer).total_seconds()) < 60, "learned from a fax of ours"
    assert far.core.observed.hours_off == -1 or far.core.observed.hours_off == 1
    core = connect(replace(far.account, server_timezone="Etc/GMT+8"))
    created = (await core.fax_details(fax_id)).created
    assert created is not None and abs((created - summer).total_seconds()) < 60, "read in the zone given"
    await core.aclose()


async def test_quirk_own_number(far: Far) -> None:
    await far.quirk(own_number=True)
    details = await far.core.fax_details(await far.drop_in())
    assert (details.inbound, details.number) == (True, NUMBER)


async def test_quirk_query_limit(far: Far) -> None:
    """What leaves us is shorter than IIS's own limit; a shorter one looks like any 404, and proves nothing."""
    wordy = CoverFields(subject="Invoice", notes="Please look at this today. " * 200)
    await far.fax(cover=wordy)
    await far.quirk(query_limit=500)
    with pytest.raises(errors.InDoubt):
        await far.fax(cover=wordy)


async def test_quirk_four_megabytes(far: Far) -> None:
    large = b"%PDF-1.4\n" + bytes(4_200_000)
    await far.fax(document=large)
    await far.quirk(four_megabytes=True)
    with pytest.raises(errors.PerhapsTooLarge):
        await far.fax(document=large)
    await far.fax(document=large[:4_000_000])


@pytest.mark.parametrize("status", ["429", "503"])
async def test_quirk_rate_limit_rate_status(far: Far, status: str) -> None:
    await far.quirk(rate_limit=3, rate_status=status)
    for _ in range(3):
        await far.ids(Folder.INBOX)
    with pytest.raises(errors.Unavailable) as raised:
        await far.ids(Folder.INBOX)
    assert raised.value.retry_after and 0 < raised.value.retry_after <= 60
    made = await far.calls()
    with pytest.raises(errors.Unavailable) as again:
        await far.ids(Folder.INBOX)
    assert again.value.retry_after and await far.calls() == made, "nothing is asked before the moment that was named"
    with pytest.raises(errors.NotSent) as unsent:
        await far.fax()
    assert unsent.value.retry_after


async def test_quirk_cap(far: Far) -> None:
    faxes = [await far.fax() for _ in range(3)]
    await far.quirk(cap=2)
    assert await far.ids(Folder.SENT) == faxes[:0:-1]


async def test_quirk_random_order(far: Far) -> None:
    faxes = [await far.fax() for _ in range(3)]
    await far.quirk(random_order=True)
    assert sorted(await far.ids(Folder.SENT)) == sorted(faxes)


async def test_quirk_cut_subject(far: Far) -> None:
    """Where an account cuts subjects, the reference stands in front; the number and the time are there anyway."""
    await far.quirk(cut_subject=12)
    subject = with_reference("Minutes of the meeting", "7K3Q2M", "front")
    details = await far.core.fax_details(await far.fax(cover=CoverFields(subject=subject)))
    assert len(details.subject) == 12
    assert "7K3Q2M" in references_in(details.subject)


async def test_quirk_expiry(far: Far) -> None:
    fax_id = await far.fax()
    await far.quirk(expiry=60)
    await far.advance(3_700)
    with pytest.raises(errors.NotKnown):
        await far.core.fax_details(fax_id)
    assert await far.ids(Folder.SENT) == []


async def test_quirk_reply_delay_seconds(far: Far) -> None:
    await far.quirk(reply_delay_seconds=5)
    core = connect(replace(far.account, timeout_seconds=0.5))
    with pytest.raises(errors.InDoubt):
        await far.send(core, number=LATE, document=pdf(1))
    await core.aclose()
    assert len(await far.ids(Folder.SENT) + await far.ids(Folder.OUTBOX)) == 1, "it was accepted"


async def test_quirk_listed_after_minutes(far: Far) -> None:
    await far.quirk(listed_after_minutes=5)
    with pytest.raises(errors.InDoubt):
        await far.fax(HIDDEN)
    assert await far.ids(Folder.SENT) + await far.ids(Folder.OUTBOX) == []
    await far.advance(301)
    assert len(await far.ids(Folder.SENT) + await far.ids(Folder.OUTBOX)) == 1


def test_every_quirk_of_the_sandbox_has_a_test_of_the_client() -> None:
    tested = " ".join(name for name in globals() if name.startswith("test_quirk_"))
    untested = [quirk.name for quirk in dataclasses.fields(Quirks) if f"_{quirk.name}" not in tested]
    assert not untested, f"write test_quirk_{untested[0]}"
