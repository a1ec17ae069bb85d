"""An envelope and its content become a message with its fax jobs, in one commit; then, and only then, 250.

In: the envelope, the content as it was written to the spool, the header block. Out: the answer, or a refusal where
its payer or the site has no faxes left today. The recipients come from the envelope only (RFC 4161 2.1.1, RFC 3965
2.1.3); the header gives the subject, the Message-ID for threading and names for the cover. Mail for the postmaster is
owed to him by the same commit. What came before and was not heard is not faxed again (``resent``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import BinaryIO

from mailfax import letters, maillog
from mailfax.context import Context
from mailfax.offramp.faxes import faxes_of
from mailfax.offramp.resent import Answer, Before, Resent
from mailfax.offramp.signs import Signs
from mailfax.rules.envelope import Envelope, Notify
from mailfax.rules.heading import Heading, carried, read_heading
from mailfax.rules.job import FaxJob, Letter, Message, Status
from mailfax.rules.queue_id import draw_queue_id, job_id, message_id
from mailfax.rules.reference import draw_reference
from mailfax.rules.send_time import window
from mailfax.rules.states import JobEvent
from mailfax.rules.status import Cause, Refusal, refusal, refused_at_once
from mailfax.rules.suspect import GLANCE, is_suspect
from mailfax.rules.tags import read_tags
from mailfax.spool import (
    CeilingReached,
    Content,
    Found,
    QueueIdTaken,
    QuotaUsedUp,
    ReferenceTaken,
    SentBefore,
    not_stored,
)

#: Says why a mail, an open file, can't be faxed; None where nothing is known against it.
Examine = Callable[[BinaryIO], Awaitable[Status | None]]


class Accept:
    """Takes mails over from the SMTP server."""

    def __init__(
        self,
        context: Context,
        *,
        examine: Examine | None = None,
        resent: Resent | None = None,
        codes: Sequence[str] = (),
    ) -> None:
        """``resent``: that of the one before, which knows whose 250 is on its way; ``codes``: the billing codes that
        there are, or none where any will do."""
        self._codes = frozenset(codes)
        self._spool, self._site, self._marks = context.spool, context.site, context.marks
        #: What the whole site may send in a day; 0 is no ceiling.
        self._ceiling = context.limits.faxes_per_day
        #: A message of more faxes than that waits for a person; 0 is no such number.
        self._approve_above = context.limits.approve_above
        self._expire_seconds, self._choose = context.limits.expire_seconds, Signs()
        self.resent, self._examine = resent or Resent(context.spool), examine

    async def __call__(self, envelope: Envelope, content: Content, header: bytes) -> Answer | Refusal:
        """Store the mail; what may be answered. Raises ``NotSent`` where nothing was stored."""
        if (told := await self._seen_at_a_glance(envelope, content)) is not None:
            return refused_at_once(told)
        heading = read_heading(header)
        tagged = read_tags(heading.subject)
        if tagged.wrong:
            return refusal(Cause.TAG, why=tagged.wrong)
        heading = replace(heading, subject=tagged.rest)
        wanted = tagged.said.get("priority", "")
        if wanted == "high" and envelope.grant.priority == "normal":
            return refusal(Cause.NO_PRIORITY, sender=envelope.sender or "<>", postmaster=self._site.postmaster)
        if not wanted and (
            envelope.grant.priority == "high" or (heading.urgent and envelope.grant.priority == "asked")
        ):
            tagged.said["priority"] = "high"
        asked = faxes_of(envelope.recipients, heading.names, tagged.said)
        sent = f"{content.sent_sha256} {carried(header)}"
        faxes = {fax.keys(sent, envelope.sender, envelope.client, heading.message_id): fax for fax in asked}
        if envelope.grant.cover_page == "none" and any(fax.cover_page == "yes" for fax in faxes.values()):
            return refusal(Cause.NO_COVER, sender=envelope.sender or "<>", postmaster=self._site.postmaster)
        if self._codes and (unknown := [fax.code for fax in asked if fax.code and fax.code not in self._codes]):
            return refusal(Cause.BILLING_CODE, code=unknown[0], postmaster=self._site.postmaster)
        before = await self.resent.before(faxes)
        while True:
            known = {keys: before.get(keys, Before()) for keys in faxes}
            same = [one.same for one in known.values() if one.same is not None]
            fresh = {keys: fax for keys, fax in faxes.items() if known[keys].same is None}
            now = self._spool.now()
            message = message_of(envelope, heading, draw_queue_id(now, self._choose), now)
            message = replace(message, content_id=content.content_id, size=content.size)
            forwards = self._forwards(envelope, message, content)
            try:
                if same and not fresh and not forwards:
                    return await self._again(envelope, content, same)
                jobs = [
                    fax.job(
                        job_id(message.queue_id, position),
                        draw_reference(self._choose),
                        account=message.account,
                        now=message.received_at,
                        expire_seconds=self._expire_seconds,
                        hours=window(
                            message.received_at,
                            at=fax.at,
                            hours=envelope.grant.hours,
                            zone=envelope.grant.timezone,
                            undo_seconds=envelope.grant.undo_seconds,
                        ),
                    )
                    for position, fax in enumerate(fresh.values(), start=1)
                ]
                if self._waits_for_approval(jobs):
                    jobs = [job if job.preview else job.after(JobEvent.HOLD) for job in jobs]
                    forwards = [*forwards, *self._approvals(message, jobs)]
                unheard = [known[keys].unheard(keys, job.queue_id) for keys, job in zip(fresh, jobs, strict=True)]
                with self.resent.answer(message.queue_id, unheard, same) as answer:
                    message = await self._spool.intake.accept(
                        message, jobs, content, forwards, unheard=unheard, same=same, ceiling=self._ceiling
                    )
            except (QueueIdTaken, ReferenceTaken):
                continue  # one in a hundred million: draw again
            except SentBefore:
                before = await self.resent.before(faxes, clash=True)
                continue
            except CeilingReached:
                return await self._site_has_none_left()
            except QuotaUsedUp:
                return await self._payer_has_none_left(message, sum(not job.preview for job in jobs))
            maillog.accepted(message, len(jobs))
            for job in jobs:
                maillog.queued(job)
            for found in same:
                maillog.same_as(message.queue_id, found.job, envelope.client.ip)
            return answer

    def _waits_for_approval(self, jobs: Sequence[FaxJob]) -> bool:
        return 0 < self._approve_above < sum(not job.preview for job in jobs)

    def _approvals(self, message: Message, jobs: Sequence[FaxJob]) -> list[Letter]:
        """To the postmaster, and to the sender unless they want to hear of nothing."""
        hears = "" if all(job.notify and Notify.NEVER in job.notify for job in jobs) else message.hears
        faxes = sum(not job.preview for job in jobs)
        return [
            letters.approval(
                self._site, self._marks(), message=message, faxes=faxes, limit=self._approve_above, to=to
            )
            for to in dict.fromkeys(("", hears))
            if to != self._site.postmaster
        ]

    async def _seen_at_a_glance(self, envelope: Envelope, content: Content) -> Status | None:
        """Why the mail can't be faxed, where that is found out while its client still listens; mostly not looked for.

        What the postmaster gets, too, is taken whatever it is.
        """
        if self._examine is None or any(each.number is None for each in envelope.faxes) or envelope.to_postmaster:
            return None
        with content.open() as mail:
            return await self._examine(mail) if is_suspect(mail.read(GLANCE)) else None

    async def _again(self, envelope: Envelope, content: Content, same: Sequence[Found]) -> Answer:
        """Nothing of it is new: the first queue ID is the answer. Raises ``SentBefore``: not so any more."""
        with self.resent.answer(message_id(same[0].job), (), same) as answer, not_stored():
            await self._spool.unheard.same(same)
        content.discard()
        for found in same:
            maillog.same_as("", found.job, envelope.client.ip)
        return answer

    async def _site_has_none_left(self) -> Refusal:
        """The postmaster is told before the client hears that he was."""
        alarm = letters.ceiling(self._site, self._marks(), limit=self._ceiling)
        with not_stored():
            await self._spool.usage.ceiling_reached((alarm,))
        return refusal(Cause.CEILING, postmaster=self._site.postmaster)

    async def _payer_has_none_left(self, message: Message, more: int) -> Refusal:
        used, _ = await self._spool.usage.of(message.payer)
        facts = {"payer": message.payer, "postmaster": self._site.postmaster}
        if message.faxes_per_day and used + more > message.faxes_per_day:
            return refusal(Cause.QUOTA_FAXES, limit=message.faxes_per_day, used=used, **facts)
        return refusal(Cause.QUOTA_PAGES, limit=message.pages_per_day, **facts)

    def _forwards(self, envelope: Envelope, message: Message, content: Content) -> list[Letter]:
        """The mail itself, once, where the postmaster is among its recipients (RFC 5321 4.5.1)."""
        if not envelope.to_postmaster:
            return []
        return [
            letters.forward_to_postmaster(
                self._site,
                self._marks(),
                sender=envelope.sender,
                content_id=content.content_id,
                about=message.queue_id,
            )
        ]


def message_of(envelope: Envelope, heading: Heading, queue_id: str, now: float) -> Message:
    """A message as it enters the spool, but for its content."""
    grant, client = envelope.grant, envelope.client
    return Message(
        queue_id=queue_id,
        received_at=now,
        sender=envelope.sender,
        ret=envelope.ret,
        envid=envelope.envid,
        client_ip=client.ip,
        listener=client.listener,
        login=client.login,
        account=grant.account,
        sender_name=grant.name or heading.author,
        sender_company=grant.company,
        owner=grant.notify,
        success_notice=grant.success_notice,
        notice_content=grant.notice_content,
        header_message_id=heading.message_id,
        subject=heading.subject,
        content_id="",
        size=0,
        payer=grant.payer or envelope.sender,
        faxes_per_day=grant.faxes_per_day,
        pages_per_day=grant.pages_per_day,
        cover_page=grant.cover_page,
        body=grant.body,
        strip=",".join(grant.strip),
        hours=",".join(grant.hours),
        timezone=grant.timezone,
        language=grant.language,
        outcome_webhook=grant.outcome_webhook,
    )
