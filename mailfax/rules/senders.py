"""Sender rules made ready for use: each key a question that one asker answers, put to judge and to explain alike.

In: ``SenderRule`` values, and an ``Asker``: what one mail shows of its sender. Out: whether a rule matches, and the
answer to each of its keys. Rules are prepared once, because every mail asks them.

LIMITS: ``From:`` in the header proves nothing here; what DMARC has proven of it comes as ``Asker.author``.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mailfax.config import Network, SenderRule
from mailfax.rules.address import Mailbox, fold_domain, parse_mailbox
from mailfax.rules.destination import Allowed
from mailfax.rules.envelope import Client, Grant

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
#: (local part, domain) in the form in which two spellings are equal.
MailboxKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Asker:
    """What a mail shows of its sender. ``sender`` is None for the null reverse-path and for what is no mailbox.

    ``address`` is None where the true client is not known yet (``waits``: any network may still match) or can't be
    known. ``author`` is who DMARC has proven, or None before it was asked; "" where it proves nobody.
    """

    sender: MailboxKey | None
    null: bool
    address: Address | None
    waits: bool
    login: str
    proof: str
    device: bool
    author: MailboxKey | None = None
    proof_asked: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """One key of a rule: its name, what it wants, and whether an asker has it."""

    key: str
    wanted: tuple[str, ...]
    holds: Callable[[Asker], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """One ``[[sender]]``, ready. ``number`` counts from 1, in the order of the file."""

    number: int
    written: SenderRule
    questions: tuple[Question, ...]
    destinations: Allowed

    def matches(self, asker: Asker) -> bool:
        """Every key given must match, and the rule must count on that listener."""
        for question in self.questions:
            if not question.holds(asker):
                return False
        return not self.why_not_here(asker)

    def matches_but_for(self, key: str, asker: Asker) -> bool:
        """Whether only ``key`` keeps the rule from matching."""
        return not self.why_not_here(asker) and all(
            question.holds(asker) is not (question.key == key) for question in self.questions
        )

    def why_not_here(self, asker: Asker) -> str:
        """Why the rule does not count for this listener or sender, whatever its keys; "" where it does."""
        if not self.questions:
            return "it has no keys, and would let in everybody"
        if asker.proof == "auth" and not self.written.login:
            return "this listener asks for a login, and the rule has none"
        if asker.proof == "pages" and not (self.written.login or self.written.senders):
            return "the pages prove a user and an address, and the rule names neither (login, from)"
        if asker.proof == "dmarc" and not self.written.senders:
            return "this listener proves an author, and the rule names none (from)"
        # A bounce's outcome could be told to nobody; only a device with an owner may have no sender.
        if asker.null and not (asker.device and self.written.notify):
            return "the sender is empty, and the rule names no owner (notify) for a device"
        return ""

    def grant(self, sender: str, login: str, *, device: bool) -> Grant:
        """What the rule gives to that sender. A device can't read, so its owner hears of success, or nobody."""
        rule = self.written
        return Grant(
            account=rule.account,
            name=rule.name,
            company=rule.company,
            notify=rule.notify,
            success_notice=rule.success_notice and (not device or bool(rule.notify)),
            notice_content=rule.notice_content,
            payer=(login or rule.notify or sender).lower(),
            faxes_per_day=rule.faxes_per_day,
            pages_per_day=rule.pages_per_day,
            cover_page=rule.cover_page,
            body=rule.body,
            strip=rule.strip,
            undo_seconds=rule.undo_seconds,
            hours=rule.hours,
            timezone=rule.timezone,
            language=rule.language,
            priority=rule.priority,
            outcome_webhook=rule.outcome_webhook,
        )


def prepare(number: int, rule: SenderRule, destinations: Allowed) -> Rule:
    """The rule, with one question for each key that it has."""
    questions: Iterator[Question] = (
        question
        for question, wanted in (
            (Question("from", rule.senders, _is_sender(rule.senders)), rule.senders),
            (Question("network", tuple(map(str, rule.network)), _is_there(rule.network)), rule.network),
            (Question("login", rule.login, _is_user(rule.login)), rule.login),
        )
        if wanted
    )
    return Rule(number, rule, tuple(questions), destinations)


def ask_for(client: Client, sender: str) -> Asker:
    """What MAIL FROM:<``sender``> of ``client`` shows. Behind a relay the true client comes only with the header."""
    return Asker(
        sender=mailbox_key(sender),
        null=not sender,
        address=None if client.relayed else read_address(client.ip),
        waits=client.relayed,
        login=client.login.casefold(),
        proof=client.proof,
        device=client.device,
    )


def mailbox_key(text: str) -> MailboxKey | None:
    """The key of a mailbox, or None for what is none."""
    mailbox = parse_mailbox(text)
    if not isinstance(mailbox, Mailbox) or not mailbox.domain:
        return None
    return mailbox.local.casefold(), fold_domain(mailbox.domain)


@functools.lru_cache(maxsize=1024)
def read_address(ip: str) -> Address | None:
    """The client's address as rules write it: without a zone, and IPv4 also where a dual-stack socket maps it."""
    try:
        address = ipaddress.ip_address(ip.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_in(networks: Sequence[Network], address: Address | None) -> bool:
    """Whether one of ``networks`` has the address. No network: none has it."""
    return address is not None and any(address in network for network in networks)


def _is_sender(patterns: Sequence[str]) -> Callable[[Asker], bool]:
    """Whole addresses or whole domains, case-blind; never a substring (evilbob@x.com is not bob@x.com).

    Where DMARC was asked, the author that it proves must match as the sender does.
    """
    domains = {fold_domain(pattern[1:]) for pattern in patterns if pattern.startswith("@")}
    mailboxes = {mailbox_key(pattern) for pattern in patterns if not pattern.startswith("@")} - {None}

    def known(key: MailboxKey | None) -> bool:
        return key is not None and (key in mailboxes or key[1] in domains)

    return lambda asker: known(asker.sender) and (not asker.proof_asked or known(asker.author))


def _is_there(networks: Sequence[Network]) -> Callable[[Asker], bool]:
    return lambda asker: asker.waits or is_in(networks, asker.address)


def _is_user(logins: Sequence[str]) -> Callable[[Asker], bool]:
    users = {login.casefold() for login in logins}
    return lambda asker: asker.login in users
