"""The exchange: accepts faxes, brings them up to date whenever somebody looks, and delivers them to accounts here.

In: drafts from ``api`` and ``control``. Out: faxes as they stand now. It owns the three things with state: the
store (one thread), the pen that counts and draws pages (another single thread: pdfium is not thread-safe), and
the clock, quirks and fault rules, all of which are kept in the store.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from mailfax.sandbox import faults, life, pages
from mailfax.sandbox.clock import Clock, Stretch
from mailfax.sandbox.cover import Cover
from mailfax.sandbox.families import Family
from mailfax.sandbox.life import FINAL, UNCONVERTIBLE, Folder, Status
from mailfax.sandbox.quirks import Quirks, changed
from mailfax.sandbox.store import Draft, Fax, Store

T = TypeVar("T")


class Exchange:
    """One sandbox's faxes. ``open`` it, use it from one event loop, ``close`` it."""

    def __init__(self, state: Path, passwords: Mapping[str, str], speed: float) -> None:
        self.passwords = dict(passwords)
        self._state = state
        self._speed = speed
        self._archivist = ThreadPoolExecutor(1, "sandbox-store")
        self._pen = ThreadPoolExecutor(1, "sandbox-pages")
        self._settling = asyncio.Lock()
        self._ruling = asyncio.Lock()
        self.calls: defaultdict[str, deque[float]] = defaultdict(deque)  # of the last minute, by account
        self.store: Store
        self.clock: Clock
        self.quirks: Quirks
        self.rules: tuple[faults.Rule, ...]

    async def open(self) -> None:
        """Raises StateInUse."""
        try:
            self.store = await self.kept(Store, self._state)
        except BaseException:
            self._stop()
            raise
        await self.kept(self.store.meet, tuple(self.passwords))
        await self._recall()

    async def close(self) -> None:
        await self.kept(self.store.close)
        self._stop()

    def _stop(self) -> None:
        self._archivist.shutdown()
        self._pen.shutdown(cancel_futures=True)

    async def _recall(self) -> None:
        stored = await self.kept(self.store.setting, "clock")
        if stored is None:
            self.clock = Clock.started(time.time(), self._speed)
        else:
            self.clock = Clock(stored["ahead"], tuple(Stretch(**each) for each in stored["stretches"]))
            self.clock = self.clock.at_speed(self._speed, self.now())
        await self._keep_clock(self.clock)
        self.quirks = changed(Quirks(), await self.kept(self.store.setting, "quirks") or {})
        self.rules = tuple(faults.from_json(each) for each in await self.kept(self.store.setting, "faults") or ())

    async def kept(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run work of the store in its thread."""
        return await asyncio.get_running_loop().run_in_executor(self._archivist, work, *arguments)

    async def drawn(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run work on pages in their thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pen, work, *arguments)

    # --- clock, quirks, faults ------------------------------------------------------------------------------

    def now(self) -> float:
        return self.clock.at(time.time())

    async def _keep_clock(self, clock: Clock) -> None:
        self.clock = clock
        await self.kept(self.store.set, "clock", asdict(clock))

    async def advance(self, seconds: float) -> None:
        await self._keep_clock(self.clock.advanced(seconds))

    async def live_at(self, speed: float) -> None:
        await self._keep_clock(self.clock.at_speed(speed, self.now()))

    async def be(self, quirks: Quirks) -> None:
        self.quirks = quirks
        await self.kept(self.store.set, "quirks", asdict(quirks))

    async def rule(self, rules: tuple[faults.Rule, ...]) -> None:
        self.rules = rules
        await self.kept(self.store.set, "faults", [faults.to_json(each) for each in rules])

    async def strike(self, operation: str) -> faults.Action | None:
        """The action that a rule wants for this call."""
        if not self.rules:
            return None
        async with self._ruling:
            action, rules = faults.draw(self.rules, operation)
            if rules != self.rules:
                await self.rule(rules)
            return action

    async def reset(self) -> None:
        """Everything as at first, but ids go on rising and the speed is the one of the start."""
        async with self._settling:
            await self.kept(self.store.reset)
            await self._recall()
            self.calls.clear()

    # --- faxes ----------------------------------------------------------------------------------------------

    async def accept(self, draft: Draft, document: Path, *, times: int = 1) -> list[str]:
        """Store the fax, so many times; returned ids survive anything."""
        await self.kept(self.store.make_durable, document)
        return await self.kept(self.store.add, [draft] * times, self.quirks.guid)

    async def settle(self) -> None:
        """Bring every fax to where it stands now, and deliver what has arrived."""
        progress = self.clock.progress(self.now())
        async with self._settling:
            due = await self.kept(self.store.due, progress)
            if not due:
                return
            changes: list[tuple[int, dict[str, Any]]] = []
            arrivals: list[Draft] = []
            for fax in due:
                stands = await self._stands(fax, progress)
                changes.append((fax.seq, _columns(stands)))
                if stands.folder == Folder.SENT:
                    arrivals += self._arrivals(stands)
            await self.kept(self.store.change, changes, arrivals, self.quirks.guid)

    async def _stands(self, fax: Fax, progress: float) -> Fax:
        counted = await self.counted(fax)
        code = counted.code if counted.pages else UNCONVERTIBLE
        number = counted.pages or 0
        where = life.moment(life.MAGIC[code].route, number, progress - fax.started)
        final = where.step.folder in FINAL
        return replace(
            counted,
            code=code,
            status=where.step.status,
            folder=where.step.folder,
            delivered=life.delivered(where.step, number),
            next_at=None if where.until is None else fax.started + where.until,
            completed=self.clock.moment(fax.started + where.since) if final else None,
        )

    def _arrivals(self, sent: Fax) -> list[Draft]:
        """The same fax in the Inbox of the account that has its number, if there is one here."""
        arrived = sent.completed or sent.created
        return [
            replace(
                draft_of(sent),
                account=username,
                direction="Inbound",
                number=sent.sender,
                subject="",
                status=Status.COMPLETED,
                folder=Folder.INBOX,
                created=arrived,
                visible_from=arrived,
                completed=arrived,
            )
            for username in self.passwords
            if life.same_line(username, sent.recipient)
        ]

    async def counted(self, fax: Fax) -> Fax:
        """The fax with its number of pages, cover included; 0 when its document can't be opened."""
        if fax.pages is not None:
            return fax
        magic = life.MAGIC[fax.code]
        number = magic.pages
        if number is None:
            document = self.store.documents / fax.document
            inside = await self.drawn(pages.count, document, Family(fax.family))
            number = inside + bool(fax.cover) if inside else 0
        await self.kept(self.store.change, [(fax.seq, {"pages": number})], (), False)
        return replace(fax, pages=number)

    async def find(self, account: str, id: str) -> Fax | None:
        """The fax as it stands now; None when this account can't see it."""
        await self.settle()
        fax = await self.kept(self.store.fax, id)
        now = self.now()
        if fax is None or fax.account != account or fax.visible_from > now or fax.created < self.oldest(now):
            return None
        return fax

    async def listed(self, account: str, folder: Folder, *, hide_downloaded: bool) -> list[str]:
        """The ids in a folder, newest first."""
        await self.settle()
        now = self.now()

        def read() -> list[str]:
            oldest = self.oldest(now)
            return self.store.ids(account, folder, at=now, oldest=oldest, hide_downloaded=hide_downloaded)

        return await self.kept(read)

    def oldest(self, now: float) -> float:
        """Faxes created before this have expired (the quirk ``expiry``)."""
        return now - self.quirks.expiry * 60 if self.quirks.expiry else float("-inf")

    async def mark_downloaded(self, fax: Fax) -> None:
        await self.kept(self.store.change, [(fax.seq, {"downloaded": 1})], (), False)

    async def put(self, fax: Fax, folder: Folder, status: Status) -> None:
        """Take a fax out of its course and lay it somewhere; it stays there."""
        completed = fax.completed or (None if folder == Folder.HOLD else self.now())
        columns = {"folder": folder, "status": status, "next_at": None, "completed": completed}
        async with self._settling:
            await self.kept(self.store.change, [(fax.seq, columns)], (), False)

    async def delete(self, fax: Fax) -> None:
        """To the Trash, a pending one as Cancelled; out of the Trash for ever (gap A21)."""
        if fax.folder == Folder.TRASH:
            await self.kept(self.store.destroy, fax)
        else:
            pending = fax.folder in (Folder.OUTBOX, Folder.HOLD)
            await self.put(fax, Folder.TRASH, Status.CANCELLED if pending else Status(fax.status))

    # --- pages ----------------------------------------------------------------------------------------------

    async def drawing(self, fax: Fax, kind: str) -> Path | None:
        """The fax's pages as a file, ``tif`` or ``pdf``, made when first asked for; None when it has none."""
        if not (await self.counted(fax)).pages:
            return None
        tiff = self.store.drawn / f"{fax.seq}.tif"
        if not tiff.exists():
            document = self.store.documents / fax.document
            await self.drawn(pages.draw, Cover.from_json(fax.cover), document, Family(fax.family), tiff)
        if kind == "tif":
            return tiff
        pdf = tiff.with_suffix(".pdf")
        if not pdf.exists():
            await self.drawn(pages.bind, tiff, pdf)
        return pdf

    async def picture(self, fax: Fax, page: int, width: int) -> bytes | None:
        """A page as a PNG; None when the fax has no such page."""
        tiff = await self.drawing(fax, "tif")
        return None if tiff is None else await self.drawn(pages.picture, tiff, page, width)


def _columns(fax: Fax) -> dict[str, Any]:
    names = ("code", "status", "folder", "delivered", "next_at", "completed")
    return {name: getattr(fax, name) for name in names}


def draft_of(fax: Fax) -> Draft:
    values = asdict(fax)
    del values["seq"], values["id"]
    return Draft(**values)
