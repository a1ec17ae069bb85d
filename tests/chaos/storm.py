"""One seed: real processes of mailfax that are killed and stopped, real clients, a fax service with faults, and a
relay that is away half of the time.

In: a seed, how many faxes and kills, how many processes on which engine. Out: a ``Verdict``. The seed chooses what is
planned; what meets what is the machine's choice, so that no two runs are the same.
"""

from __future__ import annotations

import asyncio
import random
import signal
import smtplib
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace

from mailfax.rules.job import FaxJob
from mailfax.rules.reference import references_in
from mailfax.spool import Spool
from tests.simulation.judge import TAKEN_AS, Judge, Mail, Taken, Verdict
from tests.simulation.world import CODES
from tests.support import documents
from tests.support.ports import free_port
from tests.support.postgresql import Cluster
from tests.support.site import Site, letter, listens, until
from tests.support.smarthost import CUT, LATER, LOST, OK, Smarthost, smarthost

SERVE = Path(__file__).with_name("serve.py")
LIMITS = "messages_per_minute = 0\nfaxes_per_day = 0\nfaxes_per_number = 0\nconnections_per_client = 100\n"
#: How likely each fault of the service is.
FAULTS = {
    "SendFax": {
        "drop_before": 0.04, "drop_after": 0.05, "cut_after": 0.03, "error_before": 0.02, "error_after": 0.03,
        "garbled_after": 0.03, "hidden_after": 0.04, "unavailable": 0.03, "throttled": 0.02,
    },
    "*": {"drop_after": 0.03, "cut_after": 0.02, "error_before": 0.03, "garbled_after": 0.02, "unauthorized": 0.003},
}  # fmt: skip
#: Area codes of the United States: a number that is none would be refused for good.
AREAS = (201, 202, 206, 212, 213, 214, 215, 303, 305, 310, 312, 313, 404, 415, 503, 512, 602, 617, 702, 713, 718, 801)
CLIENTS = 4
#: Seconds: a process lives so long on average, stands still so long (its longest lease is three answer times), and
#: the relay is up or away so long.
LIFE, STILL, RELAY = 2.5, (8.0, 12.0), (0.5, 4.0)
#: So many deaths come while a process starts; so often it stands still instead of dying.
EARLY, STOPPED = 0.15, 0.15

Report = Callable[[str, float], None]


