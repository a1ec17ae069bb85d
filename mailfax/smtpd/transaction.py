"""What one mail is before it is handed over: its sender, its recipients, and the bytes that have arrived of it.

In: what MAIL and RCPT said, judged by the policy. Out: the recipients of the envelope, one for each number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from mailfax.rules.envelope import Destination, Postmaster, Recipient
from mailfax.rules.policy import Permission, Policy
from mailfax.rules.recipient_list import Listed
from mailfax.rules.status import Refusal
from mailfax.smtpd.arrival import Arrival
from mailfax.smtpd.syntax import MailParameters, RcptParameters


@dataclass(frozen=True, slots=True)
class Accepted:
    """One RCPT answered 250: the address as it was written, what it means, and what its sender wants to hear."""

    address: str
    destination: Destination
    said: RcptParameters

    def recipients(self, meant: Destination) -> list[Recipient | Postmaster]:
        """One for each number; where there is none, our postmaster or a preview that is for no number."""
        if not (meant.numbers or meant.is_preview):
            return [Postmaster(self.address)]
        said = self.said
        return [
            Recipient(self.address, number, said.notify, said.orcpt, meant.cover)
            for number in meant.numbers or (None,)
        ]


@dataclass(slots=True)
class Transaction:
    """From MAIL to the end of data. ``judged`` is what the policy says of the sender; it is told at each RCPT. It
    is this policy that judges the mail to its end, whatever holds from the next one on.

    ``replies`` counts the RCPTs answered 250, for LMTP owes each of them a reply. The same address twice is one
    recipient. ``arrival`` is there once BDAT has begun.
    """

    sender: str
    policy: Policy
    judged: Permission | Refusal
    parameters: MailParameters
    accepted: dict[str, Accepted] = field(default_factory=dict)
    replies: int = 0
    numbers: int = 0
    arrival: Arrival | None = None
    octets: int = 0  #: announced by all chunks so far
    began: float = 0.0  #: when the first byte of data was asked for

    @property
    def to_fax(self) -> bool:
        """Whether anybody but our postmaster is addressed."""
        meant = [one.destination for one in self.accepted.values()]
        return any(each.numbers or each.in_subject or each.in_list or each.is_preview for each in meant)

    @property
    def in_subject(self) -> bool:
        return any(one.destination.in_subject for one in self.accepted.values())

    @property
    def in_list(self) -> bool:
        return any(one.destination.in_list for one in self.accepted.values())

    def recipients(self, subject: Destination, listed: Sequence[Listed] = ()) -> tuple[Recipient | Postmaster, ...]:
        """All of them; ``subject`` is what the subject names for those whose number is there, ``listed`` who
        stands in the attached file: whoever is addressed alone, too, gets one fax, as their address has it."""
        addressed = tuple(
            chain.from_iterable(
                one.recipients(replace(subject, cover=one.destination.cover + subject.cover))
                if one.destination.in_subject
                else one.recipients(one.destination)
                for one in self.accepted.values()
                if not one.destination.in_list
            )
        )
        known = {one.number.dialled for one in addressed if isinstance(one, Recipient) and one.number}
        by_list = tuple(
            Recipient(one.address, each.number, one.said.notify, one.said.orcpt, each.cover)
            for one in self.accepted.values()
            if one.destination.in_list
            for each in listed
            if each.number.dialled not in known
        )
        return (*addressed, *by_list)

    def abandon(self) -> None:
        """The mail is dropped, and what has arrived of it."""
        if self.arrival is not None:
            self.arrival.content.abandon()
