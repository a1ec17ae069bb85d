"""The promises, held against what really happened: the faxes at the service, the mails at the relay.

In: what clients sent and heard, the jobs of the spool, the faxes at the service, the mails that the relay took. Out:
a ``Verdict``. ``scripts/simulate`` and ``scripts/chaos`` are judged by the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mailfax.rules.job import FaxJob
from mailfax.rules.reference import references_in
from mailfax.rules.states import JOB, JobState

SENDER = "alice@example.com"
#: A program that hears of every outcome, by itself.
PROGRAM_URL = "https://programs.example.com/fax"
PROGRAM = f"webhook:{PROGRAM_URL}"
#: The messages of a Message-ID in the order in which they were accepted, whatever the clock did meanwhile.
TAKEN_AS = """
    SELECT queue_id FROM message WHERE header_message_id = ?
    ORDER BY (SELECT MIN(seq) FROM history WHERE history.queue_id = message.queue_id)
"""


@dataclass
class Mail:
    """A mail as its client knows it. ``answered`` are the queue IDs of the 250s that it heard."""

    name: str
    numbers: tuple[str, ...]
    at: float
    answered: list[str] = field(default_factory=list)


class Fax(Protocol):
    """A fax at the service."""

    @property
    def subject(self) -> str: ...

    @property
    def folder(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail that the relay took. ``number`` is the header's; ``results``: queue ID -> outcome of each fax that it
    tells of."""

    at: float
    recipient: str
    outcome: str
    about: str
    number: str
    message_id: str
    results: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, content: bytes, recipient: str, at: float) -> Taken:
        names = ("X-Fax-Outcome", "X-Fax-Queue-ID", "X-Fax-Number", "Message-ID")
        outcome, about, number, message_id = (header(content, name) for name in names)
        block = content.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
        several = re.findall(r"(?m)^X-Fax-Result: (\S+); \S*; (\S+?)\r?$", block)
        return cls(at, recipient, outcome, about, number, message_id, dict(several) or {about: outcome})


def header(content: bytes, name: str) -> str:
    """One field of a mail that we wrote, or nothing."""
    found = re.search(rf"(?im)^{name}: *(.*?)\r?$", content.decode("utf-8", "replace"))
    return found[1].strip() if found else ""


