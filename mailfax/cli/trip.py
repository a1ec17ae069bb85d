"""The demo's round trip: a mail becomes a fax and its answer, a received fax becomes a mail; all of it is checked.

In: a running bridge and its sandbox. Out: one line per station as it is passed, and at the end whether all of it
really happened: the answers are read from the Maildirs, the faxed pages from FaxCore, and the pages are counted.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import io
import mailbox
import smtplib
import time
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path

import httpx

from mailfax.cli import paperwork
from mailfax.faxcore.client import FaxCore
from mailfax.rules.job import FaxJob
from mailfax.rules.states import JobState
from mailfax.spool import Spool

TO = "15551234567@fax.local"
CALLER = "15559876543"
#: No station takes longer than this in a healthy demo, in seconds.
PATIENCE = 90.0


class Missing(Exception):
    """A station was not reached; the text says which."""


class Trip:
    """One round trip through a running demo."""

    def __init__(
        self, spool: Spool, state: Path, *, smtp: tuple[str, int], sandbox: str, account: str, login: tuple[str, str]
    ) -> None:
        self._spool, self._state, self._account = spool, state, account
        self._smtp, self._sandbox, self._login = smtp, sandbox, login

    async def run(self, *, sender: str, office: str) -> bool:
        """Make the trip; True if every station was passed and every page counted."""
        try:
            await self._offramp(sender)
            await self._onramp(office)
        except Missing as missing:
            _say("NOT DONE", str(missing))
            return False
        _say("done", "a message became a fax, and a fax became a message")
        return True

    async def _offramp(self, sender: str) -> None:
        letter, scan = await asyncio.to_thread(paperwork.letter), await asyncio.to_thread(paperwork.scan)
        mail = _mail(sender, letter, scan)
        queue_id = await asyncio.to_thread(self._hand_over, sender, mail)
        _say("accepted", f"message from {sender} to {TO}, queued as {queue_id}")
        job = await self._followed(queue_id)
        if job.state is not JobState.DELIVERED:
            raise Missing(f"the fax ended as {job.state.value}: {job.status.sentence if job.status else ''}")
        answer = await self._mail_about(sender, job.queue_id)
        _say("subject", f"{answer['Subject']}")
        await self._fetch_pages(job, paperwork.LETTER_PAGES + paperwork.SCAN_PAGES)

    def _hand_over(self, sender: str, mail: EmailMessage) -> str:
        with smtplib.SMTP(*self._smtp, timeout=30) as smtp:
            smtp.ehlo()
            smtp.mail(sender)
            code, text = smtp.rcpt(TO)
            if code == 250:
                code, text = smtp.data(mail.as_bytes(policy=email.policy.SMTP))
        if code != 250:
            raise Missing(f"the message was refused: {code} {text.decode(errors='replace')}")
        return text.decode().rpartition("queued as ")[2].strip()

    async def _followed(self, queue_id: str) -> FaxJob:
        """Say each station of the only job of a message, as its history tells them; the job at its end."""
        told = 0
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            [job] = await self._spool.jobs.of(queue_id)
            document = await self._spool.documents.get(queue_id)
            facts = {
                JobState.READY: f"{document.pages if document else '?'} pages made from PDF and scan",
                JobState.SUBMITTING: "FaxCore is given the document",
                JobState.SUBMITTED: f"FaxCore took it as {job.fax_id}",
                JobState.DELIVERED: f"{job.pages_delivered} of {job.pages} pages, the cover page among them",
            }
            stations = [
                line.state for line in await self._spool.history.of(queue_id) if line.queue_id == job.queue_id
            ]
            for station in stations[told:]:
                if station in facts:
                    _say(station, facts[JobState(station)])
            told = len(stations)
            if job.final:
                return job
            await asyncio.sleep(0.05)
        paused = (await self._spool.accounts.state(self._account)).paused_reason
        raise Missing(f"the fax did not end within {PATIENCE:.0f} seconds; it is {job.state.value}. {paused}".strip())

    async def _fetch_pages(self, job: FaxJob, own_pages: int) -> None:
        """Fetch what the other side got, as TIFF and as PDF, and count the pages: the document's and one cover."""
        folder = self._state / "pages"
        folder.mkdir(exist_ok=True)
        files = {kind: folder / f"{job.fax_id}.{kind.lower()}" for kind in ("TIF", "PDF")}
        client = FaxCore(base_url=self._sandbox, username=self._login[0], password=self._login[1])
        try:
            for kind, file in files.items():
                block = io.BytesIO()
                await client.download_fax(job.fax_id, filetype="TIF" if kind == "TIF" else "PDF", to=block)
                await asyncio.to_thread(file.write_bytes, block.getvalue())
                pages = await asyncio.to_thread(paperwork.count, file)
                if pages != own_pages + 1:
                    raise Missing(f"{file} has {pages} pages where {own_pages + 1} were faxed")
                _say("faxed pages", f"{pages} pages: {file}")
        finally:
            await client.aclose()

    async def _onramp(self, office: str) -> None:
        scan = await asyncio.to_thread(paperwork.scan)
        control = self._sandbox.removesuffix("/api/") + "/_sandbox/inbound"
        async with httpx.AsyncClient(trust_env=False) as http:
            reply = await http.post(control, params={"account": self._login[0], "caller": CALLER}, content=scan)
        if reply.status_code != 201:
            raise Missing(f"the sandbox took no inbound fax: {reply.text}")
        [fax_id] = reply.json()["ids"]
        _say("called", f"a fax of {paperwork.SCAN_PAGES} pages comes in at FaxCore as {fax_id}")
        mail = await self._mail_about(office, await self._queue_id_of(fax_id))
        _say("subject", f"{mail['Subject']}")
        for part in mail.iter_attachments():
            if part.get_content_type() == "application/pdf":
                file = self._state / "pages" / f"{fax_id}.pdf"
                await asyncio.to_thread(file.write_bytes, part.get_content())
                pages = await asyncio.to_thread(paperwork.count, file)
                if pages != paperwork.SCAN_PAGES:
                    raise Missing(f"{file} has {pages} pages where {paperwork.SCAN_PAGES} came in")
                _say("attached", f"{pages} pages: {file}")
                return
        raise Missing("the message that brings the received fax has no PDF")

    async def _queue_id_of(self, fax_id: str) -> str:
        """Our name for a received fax, as soon as it was listed."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if fax := await self._spool.inbound.get(self._account, fax_id):
                return fax.queue_id
            await asyncio.sleep(0.1)
        raise Missing(f"the fax {fax_id} was not seen in the Inbox within {PATIENCE:.0f} seconds")

    async def _mail_about(self, address: str, queue_id: str) -> EmailMessage:
        """The mail about ``queue_id`` in a Maildir, as soon as it is there."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for file, mail in await asyncio.to_thread(_mails, self._state / "mail" / address):
                if mail["X-Fax-Queue-ID"] == queue_id:
                    _say("mailed", f"to {address}: {file}")
                    return mail
            await asyncio.sleep(0.1)
        raise Missing(f"no message about {queue_id} reached {address} within {PATIENCE:.0f} seconds")


def _mail(sender: str, letter: bytes, scan: bytes) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = f"Alice Example <{sender}>"
    mail["To"] = f"Bob Builder <{TO}>"
    mail["Subject"] = "Offer 4711 and signed plan"
    mail["Date"] = formatdate(localtime=True)
    mail["Message-ID"] = make_msgid(domain="example.com")
    mail.set_content("Dear Bob,\n\nhere are the offer and the plan that we signed this morning.\n\nRegards\nAlice\n")
    mail.add_attachment(letter, maintype="application", subtype="pdf", filename="offer.pdf")
    mail.add_attachment(scan, maintype="image", subtype="tiff", filename="plan.tif")
    return mail


def _mails(maildir: Path) -> list[tuple[Path, EmailMessage]]:
    if not (maildir / "new").is_dir():
        return []
    box = mailbox.Maildir(maildir, create=False)
    found = []
    for key in box.iterkeys():
        mail = email.message_from_bytes(box.get_bytes(key), policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        found.append((maildir / "new" / key, mail))
    return found


def _say(station: str, fact: str) -> None:
    print(f"{station:>12}  {fact}", flush=True)
