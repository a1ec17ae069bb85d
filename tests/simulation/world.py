"""One seed: clients that send mails, a fax service, a relay, and one or two processes of mailfax that die and freeze.

In: a seed, how many faxes, perhaps the name of a planted bug. Out: a ``Verdict``, which holds every promise against
what really happened: the faxes at the service, the mails at the relay.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import contextvars
import gc
import hashlib
import logging
import math
import random
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from mailfax.config import Config, load
from mailfax.offramp.resent import Answer
from mailfax.rules.envelope import Client, Envelope, FaxNumber, Grant, Recipient
from mailfax.rules.job import FaxJob
from mailfax.rules.states import JOB
from mailfax.sandbox.dropping_in import drop_in
from mailfax.sandbox.families import Family
from mailfax.sandbox.quirks import changed
from tests.simulation.clockwork import MOMENTS, VirtualLoop, elapsed
from tests.simulation.judge import PROGRAM, PROGRAM_URL, SENDER, TAKEN_AS, Judge, Mail, Taken, Verdict
from tests.simulation.mishaps import Mishaps
from tests.simulation.plants import PLANTS, Plant
from tests.simulation.process import STAND_INS, Process, task_factory
from tests.simulation.service import SimulatedExchange, Weather, application_of

NUMBER, PASSWORD = "5557152222", "mypassword"
SECRET = f"whsec_{base64.b64encode(bytes(32)).decode()}"
CONFIGURATION = f"""\
fax_domains = ["fax.local"]
default_country = "US"
postmaster = "postmaster@example.com"
hostname = "fax.example.com"
[spool]
url = "sqlite:///spool.db"
[[listener]]
name = "test"
address = "127.0.0.1:2525"
networks = ["127.0.0.0/8"]
proof = "network"
[[account]]
name = "main"
base_url = "http://127.0.0.1:8087/api/"
username = "{NUMBER}"
deliver_to = ["office@example.com"]
poll_seconds = 300
settle_seconds = %(settle_seconds)s
timeout_seconds = 180
document = "pdf"
[[sender]]
from = ["@example.com"]
account = "main"
outcome_webhook = "{PROGRAM_URL}"
[relay]
address = "127.0.0.1:2526"
[limits]
faxes_per_day = 0
deadline_seconds = %(deadline_seconds)s
"""
#: What becomes of a fax there, by the magic number: every way that has an end within the time of a seed.
CODES = ("00", "00", "00", "", "", "", "01", "03", "05", "07", "08", "10", "11", "12")
#: Nothing goes wrong in the first minute, so that the account is met, nor long after the last mail.
CALM_FIRST, CALM_AFTER = 60.0, 3600.0
#: A seed that has not ended by then has lost what is still waiting.
LONGEST = 3 * 86_400.0
#: An acceptance may be kept from the lists for so many minutes.
HIDDEN_MINUTES = 10


class World:
    """Everything of one seed but mailfax."""

    def __init__(self, seed: int, faxes: int, folder: Path, plant: Plant) -> None:
        self.chance = random.Random(seed)
        self.seed, self.faxes, self.folder, self.plant = seed, faxes, folder, plant
        self.weather = Weather.of(self.chance)
        self.mailbox: list[Taken] = []
        self.faxed: defaultdict[tuple[str, str], list[str]] = defaultdict(list)  #: ids, by mail and number
        self.twice: defaultdict[tuple[str, str], list[str]] = defaultdict(list)  #: why one is too many
        self.refusals: Counter[str] = Counter()  #: by Message-ID
        self.mails: list[Mail] = []
        self.callers: list[str] = []
        self.processes: list[Process] = []
        self.running: list[Process] = []  #: also those that are starting, or being buried
        self.storm_ends = 0.0
        self.over = False
        self.trouble: BaseException | None = None  #: of the simulation itself
        self.deaths = 0
        self.lines: list[str] = []
        self._hash = hashlib.sha256()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._outage = self._relay_away = (0.0, 0.0)

    # --- what processes and services ask -------------------------------------------------------------------------

    def note(self, what: str, *more: str) -> None:
        """One line of the trace."""
        line = f"{elapsed():14.6f} {what} {' '.join(more)}"
        self._hash.update(line.encode())
        self.lines.append(line)

    @property
    def stormy(self) -> bool:
        return CALM_FIRST < elapsed() < self.storm_ends

    def outage(self) -> bool:
        return self._outage[0] <= elapsed() < self._outage[1]

    def relay_away(self) -> bool:
        return self._relay_away[0] <= elapsed() < self._relay_away[1]

    def fate(self, commits: Sequence[str]) -> str:
        """Whether the process dies "before" or "after" these are durable, or ""."""
        if self.stormy and self.chance.random() < self.weather.deaths and self.deaths < 12:
            self.deaths += 1
            return self.chance.choice(("before", "after"))
        return ""

    def loses(self, commits: Sequence[str]) -> bool:
        """Whether a planted bug lets these go on before they are durable, and the power fails."""
        early = self.stormy and not self.plant.early.isdisjoint(commits)
        return early and self.chance.random() < 0.05

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task of the world's."""
        task = asyncio.get_running_loop().create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (trouble := task.exception()) is not None:
            self.trouble = self.trouble or trouble

    # --- one seed -------------------------------------------------------------------------------------------------

    async def run(self) -> Verdict:
        asyncio.get_running_loop().set_task_factory(task_factory)  # type: ignore[arg-type]
        self.exchange = SimulatedExchange(self.folder / "sandbox", {NUMBER: PASSWORD}, 1.0)
        self.exchange.world = self
        await self.exchange.open()
        self.exchange.quirks = changed(self.exchange.quirks, {"listed_after_minutes": HIDDEN_MINUTES})
        self.application = application_of(self.exchange)
        config = self._configuration()
        self._plan()
        self.mishaps = Mishaps(self, self.storm_ends - CALM_AFTER)
        keepers = [self.spawn(self._keep(config, f"p{n}")) for n in range(1, self.weather.processes + 1)]
        others = [self.spawn(self._send(mail)) for mail in self.mails]
        others += [self.spawn(self._call(caller)) for caller in self.callers]
        weather = [self.spawn(each) for each in (self._freeze(), self.mishaps.restore(), self.mishaps.leap())]
        try:
            while elapsed() < LONGEST and not (all(task.done() for task in others) and await self._quiet()):
                await asyncio.sleep(120.0)
                if self.trouble is not None:
                    raise self.trouble
            verdict = await self._verdict()
        finally:
            self.over = True
            for task in (*keepers, *others, *weather):
                task.cancel()
            await asyncio.gather(*keepers, *others, *weather, return_exceptions=True)
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.sleep(0)
            await self.exchange.close()
        return verdict

    def _configuration(self) -> Config:
        file = self.folder / "mailfax.toml"
        file.write_text(CONFIGURATION % {"settle_seconds": 900, "deadline_seconds": 86_400, **self.plant.settings})
        return load(file, {"MAILFAX_ACCOUNT_MAIN_PASSWORD": PASSWORD, "MAILFAX_WEBHOOK_SECRET": SECRET})

    def _plan(self) -> None:
        chance, left, length = self.chance, self.faxes, max(600.0, self.faxes * 30.0)
        while left > 0:
            number = len(self.mails) + 1
            several = min(left, chance.choice((1, 1, 1, 1, 2, 3)))
            left -= several
            areas = chance.sample(range(201, 990), several)
            numbers = tuple(
                f"1{area}555{'01' + code if (code := chance.choice(CODES)) else f'{chance.randrange(2000, 9999)}'}"
                for area in areas
            )
            self.mails.append(Mail(f"mail-{number}", numbers, chance.uniform(20.0, length)))
        self.callers = [f"1{chance.randrange(201, 990)}777{n:04d}" for n in range(max(1, self.faxes // 8))]
        self.storm_ends = length + CALM_AFTER
        if self.weather.faults:
            began = chance.uniform(120.0, length)
            self._outage = (began, began + chance.uniform(0.0, 1800.0))
        if self.weather.relay:
            began = chance.uniform(120.0, length)
            self._relay_away = (began, began + chance.uniform(0.0, 7200.0))

    async def _keep(self, config: Config, name: str) -> None:
        """One process after the other, as systemd does it."""
        while not self.over:
            await self.mishaps.over.wait()
            process = Process(self, config, name)
            self.running.append(process)
            try:
                if await process.opened():
                    self.processes.append(process)
                    await process.died.wait()
            finally:
                process.die("the end")
                if process in self.processes:
                    self.processes.remove(process)
                await process.buried()
                self.running.remove(process)
            await asyncio.sleep(self.chance.uniform(1.0, 300.0))

    async def _freeze(self) -> None:
        """Now and then a process stands still."""
        for _ in range(self.weather.freezes):
            await asyncio.sleep(self.chance.uniform(60.0, self.storm_ends / (self.weather.freezes + 1)))
            if self.stormy and self.processes:
                self.chance.choice(self.processes).freeze(self.chance.choice((5.0, 70.0, 200.0, 700.0, 2000.0)))

    async def _send(self, mail: Mail) -> None:
        """A client: sends its mail until it hears 250."""
        chance = self.chance
        await asyncio.sleep(mail.at)
        while not mail.answered:
            if self.processes and (queue_id := await self._one_session(mail, chance.choice(self.processes))):
                mail.answered.append(queue_id)
                self.note("answered 250", mail.name, queue_id)
                return
            await asyncio.sleep(chance.uniform(5.0, 400.0))

    async def _one_session(self, mail: Mail, process: Process) -> str:
        """The queue ID of a 250 that was heard, or nothing."""
        began = elapsed()
        header = f"Subject: {mail.name}\r\nMessage-ID: <{mail.name}@example.com>\r\n\r\n".encode()
        heard = not self.stormy or self.chance.random() >= self.weather.faults

        async def session() -> str:
            await process.gate()
            content = process.spool.content.begin()
            content.write(header + f"This is {mail.name}.\r\n".encode())
            recipients = tuple(Recipient(f"{n}@fax.local", FaxNumber(n, n)) for n in mail.numbers)
            client = Client("test", "127.0.0.1")
            envelope = Envelope(
                "alice@example.com", recipients, client, Grant("main", "Alice", outcome_webhook=PROGRAM_URL)
            )
            told = await process.parts.accept(envelope, content, header)
            if not isinstance(told, Answer):
                return ""
            await process.gate()
            told.concluded(heard=heard)
            return told.queue_id

        self.note("mail comes", mail.name, process.name, *mail.numbers)
        task = process.spawn(session())
        await asyncio.wait([task])
        self.mishaps.handed_over(mail.name, began)
        if task.cancelled() or task.exception() is not None:
            return ""
        return task.result() if heard else ""

    async def _call(self, caller: str) -> None:
        """Somebody faxes us."""
        await asyncio.sleep(self.chance.uniform(CALM_FIRST + 10.0, self.storm_ends))
        document = f"%PDF-1.4\n% from {caller}\n".encode()
        await drop_in(
            self.exchange, document, Family.PDF, account=NUMBER, caller=caller, subject="", count=1
        )  # fmt: skip
        self.note("a fax comes", caller)

    async def _quiet(self) -> bool:
        """Whether nothing waits any more."""
        if not self.processes or not self.mishaps.settled or elapsed() < self.storm_ends + 700.0:
            return False
        try:
            counts = await self.processes[0].spool.counts()
        except asyncio.CancelledError:
            return False
        final = {state.value for state in JOB.final}
        waits = any(counts.letters.get(word) for word in ("waiting", "handing-over"))
        waits |= await self.processes[0].spool.reports.next_at() < math.inf
        known = self.mishaps.remembered(self.mailbox)  # a fax that a restored copy has not fetched comes once more
        came = {mail.number for mail in known if mail.outcome == "received"}
        return counts.jobs.keys() <= final and not waits and came >= set(self.callers)

    # --- the promises ---------------------------------------------------------------------------------------------

    async def _verdict(self) -> Verdict:
        """Every recipient of every mail that was answered, and every received fax."""
        verdict = Verdict(self.seed, deaths=self.deaths)
        while not self.processes:
            await asyncio.sleep(10.0)
        spool = self.processes[0].spool
        await self.exchange.settle()

        async def story(names: Sequence[str], jobs: Sequence[FaxJob]) -> list[str]:
            history = [str(line) for job in jobs for line in await spool.history.of(job.queue_id)]
            return [line for line in self.lines if any(name in line for name in names)] + history

        judge = Judge(verdict, self.mishaps.remembered(self.mailbox), story, (SENDER, PROGRAM))
        for mail in self.mails:
            if self.mishaps.is_lost(mail.name):
                continue
            jobs = [job for queue_id in await self._taken_as(mail) for job in await spool.jobs.of(queue_id)]
            for number in mail.numbers:
                found = [self.exchange.store.fax(fax_id) for fax_id in self.faxed[mail.name, number]]
                own = [job for job in jobs if job.number == number]
                twice = self.twice.get((mail.name, number), ())
                await judge.sent(mail, number, own, [fax for fax in found if fax], twice)
        for caller in self.callers:
            await judge.received(caller)
        verdict.seconds = elapsed()
        verdict.trace = self._hash.hexdigest()[:16]
        return verdict

    async def _taken_as(self, mail: Mail) -> list[str]:
        """Its queue IDs, in their order: a mail whose 250 was not heard comes again, and may get another."""
        names = f"<{mail.name}@example.com>"
        assert self.processes[0].engine is not None
        rows = self.processes[0].engine._reading.execute(TAKEN_AS, (names,))
        return [row["queue_id"] for row in rows]


def simulate(seed: int, faxes: int, plant: str = "") -> Verdict:
    """Run one seed; the same one gives the same trace."""
    planted = PLANTS[plant] if plant else Plant()
    root = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="simulate-", dir=root))
    loop = VirtualLoop()
    quiet = logging.getLogger("mailfax")
    level, quiet.disabled = quiet.level, True
    logging.disable(logging.CRITICAL)
    gc.disable()
    try:
        with contextlib.ExitStack() as stack:
            pages = mock.Mock(count=lambda *_: 1)
            for where, stand_in in (STAND_INS | dict(MOMENTS) | {"mailfax.sandbox.dropping_in.pages": pages}).items():
                stack.enter_context(mock.patch(where, stand_in))
            for patch in planted.patches():
                stack.enter_context(patch)
            asyncio.set_event_loop(loop)
            return loop.run_until_complete(World(seed, faxes, folder, planted).run())
    finally:
        loop.close()
        asyncio.set_event_loop(None)
        gc.enable()
        gc.collect()
        logging.disable(logging.NOTSET)
        quiet.disabled = False
        quiet.setLevel(level)
        shutil.rmtree(folder, ignore_errors=True)
