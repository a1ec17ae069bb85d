"""Which faxes a mail asks for: one for each number and cover, whatever the number of recipients that mean it.

In: the recipients of an envelope, and the names that the header gives; or a job that is to be sent once more. Out:
``Fax`` values, in order, and the jobs that are made of them. The same number twice, as in a list and beside it, is
one fax, of which each recipient hears as it asked; with another cover it is another fax: another page is meant.

STANDARDS: RFC 3461 4.1 (NOTIFY).
LIMITS: behind a mail server of one's own all clients are one, for what comes without a Message-ID.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from mailfax.rules.envelope import PREVIEW, Client, Notify, Postmaster, Recipient
from mailfax.rules.job import FaxJob, Spelling
from mailfax.rules.paper import paper_for
from mailfax.rules.queue_id import message_id
from mailfax.rules.send_time import Window
from mailfax.rules.states import JOB, JobState
from mailfax.rules.tags import read_tags
from mailfax.spool import Keys

ALWAYS = Window()
NO_TAGS: Mapping[str, str] = MappingProxyType({})
Wish = frozenset[Notify] | None


@dataclass(frozen=True, slots=True)
class Fax:
    """One fax to be. ``subject`` is None where the cover gets the mail's."""

    address: str
    number: str
    notify: Wish
    orcpt: str
    recipient_name: str = ""
    subject: str | None = None
    paper: str = ""  #: that of the number's country, where that is known
    cover_page: str = ""  #: "yes" or "no" where the address asks for it
    cover: tuple[tuple[str, str], ...] = ()
    at: str = ""  #: not before that time of the day, where it was asked for
    code: str = ""  #: the billing code
    priority: str = ""  #: "high", or "normal" where it was asked for
    also: tuple[Spelling, ...] = ()  #: further recipients that mean the same

    @property
    def is_preview(self) -> bool:
        """Mailed back instead of faxed; ``number`` is "" where it is for none."""
        return PREVIEW in self.cover

    @classmethod
    def of(cls, job: FaxJob) -> Fax:
        """What a job was asked for."""
        return cls(
            job.address,
            job.number,
            job.notify,
            job.orcpt,
            recipient_name=job.recipient_name,
            subject=job.subject,
            paper=job.paper,
            cover_page=job.cover,
            code=job.code,
            priority=job.priority,
            also=job.also,
        )

    def job(
        self,
        queue_id: str,
        reference: str,
        *,
        account: str,
        now: float,
        expire_seconds: float,
        made: bool = False,
        hours: Window = ALWAYS,
    ) -> FaxJob:
        """A new job; ``made``: its document is there already; ``hours``: when it may be handed over."""
        job = FaxJob(
            queue_id=queue_id,
            message=message_id(queue_id),
            account=account,
            address=self.address,
            number=self.number,
            recipient_name=self.recipient_name,
            notify=self.notify,
            orcpt=self.orcpt,
            reference=reference,
            state=JobState.READY if made else JOB.start,
            accepted_at=now,
            expires_at=max(now, hours.opens) + expire_seconds,
            submit_at=now,
            subject=self.subject,
            cover=self.cover_page,
            paper=self.paper,
            preview=self.is_preview,
            code=self.code,
            priority="high" if self.priority == "high" else "",
            also=self.also,
        )
        return job if job.preview else job.within(hours)

    def keys(self, sent: str, sender: str, client: Client, message_id: str) -> Keys:
        """By what this fax is known again: sender, number, cover and ``sent``, what the mail carries; and either its
        Message-ID or the client.

        Two copiers may be set up alike: without a Message-ID only the same client is taken for the same. One that
        comes again may write another Message-ID than the first time.
        """
        fax = (sent, sender, self.number, self.cover)
        by_client = _digest(*fax, client.ip, client.login)
        return Keys(_digest(*fax, message_id), by_client) if message_id else Keys(by_client)


def _digest(*what: object) -> str:
    return hashlib.sha256(repr(what).encode()).hexdigest()


def faxes_of(
    recipients: Iterable[Recipient | Postmaster], names: Mapping[str, str], tags: Mapping[str, str] = NO_TAGS
) -> list[Fax]:
    """The faxes. ``names``: address in lower case -> display name; ``tags`` (``rules.tags``) of the mail count before
    them, and what the address itself says (``/to=``) before all."""
    faxes: dict[object, Fax] = {}
    for recipient in recipients:
        if isinstance(recipient, Postmaster):
            continue
        number, region = (recipient.number.dialled, recipient.number.region) if recipient.number else ("", "")
        cover = tuple(sorted(recipient.cover))
        other = faxes.get((number, cover))
        if other:
            spelling = Spelling(recipient.address, recipient.orcpt, recipient.notify)
            faxes[number, cover] = replace(other, also=(*other.also, spelling))
            continue
        said = {**tags, **dict(cover)}
        name = said.get("to") or names.get(recipient.address.casefold(), "")
        faxes[number, cover] = Fax(
            recipient.address,
            number,
            recipient.notify,
            recipient.orcpt,
            # FaxCore's cover has no field for the recipient's company.
            recipient_name=", ".join(part for part in (name, said.get("company")) if part),
            # Where the number stands in the subject, this is the rest of it.
            subject=read_tags(said["subject"]).rest if "subject" in said else None,
            paper=paper_for(region) if region else "",
            cover_page=said.get("cover", ""),
            at=said.get("at", ""),
            code=said.get("code", ""),
            priority=said.get("priority", ""),
            cover=cover,
        )
    return list(faxes.values())
