"""A mail whose 250 nobody heard is faxed once; one that is sent again on purpose always goes out; quotas hold."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailfax.clock import SteadyClock
from mailfax.config import Limits
from mailfax.context import Context
from mailfax.letters import Marks
from mailfax.offramp.accept import Accept
from mailfax.offramp.resent import Answer
from mailfax.rules.envelope import Client, Envelope, FaxNumber, Grant, Postmaster, Recipient
from mailfax.rules.failure import NotSent
from mailfax.rules.job import FaxJob
from mailfax.rules.states import JobEvent, JobState
from mailfax.rules.status import Cause, Refusal
from mailfax.spool import Spool
from tests.offramp.pipeline import SITE, Clock

pytestmark = pytest.mark.anyio

MAIL = b"Subject: Scan\r\n\r\nHello\r\n"
COUNT = itertools.count()
NUMBERS = ("15551230001", "15551230002", "15551230003")


class Handler:
    """Whin SMTP does with an ``Accept``."""

    def __init__(self, spool: Spool, clock: Clock, ceiling: int = 0) -> None:
        self.spool = spool
        count = iter(range(10**6))
        marks = lambda: Marks(f"L{spool.epoch}{next(count)}", "<1@fax.example.com>", clock())  # noqa: E731
        self.accept = Accept(Context(spool, SITE, Limits(faxes_per_day=ceiling), marks, SteadyClock(clock)))
        self.answers: dict[str, list[Answer]] = {}  #: by queue ID, those that are not concluded

    def concluded(self, queue_id: str, heard: bool) -> None:
        """What became of the oldest answer with this queue ID."""
        self.answers[queue_id].pop(0).concluded(heard=heard)

    async def mail(
        self,
        *numbers: str,
        mail: bytes = MAIL,
        sender: str = "alice@example.com",
        grant: Grant | None = None,
        postmaster: bool = False,
        received: bytes = b"Received: from here; now\r\n",
        ip: str = "127.0.0.1",
        login: str = "",
        arrives: bool = True,
        **recipient: object,
    ) -> str | Refusal:
        """``arrives``: the 250 is acknowledged at once."""
        content = self.spool.content.begin()
        header, empty_line, body = mail.partition(b"\r\n\r\n")
        if empty_line:
            content.prefix(received, header + b"\r\n")
            content.write(b"\r\n" + body)
        else:
            content.prefix(received)
            content.write(mail)
        recipients: list[Recipient | Postmaster] = [
            Recipient(f"{n}@fax.local", FaxNumber(n, n), **recipient)  # type: ignore[arg-type]
            for n in numbers
        ]
        if postmaster:
            recipients.append(Postmaster("postmaster@fax.local"))
        client = Client("test", ip, login=login)
        envelope = Envelope(sender, tuple(recipients), client, grant or Grant("main", "Alice"))
        told = await self.accept(envelope, content, header + b"\r\n")
        if isinstance(told, Refusal):
            return told
        self.answers.setdefault(told.queue_id, []).append(told)
        if arrives:
            told.acknowledged()
        return told.queue_id

    async def queued(self, *numbers: str, **more: object) -> str:
        queue_id = await self.mail(*numbers, **more)  # type: ignore[arg-type]
        assert isinstance(queue_id, str)
        return queue_id

    async def faxes(self) -> list[str]:
        """The numbers of all jobs."""
        return sorted(job.number for job in await self.spool.jobs.listing(limit=1000))

    async def fail(self, queue_id: str) -> None:
        for job in await self.spool.jobs.of(queue_id):
            await self.spool.jobs.advance(job, job.after(JobEvent.EXPIRED, ended_at=1.0), JobEvent.EXPIRED)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def spool(tmp_path: Path, clock: Clock) -> AsyncIterator[Spool]:
    opened = await Spool.open("sqlite:///spool.db", tmp_path, clock=clock)
    yield opened
    await opened.close()


@pytest.fixture
def handler(spool: Spool, clock: Clock) -> Handler:
    return Handler(spool, clock)


async def test_a_mail_whose_250_was_not_heard_is_answered_and_not_faxed_again(handler: Handler) -> None:
    first = await handler.queued(*NUMBERS, mail=MAIL + b"x" * 100_000)
    handler.concluded(first, False)
    for _ in range(3):
        again = await handler.queued(*NUMBERS, mail=MAIL + b"x" * 100_000, received=b"Received: from here; later\r\n")
        assert again == first
        handler.concluded(again, False)
    assert await handler.faxes() == list(NUMBERS)
    assert len(list(handler.spool.content.large.folder.glob("*/*"))) == 1, "nothing new is stored"
    for job in await handler.spool.jobs.of(first):
        lines = [line for line in await handler.spool.history.of(job.queue_id) if "same as" in line.detail]
        assert [line.event for line in lines] == ["came again"] * 3


async def test_a_deliberate_second_sending_always_goes_out(handler: Handler) -> None:
    """The copier's scan has neither Date nor Message-ID: only the session tells that the 250 was heard."""
    for n in range(1, 6):
        queue_id = await handler.queued(NUMBERS[0])
        handler.concluded(queue_id, True)
        assert len(await handler.faxes()) == n


