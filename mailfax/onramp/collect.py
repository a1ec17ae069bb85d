"""List an account's Inbox, fetch what is new, and store each fax once with the mail that carries it.

The order is the safe one: list, details, download, check, store with its letters in one commit. Our own ledger
decides what is new, never FaxCore's "downloaded" flag (``docs/faxcore-quirks.md``, A6). One fax that can't be read is
tried again later, reported after three tries, and never stops the others, whatever is the matter with it; one that is
not given out for hours is reported, too. A service that does not answer is asked less and less often.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import secrets
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from mailfax import letters, maillog
from mailfax.config import Account, Received
from mailfax.config.targets import mailboxes
from mailfax.context import Context, Worker
from mailfax.faxcore.client import FaxCore
from mailfax.faxcore.errors import AccountTrouble, NotKnown, NotRead, Unavailable
from mailfax.faxcore.values import FaxDetails, Folder, Progress
from mailfax.letters import Arrival
from mailfax.onramp.bring import bring
from mailfax.onramp.fetch import as_brought, fetch
from mailfax.onramp.meet import meet
from mailfax.render import CannotRender, Renderer
from mailfax.rules import schedule
from mailfax.rules.caller import Contacts
from mailfax.rules.job import InboundFax
from mailfax.rules.queue_id import draw_queue_id
from mailfax.rules.routing import Call, Routing
from mailfax.rules.states import INBOUND, InboundEvent, InboundState
from mailfax.spool import CommitUnclear, NotCommitted, Outdated

log = logging.getLogger(__name__)

#: How long one process looks after an account without saying so again, in seconds.
LEASE = 50.0
#: Received faxes fetched in one round and account.
FETCHES = 20

#: One list of so many is that of the Failed folder, in place of the Inbox (docs/decisions/0011).
FAILED_EVERY = 15

Trouble = Callable[[str, AccountTrouble], Awaitable[None]]
#: What is done with the ids in the Failed folder.
Failed = Callable[[Sequence[str]], Awaitable[None]]


class Collect(Worker):
    """Collects for one account. ``routing`` says where to, ``contacts`` who calls, ``look`` how it is shown;
    ``trouble`` hears what is wrong with the account, ``failed`` now and then what is in the Failed folder."""

    news = ("account-resumed",)

    def __init__(
        self,
        context: Context,
        client: FaxCore,
        account: Account,
        renderer: Renderer,
        *,
        routing: Routing,
        contacts: Contacts,
        look: Received,
        trouble: Trouble,
        failed: Failed,
        choose: Callable[[str], str] = secrets.choice,
    ) -> None:
        self._spool, self._site, self._marks = context.spool, context.site, context.marks
        self._elapsed, self._jitter, self._choose = context.elapsed, context.jitter, choose
        self._steady = context.steady
        self._client, self._account, self._renderer, self._trouble = client, account, renderer, trouble
        self._routing, self._contacts, self._look = routing, contacts, look
        self._failed = failed
        self._poll_at, self._failures, self._polls = 0.0, 0, 0

    async def round(self) -> bool:
        """List if it is time, fetch what is due; False if there was nothing to do."""
        name, self.next_at = self._account.name, math.inf
        if not await self._spool.accounts.lease(name, LEASE, collecting=True):
            return False
        state = await self._spool.accounts.state(name)
        if not state.can_be_asked:
            return False
        try:
            if not state.baseline_at:
                await meet(self._spool, self._client, self._account)
            listed = await self._list()
            self.next_at = self._spool.now() + max(0.0, self._poll_at - self._elapsed())
            return await self._fetch_due() or listed
        except AccountTrouble as trouble:
            self._poll_next()
            await self._trouble(name, trouble)
        except NotRead as silence:
            self._failures += 1
            self._poll_next(silence.retry_after)
        return False

    def _poll_next(self, retry_after: float | None = None) -> None:
        wait = schedule.poll_interval(self._account.poll_seconds, self._failures, self._jitter(), retry_after)
        self._poll_at = self._elapsed() + wait

    async def _list(self) -> bool:
        """List one folder a poll; whether something new was in the Inbox."""
        if self._elapsed() < self._poll_at:
            return False
        name, now = self._account.name, self._spool.now()
        folder = Folder.INBOX if (self._polls + 1) % FAILED_EVERY else Folder.FAILED
        async with aclosing(self._client.list_folder(folder)) as listed:
            ids = [fax_id async for fax_id in listed]
        self._failures = 0
        self._polls += 1
        self._poll_next()
        if folder is Folder.FAILED:
            await self._failed(ids)
            return False
        new = await self._spool.ledger.unknown(name, ids)
        if not new:
            return False
        # Newest first is the usual order of a list (A33); mails go out oldest first.
        faxes = [
            InboundFax(
                account=name,
                fax_id=fax_id,
                state=INBOUND.start,
                listed_at=now,
                next_attempt_at=now,
                queue_id=draw_queue_id(now, self._choose),
            )
            for fax_id in reversed(new)
        ]
        maillog.fax_listed(name, await self._spool.inbound.listed(name, faxes))
        return True

    async def _fetch_due(self) -> bool:
        """Fetch what is due, as long as the service wants to be asked."""
        if self._is_put_off():
            return False
        due = await self._spool.inbound.due(self._account.name, FETCHES)
        for fax in due:
            if self._is_put_off():
                return False
            try:
                await self._fetch(fax)
            except Outdated:
                continue  # another process fetched it
            except AccountTrouble:
                raise
            except Exception as unforeseen:
                await self._unforeseen(fax, unforeseen)
        return bool(due)

    def _is_put_off(self) -> bool:
        return any(self._client.pace.left(call) for call in ("GetFaxDetails", "DownloadFax"))

    async def _fetch(self, fax: InboundFax) -> None:
        try:
            details = await self._client.fax_details(fax.fax_id)
            if details.progress is Progress.PENDING:
                # Partly received (A33): not an attempt, it will be whole in a moment.
                await self._not_now(fax, fax.attempts, "still being received")
                return
            fax = replace(fax, caller=details.caller)  # whatever becomes of it: a report may need it
            with tempfile.TemporaryDirectory(prefix="mailfax-") as folder:
                await self._fetch_and_store(fax, details, Path(folder))
        except NotKnown:
            await self._gone(fax)
        except AccountTrouble as trouble:
            # First behind the others: it must not be the one that meets the trouble again.
            await self._not_now(fax, fax.attempts, trouble.diagnostic)
            raise
        except Unavailable as silence:
            await self._not_given(fax, silence)
        except NotRead as unreadable:
            await self._unreadable(fax, unreadable.diagnostic)
        except CannotRender as uncounted:
            if uncounted.later:  # our own converter died or had no room: that says nothing against the fax
                await self._not_now(fax, fax.attempts, uncounted.status.diagnostic)
            else:
                await self._unreadable(fax, uncounted.status.diagnostic)

    async def _unforeseen(self, fax: InboundFax, error: Exception) -> None:
        """Put off like one that can't be read; the disk's trouble is nothing against the fax, and not counted."""
        log.exception("account %s: received fax %s could not be stored", fax.account, fax.fax_id)
        detail = f"{type(error).__name__} while it was stored"
        with contextlib.suppress(Outdated):
            if isinstance(error, OSError | NotCommitted | CommitUnclear):
                await self._not_now(fax, fax.attempts, detail)
            else:
                await self._unreadable(fax, detail)

    async def _fetch_and_store(self, fax: InboundFax, details: FaxDetails, folder: Path) -> None:
        fetched = await fetch(self._client, self._renderer, fax.fax_id, self._account.deliver_as, folder)
        brought = await as_brought(self._renderer, self._account, fetched.files, folder)
        reported = details.completed or details.created
        routed = self._routing.to(Call(fax.account, details.caller, fax.listed_at))
        event = InboundEvent.JUNKED if routed.junk else InboundEvent.FETCHED
        stored = fax.after(
            event,
            caller=details.caller,
            # Told as FaxCore tells it; our own clock decides nothing by it (A16).
            received_at=reported.timestamp() if reported else fax.listed_at,
            pages=fetched.pages,
            attempts=fax.attempts + 1,
            problem="",
        )
        arrival = Arrival(
            number=self._account.username,
            announced_pages=details.page_count,
            forms=tuple(form for form, _ in brought.files),
            instead=fetched.instead,
            route=routed.why,
            caller_name=self._contacts.name_of(details.caller),
            look=self._look,
            picture=brought.picture,
            answers_to=self._contacts.answers_to(details.caller),
            locked=brought.locked,
            sandbox=self._client.observed.is_sandbox,
        )
        files = [path for _, path in brought.files]
        owed = await asyncio.to_thread(bring, self._site, stored, arrival, self._marks, files, to=routed.to)
        words, instead = " and ".join(form.word for form in arrival.forms), fetched.instead
        damaged = f"as {words}, because its {instead.word} is damaged" if instead else ""
        detail = ", ".join(part for part in (f"by {routed.why}", damaged) if part)
        stored = await self._spool.inbound.advance(
            fax, stored, event, detail=detail, content=fetched.files[0][1], letters=owed
        )
        maillog.fax_stored(stored)

    async def _not_now(self, fax: InboundFax, attempts: int, detail: str) -> None:
        again = schedule.fetch_attempt(max(attempts, 1), self._spool.now(), self._jitter())
        later = fax.after(InboundEvent.NOT_NOW, attempts=attempts, next_attempt_at=again, problem=detail)
        later = await self._spool.inbound.advance(fax, later, InboundEvent.NOT_NOW, detail=detail)
        maillog.fax_not_stored(later, detail)

    async def _not_given(self, fax: InboundFax, silence: Unavailable) -> None:
        """No answer about it: reported once that has gone on for hours, and tried on."""
        now = self._spool.now()
        age, detail = now - fax.listed_at, silence.diagnostic
        again = schedule.silent_fetch_attempt(age, now, self._jitter(), silence.retry_after)
        long_silent = age >= schedule.FETCH_SILENT and self._steady.is_steady()
        if fax.state is InboundState.LISTED and long_silent:
            given_up = fax.after(InboundEvent.GIVEN_UP, next_attempt_at=again, problem=detail)
            await self._report(fax, given_up, InboundEvent.GIVEN_UP, detail)
            return
        later = fax.after(InboundEvent.NOT_NOW, next_attempt_at=again, problem=detail)
        later = await self._spool.inbound.advance(fax, later, InboundEvent.NOT_NOW, detail=detail)
        maillog.fax_not_stored(later, detail)

    async def _unreadable(self, fax: InboundFax, detail: str) -> None:
        """Tried again; reported once, after ``FETCH_ATTEMPTS``; and then tried daily."""
        attempts = fax.attempts + 1
        if fax.state is InboundState.UNREADABLE or attempts < schedule.FETCH_ATTEMPTS:
            await self._not_now(fax, attempts, detail)
            return
        again = schedule.fetch_attempt(attempts, self._spool.now(), self._jitter())
        given_up = fax.after(InboundEvent.GIVEN_UP, attempts=attempts, next_attempt_at=again, problem=detail)
        await self._report(fax, given_up, InboundEvent.GIVEN_UP, detail)

    async def _gone(self, fax: InboundFax) -> None:
        detail = "FaxCore no longer knows it"
        await self._report(fax, fax.after(InboundEvent.GONE, problem=detail), InboundEvent.GONE, detail)

    async def _report(self, was: InboundFax, now_is: InboundFax, event: InboundEvent, detail: str) -> None:
        """Tell the postmaster, and those whom the fax was for: as far as its caller is known."""
        sandbox = self._client.observed.is_sandbox
        readers = self._routing.to(Call(was.account, was.caller or None, was.listed_at)).to
        owed = [
            letters.inbound_problem(self._site, now_is, self._marks(), to=reader, problem=detail, sandbox=sandbox)
            for reader in dict.fromkeys((self._site.postmaster, *mailboxes(readers)))
        ]
        told = await self._spool.inbound.advance(was, now_is, event, detail=detail, letters=owed)
        maillog.fax_not_stored(told, detail)