class Storm:
    """``run`` it once."""

    def __init__(self, site: Site, seed: int, faxes: int, kills: int, processes: int, report: Report) -> None:
        self._site, self._seed, self._kills, self._report = site, seed, kills, report
        self._ports = [free_port() for _ in range(processes)]
        self._relay_port = free_port()
        site.settings |= {"relay": f'address = "127.0.0.1:{self._relay_port}"', "more": LIMITS}
        self.relay = Smarthost()
        chance = self._chance("plan")
        self.mails = sorted(_mails(chance, faxes), key=lambda mail: mail.at)
        self.callers = [f"1{chance.randrange(201, 990)}777{n:04d}" for n in range(max(1, faxes // 8))]
        self._bound = 240.0 + 15.0 * kills + 3.0 * faxes
        self._began = time.monotonic()
        self._lock, self._calm = threading.Lock(), threading.Event()
        self._killed, self._lines, self._faults = 0, list[str](), list[str]()
        self._letters: dict[str, EmailMessage] = {}

    def _chance(self, who: str) -> random.Random:
        return random.Random(f"{self._seed}/{who}")

    def _note(self, line: str) -> None:
        self._lines.append(f"{time.strftime('%H:%M:%S')} {line}")

    @property
    def _late(self) -> bool:
        return time.monotonic() - self._began > self._bound

    def run(self) -> Verdict:
        site = self._site
        for mail in self.mails:
            self._letters[mail.name] = letter(mail.name, f"This is {mail.name}.")
        self._meet()
        for place, (operation, faults) in enumerate(FAULTS.items()):
            for action, likely in faults.items():
                rule = {"operation": operation, "action": action, "count": None, "probability": likely}
                site.control("faults", rule | {"seed": self._seed + place})
        with ThreadPoolExecutor(CLIENTS + len(self._ports) + 2) as pool:
            try:
                self._blow(pool)
            except BaseException:
                self._bound = 0.0  # whoever waits for anything gives up
                raise
            finally:
                self._calm.set()
        return asyncio.run(self._verdict())

    def _blow(self, pool: ThreadPoolExecutor) -> None:
        """The storm, and the calm until nothing waits any more."""
        site = self._site
        keepers = [pool.submit(self._keep, number) for number in range(len(self._ports))]
        relaying = pool.submit(self._relay)
        senders = [pool.submit(self._send, self.mails[n::CLIENTS], n) for n in range(CLIENTS)]
        calling = pool.submit(self._call)
        while not self._calm.wait(0.5) and not self._late:
            self._report("storm", self._killed / self._kills)
        self._calm.set()
        site.control("faults", method="DELETE")
        bridges = [keeper.result() for keeper in keepers]
        for work in (*senders, calling):
            work.result()
        while not (quiet := self._quiet()) and not self._late:
            if relaying.done():
                relaying.result()  # without a relay nothing ends
            self._report("calm", self._ended())
            time.sleep(0.5)
        if not quiet:
            self._faults.append(f"what was begun had not ended after {self._bound:.0f} s")
        for bridge in bridges:
            if bridge.poll() is not None or site.stop(bridge) != 0:
                self._faults.append(f"a process did not stop as it should: {bridge.returncode}")
        relaying.result()

    def _meet(self) -> None:
        """Before the storm the account is met, and known to give our reference back."""
        site = self._site
        bridge = site.start_bridge(SERVE, 0, self._ports[0])
        with smarthost(self._relay_port, self.relay):
            until(lambda: listens(self._ports[0]), "the first bridge", lambda: site.log("bridge0.log"))
            site.send("15550001111", port=self._ports[0])
            until(lambda: self.relay.taken, "the first answer", lambda: site.log("bridge0.log"))
        site.stop(bridge)

    # --- who does what ---------------------------------------------------------------------------------------

    def _keep(self, number: int) -> subprocess.Popen[bytes]:
        """One process after the other, as systemd does it; the last one."""
        chance, port = self._chance(f"process {number}"), self._ports[number]
        while True:
            process = self._site.start_bridge(SERVE, number, port)
            if chance.random() > EARLY:
                while not listens(port) and process.poll() is None and not self._late:
                    time.sleep(0.05)
            calm = self._calm.wait(chance.expovariate(1 / LIFE))
            while not calm and chance.random() < STOPPED:
                self._note(f"process {number} stands still")
                process.send_signal(signal.SIGSTOP)
                calm = self._calm.wait(chance.uniform(*STILL))
                process.send_signal(signal.SIGCONT)
                self._note(f"process {number} goes on")
                calm = calm or self._calm.wait(chance.expovariate(1 / LIFE))
            if process.poll() is not None:
                said = self._site.log(f"bridge{number}.log").splitlines()[-3:]
                self._faults.append(f"process {number} ended by itself with {process.returncode}: {' / '.join(said)}")
            if calm:
                return process
            process.kill()
            process.wait()
            self._note(f"process {number} is killed")
            with self._lock:
                self._killed += 1
                if self._killed >= self._kills:
                    self._calm.set()

    def _relay(self) -> None:
        """There, and then not there, or there and of no use."""
        chance = self._chance("relay")
        while not self._calm.is_set():
            with smarthost(self._relay_port, self.relay):
                self._calm.wait(chance.uniform(*RELAY))
                self.relay.reply = chance.choice((OK, CUT, LATER, LOST))
                if self.relay.reply != OK:
                    self._note(f"the relay answers {self.relay.reply}")
                    self._calm.wait(chance.uniform(*RELAY))
                    self.relay.reply = OK
                    continue
            self._note("the relay is away")
            self._calm.wait(chance.uniform(*RELAY))
        with smarthost(self._relay_port, self.relay):
            while not self._quiet() and not self._late:
                time.sleep(1.0)

    def _send(self, mails: Sequence[Mail], number: int) -> None:
        """A client: sends each mail until it hears 250."""
        chance = self._chance(f"client {number}")
        for mail in mails:
            self._wait_for(mail.at)
            while not mail.answered and not self._late:
                port = chance.choice(self._ports)
                try:
                    name = self._site.send(*mail.numbers, mail=self._letters[mail.name], port=port)
                except (OSError, smtplib.SMTPException) as refused:
                    if isinstance(refused, smtplib.SMTPResponseException) and refused.smtp_code >= 500:
                        raise
                    self._note(f"{mail.name} hears {str(refused) or type(refused).__name__}")
                    time.sleep(chance.uniform(0.1, 1.0))
                else:
                    mail.answered.append(name)
                    self._note(f"{mail.name} hears 250, {name}, of process {self._ports.index(port)}")

    def _call(self) -> None:
        """Somebody faxes us."""
        chance, page = self._chance("callers"), documents.tiff(1)
        for place, caller in enumerate(self.callers):
            self._wait_for((place + chance.random()) / len(self.callers))
            self._site.drop_in(page, caller)
            self._note(f"a fax comes from {caller}")

    def _wait_for(self, part: float) -> None:
        while self._killed / self._kills < part and not self._calm.wait(0.05):
            pass

    # --- the end ---------------------------------------------------------------------------------------------

    def _ended(self) -> float:
        [(jobs, ended)] = self._site.rows("SELECT COUNT(*), COUNT(CASE WHEN ended_at > 0 THEN 1 END) FROM job")
        return float(ended / max(jobs, 1))

    def _quiet(self) -> bool:
        """Whether nothing waits any more."""
        if not all(mail.answered for mail in self.mails) or self._ended() < 1:
            return False
        if self._site.rows("SELECT 1 FROM report LIMIT 1"):
            return False
        if self._site.rows("SELECT 1 FROM letter WHERE state IN ('waiting', 'handing-over') LIMIT 1"):
            return False
        return {mail.number for mail in self._mailbox() if mail.outcome == "received"} >= set(self.callers)

    def _mailbox(self) -> list[Taken]:
        return [
            Taken.of(bytes(mail.content), to, 0.0)  # type: ignore[arg-type]
            for mail in tuple(self.relay.taken)
            for to in mail.rcpt_tos
        ]

    async def _verdict(self) -> Verdict:
        verdict = Verdict(self._seed, deaths=self._killed, faults=list(self._faults))
        site = self._site
        faxes = [SimpleNamespace(**fax) for fax in site.control("faxes?limit=1000000")]
        logs = [line for log in site.folder.glob("*.log") for line in log.read_text(errors="replace").splitlines()]
        spool = await Spool.open(site.settings["spool"], site.folder)
        try:

            async def story(names: Sequence[str], jobs: Sequence[FaxJob]) -> list[str]:
                told = [f"{fax.id}: {fax.subject} in {fax.folder}" for fax in faxes if fax.number in names]
                history = [str(line) for job in jobs for line in await spool.history.of(job.queue_id)]
                about = [line for line in (*self._lines, *logs) if any(name in line for name in names)]
                return [*about, *history, *told]

            judge, known = Judge(verdict, self._mailbox(), story), set[str]()
            for mail in self.mails:
                jobs = [job for name in await self._taken_as(mail) for job in await spool.jobs.of(name)]
                known |= {job.reference for job in jobs}
                for number in mail.numbers:
                    own = [job for job in jobs if job.number == number]
                    await judge.sent(mail, number, own, [fax for fax in faxes if fax.number == number])
            for caller in self.callers:
                await judge.received(caller)
        finally:
            await spool.close()
        for fax in faxes:
            if (
                fax.direction == "Outbound"
                and fax.number != "15550001111"
                and not known & set(references_in(fax.subject))
            ):
                verdict.doubled += 1
                verdict.faults.append(f"doubled: fax {fax.id} to {fax.number} is no job's: {fax.subject}")
        verdict.seconds = time.monotonic() - self._began
        return verdict

    async def _taken_as(self, mail: Mail) -> list[str]:
        """Its queue IDs, in their order: a mail whose 250 was not heard comes again, and may get another."""
        message_id = self._letters[mail.name]["Message-ID"]
        return [name for (name,) in await self._site.database().run(TAKEN_AS, message_id)]


def _mails(chance: random.Random, left: int) -> Iterator[Mail]:
    """So many faxes, in mails to one or several numbers, over the time of the storm (0 to 1)."""
    number = 0
    while left > 0:
        number += 1
        several = min(left, chance.choice((1, 1, 1, 1, 2, 3)))
        left -= several
        ends = [
            "01" + code if (code := chance.choice(CODES)) else str(chance.randrange(2000, 9999))
            for _ in range(several)
        ]
        numbers = tuple(f"1{area}555{end}" for area, end in zip(chance.sample(AREAS, several), ends, strict=True))
        yield Mail(f"mail-{number}", numbers, chance.random() * 0.95)


def storm(
    folder: Path,
    seed: int,
    *,
    faxes: int,
    kills: int,
    processes: int = 1,
    hidden_minutes: int = 0,
    cluster: Cluster | None = None,
    report: Report = lambda part, done: None,
) -> Verdict:
    """One seed in ``folder``; with a ``cluster`` the spool is a database in it. An acceptance whose reply was lost
    may show in the lists only after so many real minutes: the settling time is longer."""
    settings = {"settle_seconds": 5 + 65 * hidden_minutes, "deadline_seconds": 600}
    if cluster is not None:
        settings["spool"] = asyncio.run(cluster.new_database())  # type: ignore[assignment]
    site = Site(folder, **settings)
    site.start_sandbox()
    site.control("quirks", {"listed_after_minutes": hidden_minutes})
    try:
        return Storm(site, seed, faxes, kills, processes, report).run()
    finally:
        site.close()
