"""Who may send where, and which mail is never faxed. Closed: what no rule allows is refused.

In: the site's rules and what one SMTP session knows (client, sender, recipient, header block). Out: a ``Permission``,
a ``Destination``, or a ``Refusal`` that says what to do.

A mail is judged three times: its sender at MAIL, each recipient at RCPT, and the whole of it when its header is here.
Only then is it known where a mail began that a relay brought, and who wrote one that DMARC is to prove; until then
such a sender's permission is provisional, and at the end both the sender and the numbers are judged again.

STANDARDS: RFC 3834 2 (automatic mail), RFC 5321 4.5.1 (postmaster is always reached), 4.5.5 (null reverse-path),
6.3 (loops), RFC 7489 (alignment, by whoever fills ``Proven``).
LIMITS: ``From:`` in the header proves nothing by itself and is not looked at here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mailfax.config import Config, ConfigError, Listener, Network, SenderRule
from mailfax.config.values import Destinations
from mailfax.rules.aliases import resolve_aliases
from mailfax.rules.attached_list import MAILBOX, attached_list
from mailfax.rules.destination import Allowed, allowed_destinations, check_pattern
from mailfax.rules.envelope import Client, Destination, FaxNumber, Grant, Proven
from mailfax.rules.never_faxed import read_marks
from mailfax.rules.number import Unfit, example
from mailfax.rules.recipient import OUR_POSTMASTER, Addressing, read_recipient
from mailfax.rules.recipient_list import Listed, NotAList, read_list
from mailfax.rules.senders import Asker, Rule, ask_for, is_in, mailbox_key, prepare, read_address
from mailfax.rules.status import Cause, Refusal, refusal
from mailfax.rules.subject import read_subject
from mailfax.rules.trace import Origin, Untold, true_client, was_written_there

SITE_DEFAULT = Destinations()
#: RFC 5321 6.3 suggests a hundred.
RECEIVED_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Permission:
    """What the rule that matched allows. ``rule`` is its number (from 1); ``automatic``: auto-generated mail, too.

    ``perhaps``: destinations of further rules, one of which may decide when the true client is known.
    """

    rule: int
    grant: Grant
    destinations: Allowed
    automatic: bool = False
    perhaps: tuple[Allowed, ...] = ()


def may_connect(networks: Sequence[Network], ip: str) -> bool:
    """Whether a listener that takes ``networks`` takes a client at ``ip``. No network listed: nobody."""
    return is_in(networks, read_address(ip))


@dataclass(frozen=True, slots=True)
class Policy:
    """The site's rules.

    ``subject_numbers``: how many numbers a subject may have; ``blocked``: (digits, why nobody may fax
    there). Raises ``ConfigError`` for patterns and aliases that mean nothing.
    """

    fax_domains: tuple[str, ...]
    default_country: str
    postmaster: str
    senders: tuple[SenderRule, ...]
    listeners: tuple[Listener, ...] = ()
    destinations: Destinations = SITE_DEFAULT
    aliases: tuple[tuple[str, tuple[str, ...]], ...] = ()
    subject_mailbox: str = ""
    subject_numbers: int = 500
    blocked: tuple[tuple[str, str], ...] = ()
    rules: tuple[Rule, ...] = field(init=False)
    addressing: Addressing = field(init=False)
    reasons: Mapping[str, str] = field(init=False)  #: of ``blocked``, by its digits

    def __post_init__(self) -> None:
        """Everything that need not be worked out again for every mail."""
        for pattern in (*self.destinations.allow, *self.destinations.deny):
            check_pattern(pattern, "[destinations]")
        site = (self.destinations.allow, self.destinations.deny)
        rules = []
        for number, rule in enumerate(self.senders, 1):
            for pattern in (*rule.allow, *rule.deny):
                check_pattern(pattern, f"[sender {number}]")
            rules.append(
                prepare(number, rule, allowed_destinations(self.default_country, site, (rule.allow, rule.deny)))
            )
        reserved = ("preview", MAILBOX, *((self.subject_mailbox,) if self.subject_mailbox else ()))
        numbers = resolve_aliases(self.aliases, default_country=self.default_country, reserved=reserved)
        addressing = Addressing(self.fax_domains, self.default_country, numbers, self.subject_mailbox)
        object.__setattr__(self, "rules", tuple(rules))
        object.__setattr__(self, "addressing", addressing)
        object.__setattr__(self, "reasons", dict(self.blocked))

    @classmethod
    def of(cls, config: Config) -> Policy:
        """The rules of a configuration; ``ConfigError`` names the file and the key."""
        try:
            return cls(
                config.fax_domains,
                config.default_country,
                config.postmaster,
                config.senders,
                config.listeners,
                config.destinations,
                config.aliases,
                config.subject_mailbox,
                config.limits.recipients,
                config.blocked,
            )
        except ConfigError as wrong:
            raise ConfigError(f"{config.source}: {wrong}") from None

    def names(self, sender: str, login: str) -> bool:
        """Whether some rule has room for that address and login, wherever they send from."""
        asker = ask_for(Client("", "", login=login), sender)
        return any(
            all(question.key == "network" or question.holds(asker) for question in rule.questions)
            for rule in self.rules
        )

    def judge_sender(self, client: Client, sender: str) -> Permission | Refusal:
        """What ``sender`` ("" for the null reverse-path) may do from there. First rule that matches decides.

        Provisional where ``client.relayed`` or ``needs_proof``: ``judge_header`` has the last word.
        """
        return self._judge(client, sender, ask_for(client, sender))

    def judge_recipient(self, client: Client, judged: Permission | Refusal, address: str) -> Destination | Refusal:
        """What RCPT TO:<``address``> means to a sender so ``judged``; our postmaster is open to all."""
        found = read_recipient(address, self.addressing, device=client.device)
        if found == OUR_POSTMASTER or (isinstance(found, Refusal) and found.cause is Cause.FOREIGN_DOMAIN):
            return found
        # Strangers learn that they may not fax before they learn what is wrong with a number.
        if isinstance(judged, Refusal):
            return judged
        return found if isinstance(found, Refusal) else self._denied(judged, found.numbers) or found

    def needs_proof(self, client: Client) -> bool:
        """Whether the author of a mail from there must be proven from the mail itself (``Handler.prove``)."""
        return client.proof == "dmarc"

    def origin(self, client: Client, header_block: bytes) -> Client:
        """The client with the address from which the mail came to the relays in front, or as it is."""
        if not client.relayed:
            return client
        found = self._true_client(client, read_marks(header_block, automatic=False).received)
        return client if isinstance(found, Untold) else replace(client, ip=found.ip)

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
        marks = read_marks(header_block, automatic=judged is not None and judged.automatic)
        if len(marks.received) > RECEIVED_LIMIT:
            return refusal(Cause.LOOP, limit=RECEIVED_LIMIT)
        if judged is None:
            return None
        final = self._judge_again(client, sender, judged, marks.received, proven)
        if isinstance(final, Refusal):
            return final
        if final.automatic is not judged.automatic:
            marks = read_marks(header_block, automatic=final.automatic)
        if marks.cause is not None:
            return refusal(marks.cause, why=marks.why, postmaster=self.postmaster)
        return self._denied(final, numbers) or final

    def judge_subject(self, client: Client, judged: Permission, subject: str) -> Destination | Refusal:
        """The numbers at the beginning of a (decoded) subject; ``cover`` has what is left of it as "subject"."""
        found = read_subject(subject, default_country=self.default_country, limit=self.subject_numbers)
        if isinstance(found, Unfit):
            cause = Cause.SUBJECT_NUMBER if found.cause is Cause.NUMBER_SYNTAX else found.cause
            return refusal(cause, why=found.why, example=f"[{example(self.default_country)}] Invoice 12")
        numbers, rest = found
        return self._denied(judged, numbers) or Destination(numbers, (("subject", rest),))

    def judge_list(self, judged: Permission, mail: bytes) -> tuple[Listed, ...] | Refusal:
        """The recipients in the CSV file that is attached: all of them, or why none is faxed to."""
        try:
            listed = read_list(attached_list(mail), default_country=self.default_country, limit=self.subject_numbers)
            wrong = [
                f"{each.number.written}: {denied.status.sentence}."
                for each in listed
                if (denied := self._denied(judged, (each.number,)))
            ]
            if wrong:
                raise NotAList(*wrong)
        except NotAList as why:
            told = [f" {sentence}" for sentence in why.sentences]
            first, second, third, *more = (*told, "", "", "")
            rest = " There is more." if any(more) else ""
            return refusal(Cause.RECIPIENT_LIST, first=first, second=second, third=third, more=rest)
        return listed

    def _judge(self, client: Client, sender: str, asker: Asker) -> Permission | Refusal:
        rule = next((rule for rule in self.rules if rule.matches(asker)), None)
        if rule is not None:
            grant = rule.grant(sender, client.login, device=client.device)
            later = self.rules[rule.number :] if asker.waits else ()
            perhaps = tuple(other.destinations for other in later if other.matches(asker))
            return Permission(rule.number, grant, rule.destinations, rule.written.automatic, perhaps)
        if asker.null:
            return refusal(Cause.SENDER_NULL)
        if asker.login and any(rule.written.login and rule.matches_but_for("from", asker) for rule in self.rules):
            return refusal(Cause.SENDER_NOT_YOURS, login=client.login, sender=sender, postmaster=self.postmaster)
        return refusal(Cause.SENDER_UNKNOWN, sender=sender, ip=client.ip, postmaster=self.postmaster)

    def _judge_again(
        self, client: Client, sender: str, judged: Permission, received: Sequence[str], proven: Proven | None
    ) -> Permission | Refusal:
        """The sender, now that it is known where the mail began and who wrote it."""
        if client.proof == "network" and not client.relayed and not was_written_there(received):
            return self._relayed(f"{client.ip} is not named in relays")
        if not client.relayed and not self.needs_proof(client):
            return judged
        asker = ask_for(client, sender)
        if client.relayed:
            found = self._true_client(client, received)
            if client.proof == "network":
                if isinstance(found, Untold):
                    return self._relayed(found.why)
                if not may_connect(self._listener(client).networks, found.ip):
                    why = f"it came from {found.ip}, which is not in the networks of this listener"
                    return refusal(Cause.SENDER_UNPROVEN, sender=sender or "<>", why=why, postmaster=self.postmaster)
                if found.passed_on:
                    return self._relayed(f"{found.ip} is not named in relays")
            ip = "" if isinstance(found, Untold) else found.ip
            asker, client = replace(asker, address=read_address(ip), waits=False), replace(client, ip=ip or "unknown")
        if not self.needs_proof(client):
            return self._judge(client, sender, asker)
        said = proven or Proven("", "nobody has checked it")
        asker = replace(asker, proof_asked=True, author=mailbox_key(said.address))
        final = self._judge(client, sender, asker)
        if isinstance(final, Permission):
            return final
        cause = Cause.SENDER_UNPROVEN_NOW if said.temporary else Cause.SENDER_UNPROVEN
        why = f"its author is {said.address}, and no rule joins the two" if said.address else said.why
        return refusal(cause, sender=sender or "<>", why=why, postmaster=self.postmaster)

    def _true_client(self, client: Client, received: Sequence[str]) -> Origin | Untold:
        relays = self._listener(client).relays
        return true_client(received, client.ip, lambda ip: may_connect(relays, ip))

    def _listener(self, client: Client) -> Listener:
        """The listener of that client; one that nobody configured trusts nobody."""
        return next((each for each in self.listeners if each.name == client.listener), Listener("", "", 0))

    def _relayed(self, why: str) -> Refusal:
        return refusal(Cause.RELAYED, why=why, postmaster=self.postmaster)

    def _denied(self, judged: Permission, numbers: Iterable[FaxNumber]) -> Refusal | None:
        """The refusal of the first number that nobody, or this sender, may fax to."""
        for number in numbers:
            if number.dialled in self.reasons:
                facts = {"number": f"+{number.dialled}", "why": self.reasons[number.dialled].rstrip(".")}
                return refusal(Cause.NUMBER_BLOCKED, postmaster=self.postmaster, **facts)
            why = judged.destinations.why_not(number)
            if why and all(other.why_not(number) for other in judged.perhaps):
                shown = f"+{number.dialled}"
                return refusal(Cause.DESTINATION_DENIED, number=shown, why=why, postmaster=self.postmaster)
        return None
