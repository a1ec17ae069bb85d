"""An envelope and its content become a message with its fax jobs, in one commit; then, and only then, 250.

In: the envelope, the content as it was written to the spool, the header block. Out: the queue ID. The recipients come
from the envelope only (RFC 4161 2.1.1, RFC 3965 2.1.3); the header gives the subject, the Message-ID for threading
and names for the cover. Mail for the postmaster is owed to him by the same commit.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from mailfax import letters, maillog
from mailfax.letters import Marks, Site
from mailfax.rules.envelope import Envelope, Recipient
from mailfax.rules.heading import Heading, read_heading
from mailfax.rules.job import FaxJob, Letter, Message
from mailfax.rules.queue_id import draw_queue_id, job_id
from mailfax.rules.reference import draw_reference
from mailfax.rules.states import JOB
from mailfax.spool import Content, QueueIdTaken, ReferenceTaken, Spool


class Accept:
    """Takes mails over from the door."""

    def __init__(
        self,
        spool: Spool,
        *,
        site: Site,
        marks: Callable[[], Marks],
        expire_seconds: float,
        choose: Callable[[str], str] = secrets.choice,
    ) -> None:
        self._spool, self._site, self._marks = spool, site, marks
        self._expire_seconds, self._choose = expire_seconds, choose

    async def __call__(self, envelope: Envelope, content: Content, header: bytes) -> str:
        """Store the mail; its queue ID. Raises ``NotSent`` where nothing was stored."""
        heading = read_heading(header)
        while True:
            message = self._message(envelope, heading, content)
            jobs = self._jobs(envelope, message, heading)
            try:
                forwards = self._forwards(envelope, message, content)
                message = await self._spool.intake.accept(message, jobs, content, forwards)
            except (QueueIdTaken, ReferenceTaken):
                continue  # one in a hundred million: draw again
            maillog.accepted(message, len(jobs))
            for job in jobs:
                maillog.queued(job)
            return message.queue_id

    def _message(self, envelope: Envelope, heading: Heading, content: Content) -> Message:
        now, grant, client = self._spool.now(), envelope.grant, envelope.client
        return Message(
            queue_id=draw_queue_id(now, self._choose),
            received_at=now,
            sender=envelope.sender,
            ret=envelope.ret,
            envid=envelope.envid,
            client_ip=client.ip,
            listener=client.listener,
            login=client.login,
            account=grant.account,
            sender_name=grant.name,
            sender_company=grant.company,
            owner=grant.notify,
            success_notice=grant.success_notice,
            header_message_id=heading.message_id,
            subject=heading.subject,
            content_id=content.content_id,
            size=content.size,
        )

    def _forwards(self, envelope: Envelope, message: Message, content: Content) -> list[Letter]:
        """The mail itself, once, where the postmaster is among its recipients (RFC 5321 4.5.1)."""
        if all(recipient.number is not None for recipient in envelope.recipients):
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

    def _jobs(self, envelope: Envelope, message: Message, heading: Heading) -> list[FaxJob]:
        """One job per number: the same number named twice in one mail is one recipient."""
        by_number: dict[str, Recipient] = {}
        for recipient in envelope.recipients:
            if recipient.number is not None:
                by_number.setdefault(recipient.number.dialled, recipient)
        return [
            FaxJob(
                queue_id=job_id(message.queue_id, position),
                message=message.queue_id,
                account=message.account,
                address=recipient.address,
                number=number,
                recipient_name=heading.names.get(recipient.address.casefold(), ""),
                notify=recipient.notify,
                orcpt=recipient.orcpt,
                reference=draw_reference(self._choose),
                state=JOB.start,
                accepted_at=message.received_at,
                expires_at=message.received_at + self._expire_seconds,
                next_attempt_at=message.received_at,
            )
            for position, (number, recipient) in enumerate(by_number.items(), start=1)
        ]