@dataclass
class Verdict:
    """What a seed came to. ``faults`` name what is wrong with which fax; ``life`` is told of the first."""

    seed: int
    faxes: int = 0
    inbound: int = 0
    deaths: int = 0
    lost: int = 0
    doubled: int = 0
    silent: int = 0
    untrue: int = 0
    unconfirmed: int = 0
    trace: str = ""
    faults: list[str] = field(default_factory=list)
    life: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Nothing is wrong; what could not be confirmed is counted, and is no lie."""
        return not self.faults

    def counts(self) -> Counter[str]:
        names = ("faxes", "inbound", "deaths", "lost", "doubled", "silent", "untrue", "unconfirmed")
        return Counter({name: getattr(self, name) for name in names})


#: What is told about a fax that went wrong: the words that name it, and its jobs.
Story = Callable[[Sequence[str], Sequence[FaxJob]], Awaitable[list[str]]]


class Judge:
    """Judges one recipient, or one received fax, after the other. ``hearers`` are to hear of each outcome."""

    def __init__(
        self, verdict: Verdict, mailbox: Sequence[Taken], story: Story, hearers: Sequence[str] = (SENDER,)
    ) -> None:
        self.verdict, self._mailbox, self._story, self._hearers = verdict, mailbox, story, hearers

    async def sent(
        self, mail: Mail, number: str, jobs: Sequence[FaxJob], faxes: Sequence[Fax], twice: Sequence[str] = ()
    ) -> None:
        """One recipient: its jobs in the order of their acceptance, the faxes of this mail to it, and what is known
        of doubled ones."""
        self.verdict.faxes += 1
        wrong = [("doubled", why) for why in twice] + self._wrong(mail, jobs, faxes)
        about = f"{mail.name} to {number}"
        await self._count(about, wrong, [number, *(job.queue_id for job in jobs)], jobs)

    async def received(self, caller: str) -> None:
        """A fax that came in: one mail, perhaps with copies of the same Message-ID."""
        self.verdict.inbound += 1
        copies = [mail for mail in self._mailbox if mail.outcome == "received" and mail.number == caller]
        kind = "lost" if not copies else "doubled" if len({mail.message_id for mail in copies}) > 1 else ""
        wrong = [(kind, f"it brought {len(copies)} mails")] if kind else []
        await self._count(f"the fax from {caller}", wrong, [caller], ())

    async def _count(
        self, about: str, wrong: Sequence[tuple[str, str]], names: Sequence[str], jobs: Sequence[FaxJob]
    ) -> None:
        verdict = self.verdict
        for kind, why in wrong:
            setattr(verdict, kind, getattr(verdict, kind) + 1)
            if kind != "unconfirmed":
                verdict.faults.append(f"{kind}: {about}: {why}")
        if wrong and not verdict.life:
            verdict.life = await self._story(names, jobs)

    def _wrong(self, mail: Mail, jobs: Sequence[FaxJob], faxes: Sequence[Fax]) -> list[tuple[str, str]]:
        """What of the promises was not kept for one recipient: kinds with reasons."""
        if not mail.answered:
            return [("lost", "the mail was never answered 250")]
        if not jobs:
            return [("lost", "there is no job")]
        # Sent again by a client that heard nothing, and the one before had failed: that is another try.
        wrong = [("doubled", f"accepted again, and {job.state.value}") for job in jobs[:-1] if not _ended_badly(job)]
        for job in jobs:
            wrong += self._wrong_of(job, [fax for fax in faxes if job.reference in references_in(fax.subject)])
        return wrong

    def _wrong_of(self, job: FaxJob, faxes: Sequence[Fax]) -> list[tuple[str, str]]:
        told, wrong = job.state.value, list[tuple[str, str]]()
        if job.state not in JOB.final:
            return [("lost", f"still {told}")]
        folders = {str(fax.folder).lower() for fax in faxes}
        truth = {"delivered": {"sent"}, "failed": {"failed"}, "cancelled": {"cancelled"}}.get(told)
        if len(faxes) > 1:
            wrong.append(("doubled", f"{len(faxes)} faxes of {job.queue_id}"))
        if truth is None:
            wrong.append(("unconfirmed", told))
        elif folders != truth and not (told == "failed" and not folders):
            wrong.append(("untrue", f"{told}, and its fax lies in {sorted(folders) or 'no folder'}"))
        return wrong + [each for hearer in self._hearers for each in self._told(job, hearer)]

    def _told(self, job: FaxJob, recipient: str) -> list[tuple[str, str]]:
        """What is wrong with what somebody heard of its end."""
        told, wrong = job.state.value, list[tuple[str, str]]()
        mine = [one for one in self._mailbox if job.queue_id in one.results and one.recipient == recipient]
        ends = [one for one in mine if one.results[job.queue_id] != "delayed"]
        outcomes = {one.results[job.queue_id] for one in ends}
        if not ends:
            wrong.append(("silent", f"{told}, and {recipient} was not told"))
        elif outcomes != {told}:
            wrong.append(("untrue", f"{told}, and told was {sorted(outcomes)}"))
        elif len({one.message_id for one in ends}) > 1:
            wrong.append(("untrue", f"told by {len(ends)} different mails"))
        return wrong


def _ended_badly(job: FaxJob) -> bool:
    return job.state in (JobState.FAILED, JobState.CANCELLED)


def added(verdicts: Sequence[Verdict]) -> Counter[str]:
    """The counts of many seeds."""
    sums = Counter[str]()
    for verdict in verdicts:
        sums.update(verdict.counts())
    return sums