async def test_a_session_that_is_alive_forbids_nothing(handler: Handler) -> None:
    first, second = await handler.queued(NUMBERS[0]), await handler.queued(NUMBERS[0])
    assert first != second and len(await handler.faxes()) == 2
    handler.concluded(first, True)
    handler.concluded(second, False)
    assert await handler.queued(NUMBERS[0]) == second, "the second one is the one that was not heard"


def mail_of(n: int, body: str = "Hello") -> bytes:
    """What a copier makes of one scan: all that it writes anew each time is another one, and the rest the same."""
    head = f"Date: Thu, 26 Nov 2026 08:0{n}:00 +0000\r\nMessage-ID: <{n}@copier>\r\nSubject: Scan\r\n"
    parts = f'Content-Type: multipart/mixed;\r\n boundary="=_{n}_"\r\n\r\n--=_{n}_\r\n\r\n{body}\r\n--=_{n}_--\r\n'
    return (head + parts).encode()


async def test_a_copier_that_writes_its_mail_anew_is_known_by_sender_number_and_content(handler: Handler) -> None:
    first = await handler.queued(*NUMBERS, mail=mail_of(1))
    handler.concluded(first, False)
    for n in (2, 3):
        assert await handler.queued(*NUMBERS, mail=mail_of(n)) == first
        handler.concluded(first, False)
    assert await handler.queued(NUMBERS[0], mail=mail_of(4, "Hello!")) != first, "another scan"
    assert await handler.queued(NUMBERS[0], mail=mail_of(5), sender="bob@example.com") != first
    assert await handler.queued(NUMBERS[0], mail=mail_of(6), ip="127.0.0.2") != first, "another copier"
    assert await handler.queued(*NUMBERS, mail=mail_of(7)) == first
    handler.concluded(first, True)
    assert await handler.queued(*NUMBERS, mail=mail_of(8)) != first, "on purpose"


async def test_a_mail_server_that_sends_again_from_another_address_is_known_by_the_message_id(
    handler: Handler,
) -> None:
    first = await handler.queued(NUMBERS[0], mail=mail_of(1))
    handler.concluded(first, False)
    assert await handler.queued(NUMBERS[0], mail=mail_of(1), ip="192.0.2.9") == first


@pytest.mark.parametrize("sender", ["", "scanner@example.com"])
async def test_two_copiers_alike_are_two(sender: str, handler: Handler) -> None:
    """No Message-ID, the same sender or none, the same page: their addresses, or logins, tell them apart."""
    copiers = [{"ip": "127.0.0.1"}, {"ip": "127.0.0.2"}, {"ip": "127.0.0.2", "login": "copier2"}]
    first = [await handler.queued(NUMBERS[0], sender=sender, **copier) for copier in copiers]
    for queue_id in first:
        handler.concluded(queue_id, False)
    assert len(set(first)) == 3
    for _ in range(2):
        again = [await handler.queued(NUMBERS[0], sender=sender, **copier) for copier in copiers]
        assert again == first
        for queue_id in again:
            handler.concluded(queue_id, False)
    assert len(await handler.faxes()) == 3


