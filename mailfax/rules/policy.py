"""Who may send where, and which mail is never faxed. Closed: what no rule allows is refused.

In: the ``[[sender]]`` rules and what one SMTP session knows (client, sender, recipient, header block). Out: a
``Permission``, a ``FaxNumber``, or a ``Refusal`` that says what to do.

STANDARDS: RFC 3834 2 (automatic mail), RFC 2919 and 2369 (lists), RFC 5321 4.5.1 (postmaster is always reached),
4.5.5 (null reverse-path), 6.3 (loops).
LIMITS: ``From:`` in the header proves nothing and is not looked at.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from mailfax.config import Config, Network, SenderRule
from mailfax.rules.address import Mailbox, fold_domain, parse_mailbox, parse_recipient
from mailfax.rules.envelope import Client, Destination, FaxNumber, Grant, Proven
from mailfax.rules.number import Unfit, example, read_number
from mailfax.rules.status import Cause, Refusal, refusal

#: RFC 5321 6.3 suggests a hundred.
RECEIVED_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Permission:
    """What the rule that matched allows. ``automatic``: auto-generated mail may be faxed."""

    grant: Grant
    automatic: bool = False


def may_connect(networks: Sequence[Network], ip: str) -> bool:
    """Whether a listener that takes ``networks`` takes a client at ``ip``. No network listed: nobody."""
    address = _address(ip)
    return address is not None and any(address in network for network in networks)


@dataclass(frozen=True, slots=True)
class Policy:
    """The site's rules. ``success_notice`` is the site's default; devices get none (they can't read)."""

    fax_domains: tuple[str, ...]
    default_country: str
    postmaster: str
    senders: tuple[SenderRule, ...]
    success_notice: bool = True

    @classmethod
    def of(cls, config: Config) -> Policy:
        """The rules of a configuration."""
        return cls(
            config.fax_domains, config.default_country, config.postmaster, config.senders, config.success_notice
        )

    def judge_sender(self, client: Client, sender: str) -> Permission | Refusal:
        """What ``sender`` ("" for the null reverse-path) may do from there. First rule that matches decides."""
        for rule in self.senders:
            # A bounce's outcome could be told to nobody; only a device with an owner may have no sender.
            if (sender or (client.device and rule.notify)) and _matches(rule, client, sender):
                success_notice = self.success_notice and not client.device
                grant = Grant(rule.account, rule.name, rule.company, rule.notify, success_notice)
                return Permission(grant, rule.automatic)
        if not sender:
            return refusal(Cause.SENDER_NULL)
        return refusal(Cause.SENDER_UNKNOWN, sender=sender, ip=client.ip, postmaster=self.postmaster)

    def judge_recipient(self, client: Client, judged: Permission | Refusal, address: str) -> Destination | Refusal:
        """What RCPT TO:<``address``> means to a sender so ``judged``; our postmaster is open to all."""
        found = parse_recipient(
            address, fax_domains=self.fax_domains, default_country=self.default_country, device=client.device
        )
        if found is None:
            return Destination()
        if isinstance(found, Refusal) and found.cause is Cause.FOREIGN_DOMAIN:
            return found
        # Strangers learn that they may not fax before they learn what is wrong with a number.
        if isinstance(judged, Refusal):
            return judged
        return found if isinstance(found, Refusal) else Destination((found,))

    def needs_proof(self, client: Client) -> bool:
        """Whether the author of a mail from there must be proven from the mail itself (``Door.prove``)."""
        return client.proof == "dmarc"

    def judge_header(
        self,
        client: Client,
        sender: str,
        judged: Permission | None,
        header_block: bytes,
        proven: Proven | None,
        numbers: Iterable[FaxNumber],
    ) -> Permission | Refusal | None:
        """The last word on a mail, at its end; None where only our postmaster is addressed and nothing is against it.

        ``judged`` is None where only our postmaster is addressed. ``header_block`` is as the client sent it, without
        our own Received line. ``numbers`` are those that the mail is for. ``proven`` must be there where
        ``needs_proof`` says so: without it the mail is refused.
        """
        received = 0
        for name, value in header_fields(header_block):
            received += name == "received"
            if judged is None:
                continue
            for field, tell in _NEVER_FAXED:
                if (field == name or (field.endswith("*") and name.startswith(field[:-1]))) and (
                    found := tell(value, judged)
                ):
                    return refusal(found, why=f"{name.title()}: {value}", postmaster=self.postmaster)
        return refusal(Cause.LOOP, limit=RECEIVED_LIMIT) if received > RECEIVED_LIMIT else judged

    def judge_subject(self, client: Client, judged: Permission, subject: str) -> Destination | Refusal:
        """The numbers at the beginning of a (decoded) subject; ``cover`` has what is left of it as "subject"."""
        found = read_number(subject.strip(), default_country=self.default_country)
        if isinstance(found, Unfit):
            shown = example(self.default_country)
            return refusal(Cause.SUBJECT_NUMBER, why=found.why, example=f"[{shown}] Invoice 12")
        return Destination((found,), (("subject", ""),))


def header_fields(block: bytes) -> Iterator[tuple[str, str]]:
    """(name in lower case, unfolded value) of each field; lines that are no field are passed over."""
    unfolded = re.sub(rb"\r?\n(?=[ \t])", b"", block)
    for line in unfolded.splitlines():
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            yield name.strip().lower(), value.strip()


def _auto_submitted(value: str, permission: Permission) -> Cause | None:
    """RFC 3834 5: "no" and "auto-generated" may be followed by comments and parameters."""
    keyword = re.split(r"[;(\s]", re.sub(r"^(?:\s*\([^()]*\))*\s*", "", value), maxsplit=1)[0].lower()
    if keyword == "no" or (keyword == "auto-generated" and permission.automatic):
        return None
    return Cause.AUTOMATIC


def _is_one_of(cause: Cause, *words: str) -> Callable[[str, Permission], Cause | None]:
    return lambda value, _: cause if value.split(";")[0].split("(")[0].strip().lower() in words else None


def _always(cause: Cause) -> Callable[[str, Permission], Cause | None]:
    return lambda _value, _permission: cause


#: Field (a star ends a prefix) -> what its value means for us.
_NEVER_FAXED: tuple[tuple[str, Callable[[str, Permission], Cause | None]], ...] = (
    ("x-fax-outcome", _always(Cause.OWN_NOTICE)),
    ("auto-submitted", _auto_submitted),
    ("x-failed-recipients", _always(Cause.AUTOMATIC)),  # bounces of Exim, whose sender a forwarder may rewrite
    ("content-type", _is_one_of(Cause.AUTOMATIC, "multipart/report")),  # RFC 6522: bounces and receipts
    ("precedence", _is_one_of(Cause.BULK, "bulk", "junk", "list")),
    ("list-*", _always(Cause.BULK)),
)


def _matches(rule: SenderRule, client: Client, sender: str) -> bool:
    """Every key given must match, by any of its values. A rule without keys would let in the world: it never does."""
    checks = []
    if rule.senders:
        checks.append(any(_same_sender(pattern, sender) for pattern in rule.senders))
    if rule.network:
        checks.append(may_connect(rule.network, client.ip))
    if rule.login:
        checks.append(client.login.casefold() in {login.casefold() for login in rule.login})
    return bool(checks) and all(checks)


def _same_sender(pattern: str, sender: str) -> bool:
    """Whole addresses or whole domains, case-blind; never a substring or pattern (evilbob@x.com is not bob@x.com)."""
    mailbox = parse_mailbox(sender)
    if isinstance(mailbox, str) or not mailbox.domain:
        return False
    if pattern.startswith("@"):
        return fold_domain(pattern[1:]) == fold_domain(mailbox.domain)
    wanted = parse_mailbox(pattern)
    return isinstance(wanted, Mailbox) and _key(wanted) == _key(mailbox)


def _key(mailbox: Mailbox) -> tuple[str, str]:
    return mailbox.local.casefold(), fold_domain(mailbox.domain)


def _address(ip: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The client's address as rules write it: without a zone, and IPv4 also where a dual-stack socket maps it."""
    try:
        address = ipaddress.ip_address(ip.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