@pytest.mark.parametrize("again", [1, 2], ids=["same Message-ID", "another Message-ID"])
@pytest.mark.parametrize("becomes", ["acknowledged", "heard", "gone"])
async def test_what_becomes_of_the_first_250_is_waited_for(becomes: str, again: int, handler: Handler) -> None:
    first = await handler.queued(NUMBERS[0], mail=mail_of(1), arrives=False)
    [answer] = handler.answers[first]
    answer.late()
    second = asyncio.create_task(handler.queued(NUMBERS[0], mail=mail_of(again)))
    await asyncio.sleep(0.1)
    assert not second.done()
    answer.acknowledged() if becomes == "acknowledged" else answer.concluded(heard=becomes == "heard")
    assert (await second == first) is (becomes == "gone")


@pytest.mark.parametrize("again", [1, 2], ids=["same Message-ID", "another Message-ID"])
async def test_a_client_that_can_not_be_reached_has_not_heard(
    again: int, handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailfax.offramp.resent.REACHED_SECONDS", 0.1)
    first = await handler.queued(NUMBERS[0], mail=mail_of(1), arrives=False)
    handler.answers[first][0].late()
    assert await handler.queued(NUMBERS[0], mail=mail_of(again)) == first
    handler.concluded(first, False)
    assert await handler.queued(NUMBERS[0], mail=mail_of(again)) == first


async def test_the_same_page_under_another_message_id_is_not_waited_for_while_all_is_well(handler: Handler) -> None:
    first = await handler.queued(NUMBERS[0], mail=mail_of(1), arrives=False)
    async with asyncio.timeout(0.5):
        assert await handler.queued(NUMBERS[0], mail=mail_of(2), arrives=False) != first


async def test_after_a_crash_a_copier_that_writes_its_mail_anew_is_known(tmp_path: Path, clock: Clock) -> None:
    spool = await Spool.open("sqlite:///spool.db", tmp_path, clock=clock)
    first = await Handler(spool, clock).queued(NUMBERS[0], mail=mail_of(1))
    await spool.close()
    spool = await Spool.open("sqlite:///spool.db", tmp_path, clock=clock)
    assert await Handler(spool, clock).queued(NUMBERS[0], mail=mail_of(2)) == first
    await spool.close()


async def test_after_the_answer_to_the_resent_mail_was_heard_it_may_be_sent_on_purpose(handler: Handler) -> None:
    first = await handler.queued(NUMBERS[0])
    handler.concluded(first, False)
    assert await handler.queued(NUMBERS[0]) == first
    handler.concluded(first, True)
    assert await handler.queued(NUMBERS[0]) != first
    assert len(await handler.faxes()) == 2


async def test_a_process_that_died_was_not_heard(tmp_path: Path, clock: Clock) -> None:
    spool = await Spool.open("sqlite:///spool.db", tmp_path, clock=clock)
    first = await Handler(spool, clock).queued(NUMBERS[0])
    await spool.close()
    spool = await Spool.open("sqlite:///spool.db", tmp_path, clock=clock)
    assert await Handler(spool, clock).queued(NUMBERS[0]) == first
    await spool.close()


async def test_what_has_failed_goes_out_once_more_whoever_resends_it_at_once(handler: Handler) -> None:
    first = await handler.queued(NUMBERS[0])
    handler.concluded(first, False)
    await handler.fail(first)
    again = await asyncio.gather(*[handler.queued(NUMBERS[0]) for _ in range(8)])
    assert len(set(again)) == 1 and first not in again
    assert await handler.faxes() == [NUMBERS[0]] * 2


@pytest.mark.parametrize("event", [JobEvent.CANCEL, JobEvent.HOLD])
async def test_only_what_has_failed_or_was_cancelled_goes_out_again(event: JobEvent, handler: Handler) -> None:
    first = await handler.queued(NUMBERS[0])
    handler.concluded(first, False)
    [job] = await handler.spool.jobs.of(first)
    await handler.spool.jobs.advance(job, job.after(event, ended_at=1.0), event)
    again = await handler.queued(NUMBERS[0])
    assert (again == first) is (event is JobEvent.HOLD)


async def test_only_the_recipients_that_are_new_are_faxed(handler: Handler) -> None:
    first = await handler.queued(NUMBERS[0])
    handler.concluded(first, False)
    second = await handler.queued(*NUMBERS)
    assert second != first
    assert await handler.faxes() == list(NUMBERS)
    [job] = await handler.spool.jobs.of(first)
    assert "same as" in (await handler.spool.history.of(job.queue_id))[-1].detail
    handler.concluded(second, True)
    assert await handler.queued(NUMBERS[0]) != first, "the answer spoke for all of them, and was heard"


async def test_mail_for_the_postmaster_is_passed_on_though_its_faxes_came_before(handler: Handler) -> None:
    first = await handler.queued(NUMBERS[0], postmaster=True)
    handler.concluded(first, False)
    second = await handler.queued(NUMBERS[0], postmaster=True)
    assert second != first and await handler.faxes() == [NUMBERS[0]]
    assert (await handler.spool.counts()).letters == {"waiting": 2}


@pytest.mark.parametrize(
    "other", [{"mail": MAIL + b"."}, {"sender": "bob@example.com"}, {"cover": (("to", "Jane"),)}], ids=str
)
async def test_another_mail_is_no_resent_one(other: dict[str, object], handler: Handler) -> None:
    first = await handler.queued(NUMBERS[0])
    handler.concluded(first, False)
    assert await handler.queued(NUMBERS[0], **other) != first


async def test_two_processes_that_get_the_same_resent_mail_fax_it_once(tmp_path: Path, clock: Clock) -> None:
    spools = [await Spool.open("sqlite:///spool.db", tmp_path, clock=clock) for _ in range(2)]
    handlers = [Handler(spool, clock) for spool in spools]
    queue_id = await handlers[0].queued(NUMBERS[0])
    handlers[0].concluded(queue_id, False)
    await handlers[0].fail(queue_id)
    again = await asyncio.gather(*[handlers[n % 2].queued(NUMBERS[0]) for n in range(10)])
    assert len(set(again)) == 1
    assert await handlers[1].faxes() == [NUMBERS[0]] * 2
    for spool in spools:
        await spool.close()


@given(
    st.lists(
        st.sampled_from(("send", "send", "send", "heard", "gone", "fail", "restart")),
        max_size=25,
    )
)
@settings(max_examples=50, deadline=None)
def test_sessions_at_random(steps: list[str]) -> None:
    """Invariant: a mail is not faxed exactly where the client of a fax with its keys is gone, unheard, and that fax
    has not failed; each such fax takes one."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_sessions(Path(folder), steps))


async def _sessions(folder: Path, steps: list[str]) -> None:
    """One conversation at a time: send; then the client has heard, or is gone, or the process dies."""
    clock = Clock()
    spool = await Spool.open("sqlite:///spool.db", folder, clock=clock)
    handler = Handler(spool, clock)
    faxes: list[str] = []  # all of them, in the order in which they were accepted
    alive, gone, failed = set[str](), set[str](), set[str]()
    talking = ""
    try:
        for step in steps:
            clock.now += 1
            if step == "send":
                same = [fax for fax in faxes if fax in gone - failed]
                talking = await handler.queued(NUMBERS[0])
                if same:
                    assert talking == same[0]
                else:
                    assert talking not in faxes
                    # Whoever takes over what failed is resending: gone until it has heard.
                    (gone if gone else alive).add(talking)
                    gone -= failed
                    faxes.append(talking)
            elif step == "heard" and talking:
                handler.concluded(talking, True)
                alive.discard(talking)
                gone.discard(talking)
                talking = ""
            elif step == "gone" and talking:
                handler.concluded(talking, False)
                alive.discard(talking)
                gone.add(talking)
                talking = ""
            elif step == "fail" and faxes and faxes[-1] not in failed:
                await handler.fail(faxes[-1])
                failed.add(faxes[-1])
            elif step == "restart":
                await spool.close()
                spool = await Spool.open("sqlite:///spool.db", folder, clock=clock)
                handler = Handler(spool, clock)
                gone, alive, talking = gone | alive, set(), ""
            assert len(await handler.faxes()) == len(faxes)
    finally:
        await spool.close()


async def test_a_quota_is_told_and_leaves_nothing(handler: Handler) -> None:
    grant = Grant("main", payer="alice", faxes_per_day=2)
    await handler.queued(*NUMBERS[:2], grant=grant)
    refused = await handler.mail(NUMBERS[2], grant=grant, mail=MAIL + b"x" * 100_000)
    assert isinstance(refused, Refusal) and refused.cause is Cause.QUOTA_FAXES
    assert refused.reply.startswith("550 5.7.1 alice may send 2 faxes a day, of which 2 are used up")
    assert list(handler.spool.content.large.folder.glob("*/*")) == [] and len(await handler.faxes()) == 2
    assert isinstance(await handler.mail(NUMBERS[2], grant=replace(grant, payer="bob")), str)
    again = await handler.mail(NUMBERS[0], grant=grant)
    assert isinstance(again, Refusal), "two of these sessions are alive: it would be another fax"


async def test_what_came_before_is_no_matter_of_quotas(handler: Handler) -> None:
    grant = Grant("main", payer="alice", faxes_per_day=1)
    first = await handler.queued(NUMBERS[0], grant=grant)
    handler.concluded(first, False)
    assert await handler.mail(NUMBERS[0], grant=grant) == first


async def test_used_up_pages_refuse_the_next_mail(handler: Handler) -> None:
    grant = Grant("main", payer="alice", pages_per_day=2)
    await handler.queued(NUMBERS[0], grant=grant)
    claimed = await handler.spool.documents.claim(60)
    assert claimed
    message, document = claimed
    assert (message.payer, message.pages_per_day) == ("alice", 2)
    await handler.spool.documents.ready(document, replace(document, pages=2), b"", message=message)
    refused = await handler.mail(NUMBERS[1], grant=grant)
    assert isinstance(refused, Refusal) and refused.cause is Cause.QUOTA_PAGES
    assert "2 pages that alice may send" in refused.reply


async def test_the_ceiling_is_told_to_the_postmaster_once_a_day(spool: Spool, clock: Clock) -> None:
    handler = Handler(spool, clock, ceiling=2)
    await handler.queued(*NUMBERS[:2])
    refusals = await asyncio.gather(*[handler.mail(NUMBERS[2]) for _ in range(5)])
    assert {one.cause for one in refusals if isinstance(one, Refusal)} == {Cause.CEILING}
    assert all(isinstance(one, Refusal) and one.reply.startswith("451 4.7.1") for one in refusals)
    [alarm] = await spool.outbox.listing()
    assert alarm.recipients == (SITE.postmaster,) and alarm.kind == "alarm"
    clock.now += 86_400
    assert isinstance(await handler.mail(*NUMBERS[:2], mail=b"other"), str)
    assert isinstance(await handler.mail(NUMBERS[2]), Refusal)
    assert len(await spool.outbox.listing()) == 2


async def test_a_full_disk_is_told_as_such_also_where_nothing_is_to_be_stored(tmp_path: Path, clock: Clock) -> None:
    """The line "same as …" and the alarm need room, too: 452, and the client comes again."""
    full = False

    def before_commit(names: tuple[str, ...]) -> None:
        if full:
            trouble = sqlite3.OperationalError("database or disk is full")
            trouble.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise trouble

    spool = await Spool.open("sqlite:///spool.db", tmp_path, clock=clock, before_commit=before_commit)
    handler = Handler(spool, clock, ceiling=1)
    first = await handler.queued(NUMBERS[0])
    handler.concluded(first, False)
    full = True
    for number in NUMBERS[:2]:
        with pytest.raises(NotSent, match="no room"):
            await handler.mail(number)
    full = False
    assert await handler.queued(NUMBERS[0]) == first
    assert isinstance(await handler.mail(NUMBERS[1]), Refusal)
    await spool.close()


async def test_the_cover_of_the_address_is_the_jobs(handler: Handler) -> None:
    cover = (("to", "Jane Doe"), ("company", "Example Ltd"), ("subject", "Order 7"))
    [job] = await handler.spool.jobs.of(await handler.queued(NUMBERS[0], cover=cover))
    assert (job.recipient_name, job.subject) == ("Jane Doe, Example Ltd", "Order 7")
    [job] = await handler.spool.jobs.of(await handler.queued(NUMBERS[1]))
    assert (job.state, job.subject) == (JobState.ACCEPTED, None)


def test_a_subject_of_the_address_replaces_that_of_the_mail() -> None:
    from mailfax.config import Account
    from mailfax.offramp.cover import cover_for
    from mailfax.rules.job import Document
    from tests.spool.conftest import Clock as SpoolClock
    from tests.spool.conftest import Mails

    mails = Mails(SpoolClock())
    message = mails.message()

    def subject(job: FaxJob) -> str:
        account = Account("main", "https://api.example.com/api/", "1", "", reference="off")
        return cover_for(account, message, Document(message.queue_id, "ready", 1, 0.0, 1), job).subject

    assert subject(mails.job(message)) == "Invoice 12"
    assert subject(mails.job(message, subject="Order 7")) == "Order 7"
    assert subject(mails.job(message, subject="")) == ""


async def test_a_cover_page_that_nobody_may_have_can_not_be_asked_for(handler: Handler) -> None:
    closed = Grant("main", cover_page="none")
    told = await handler.mail(NUMBERS[0], grant=closed, cover=(("cover", "yes"),))
    assert isinstance(told, Refusal) and told.reply.startswith(
        "550 5.7.1 No fax of alice@example.com has a cover page"
    )
    [job] = await handler.spool.jobs.of(await handler.queued(NUMBERS[0], grant=closed, cover=(("cover", "no"),)))
    assert job.cover == "no"


async def test_who_has_no_name_in_the_rules_is_called_as_from_says(handler: Handler) -> None:
    mail = b"From: =?utf-8?q?J=C3=BCrgen?= <j@example.com>\r\nSubject: x\r\n\r\nHello\r\n"
    for grant, name in ((Grant("main"), "Jürgen"), (Grant("main", "Example Ltd"), "Example Ltd")):
        queue_id = await handler.queued(NUMBERS[0], mail=mail, grant=grant, sender=f"{name[:2]}@example.com")
        message = await handler.spool.intake.message(queue_id)
        assert message is not None and message.sender_name == name


async def test_a_preview_is_no_fax_of_the_quota_and_not_the_fax_sent_again(handler: Handler) -> None:
    preview = (("preview", "yes"),)
    grant = Grant("main", "Alice", payer="alice", faxes_per_day=1)
    for _ in range(2):
        [job] = await handler.spool.jobs.of(
            await handler.queued(NUMBERS[0], grant=grant, cover=preview, mail=MAIL + str(next(COUNT)).encode())
        )
        assert (job.preview, job.number) == (True, NUMBERS[0])
    [job] = await handler.spool.jobs.of(await handler.queued(NUMBERS[0], grant=grant))
    assert not job.preview
    assert await handler.spool.usage.of("alice") == (1, 0)
    assert isinstance(await handler.mail(NUMBERS[1], grant=grant, mail=MAIL + str(next(COUNT)).encode()), Refusal)


async def test_tags_in_the_subject_count_for_all_and_the_address_before_them(handler: Handler) -> None:
    mail = b"Subject: #fax:nocover Order #fax:to=Jane_Doe\r\n\r\nHello\r\n"
    [job] = await handler.spool.jobs.of(await handler.queued(NUMBERS[0], mail=mail))
    assert (job.cover, job.recipient_name) == ("no", "Jane Doe")
    message = await handler.spool.intake.message(job.message)
    assert message is not None and message.subject == "Order"
    cover = (("to", "Bob"), ("cover", "yes"))
    [job] = await handler.spool.jobs.of(await handler.queued(NUMBERS[1], mail=mail, cover=cover))
    assert (job.cover, job.recipient_name) == ("yes", "Bob")


async def test_an_unknown_tag_in_the_subject_is_refused_by_its_name(handler: Handler) -> None:
    told = await handler.mail(NUMBERS[0], mail=b"Subject: Order #fax:colour\r\n\r\nHello\r\n")
    assert isinstance(told, Refusal)
    assert told.reply.startswith("550 5.6.0 A tag is not understood: #fax:colour is not known here")
    assert await handler.faxes() == []
