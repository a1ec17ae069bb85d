"""Why a mail would be taken or refused: every rule in order, asked as the SMTP server asks it.

In: a policy, a client, a sender and a recipient. Out: ``Explanation``: findings for people, what would be dialled,
and the very reply of the SMTP server. There is no second truth: the findings are the answers to the questions of
``Rule``, and the rulings of ``Allowed``, by which the SMTP server judges.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailfax.rules.address import parse_mailbox
from mailfax.rules.envelope import Client, Destination, FaxNumber
from mailfax.rules.policy import Permission, Policy
from mailfax.rules.recipient import accepted, read_recipient
from mailfax.rules.senders import Asker, Rule, ask_for
from mailfax.rules.status import Cause, Refusal, refusal


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was asked ("rule 1", "  from", "+15551234567"), how it was answered, and why.

    ``answer`` is True (yes), False (no) or None (it does not decide here, or is only told).
    """

    about: str
    answer: bool | None
    why: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """``reply`` is what SMTP says; ``later`` what the end of the mail may still change."""

    findings: tuple[Finding, ...]
    numbers: tuple[FaxNumber, ...]
    cover: tuple[tuple[str, str], ...]
    permission: Permission | None
    reply: str
    later: tuple[str, ...]


def explain(policy: Policy, client: Client, sender: str, address: str) -> Explanation:
    """What happens to MAIL FROM:<``sender``> and RCPT TO:<``address``> from that client."""
    asker = ask_for(client, sender)
    judged = policy.judge_sender(client, sender)
    found = policy.judge_recipient(client, judged, address)
    matched = judged.rule if isinstance(judged, Permission) else 0
    findings = [finding for rule in policy.rules for finding in _rule(rule, asker, matched)]
    meant = read_recipient(address, policy.addressing, device=client.device)
    findings += _recipient(address, meant)
    if isinstance(judged, Permission) and isinstance(meant, Destination):
        findings += [finding for number in meant.numbers for finding in _destination(policy, judged, number)]
        findings += _hours(judged)
    reply = _told_at_mail(client, sender) or found
    taken = reply if isinstance(reply, Destination) else Destination()
    return Explanation(
        tuple(findings),
        taken.numbers,
        taken.cover,
        judged if isinstance(judged, Permission) else None,
        reply.reply if isinstance(reply, Refusal) else accepted(reply),
        _later(client, taken) if isinstance(reply, Destination) else (),
    )


def _told_at_mail(client: Client, sender: str) -> Refusal | None:
    """Whin SMTP refuses before it asks for a recipient."""
    if client.proof == "auth" and not client.login:
        return refusal(Cause.AUTH_REQUIRED)
    mailbox = parse_mailbox(sender) if sender else None
    if isinstance(mailbox, str):
        return refusal(Cause.SENDER_SYNTAX, why=mailbox)
    if mailbox is not None and not mailbox.domain and not client.device:
        return refusal(Cause.SENDER_SYNTAX, why="it has no domain")
    return None


def _rule(rule: Rule, asker: Asker, matched: int) -> list[Finding]:
    """A rule, and each of its keys."""
    about = f"rule {rule.number}"
    if matched and rule.number > matched:
        until = " (for now: the true client comes with the mail)" if asker.waits else ""
        return [Finding(about, None, f"not asked: rule {matched} matches before it{until}")]
    keys = []
    for question in rule.questions:
        holds = question.holds(asker)
        has = {"from": "the sender", "network": "the client's address", "login": "the login"}[question.key]
        wanted = ", ".join(question.wanted)
        waiting = (
            " (for now: the true client comes with the mail)" if question.key == "network" and asker.waits else ""
        )
        keys.append(Finding(f"  {question.key}", holds, f"{has} is {'' if holds else 'not '}in {wanted}{waiting}"))
    if why := rule.why_not_here(asker):
        return [Finding(about, False, why), *keys]
    matches = rule.matches(asker)
    return [Finding(about, matches, "every key matches" if matches else "a key does not match"), *keys]


#: What stands in an address and is printed nowhere.
NOT_ON_THE_COVER = {"at": "not before", "code": "booked to"}


def _recipient(address: str, meant: Destination | Refusal) -> list[Finding]:
    """What the address means, before it is asked who may fax there."""
    if isinstance(meant, Refusal):
        return [Finding(address, False, meant.status.sentence)]
    if meant.in_subject:
        return [Finding(address, True, "the mailbox of mails with their number in the subject")]
    if meant.in_list:
        return [Finding(address, True, "the mailbox of mails with their numbers in an attached CSV file")]
    if meant.is_preview:
        numbers = ", ".join(f"+{number.dialled}" for number in meant.numbers) or "no number"
        return [Finding(address, True, f"a preview for {numbers}: the pages are mailed back, nothing is faxed")]
    if not meant.numbers:
        return [Finding(address, True, "our postmaster, whom everybody reaches")]
    numbers = ", ".join(f"+{number.dialled}" for number in meant.numbers)
    cover = "".join(
        f"; {NOT_ON_THE_COVER[key]} {value}" if key in NOT_ON_THE_COVER else f"; {key} on the cover: {value}"
        for key, value in meant.cover
    )
    return [Finding(address, True, f"means {numbers}{cover}")]


def _hours(judged: Permission) -> list[Finding]:
    """When its faxes are handed over."""
    grant = judged.grant
    undo = Finding("undo_seconds", None, f"its faxes wait {grant.undo_seconds:g} seconds, and can be cancelled")
    hours = Finding("hours", None, f"{', '.join(grant.hours)} ({grant.timezone})")
    return [*([undo] if grant.undo_seconds else []), *([hours] if grant.hours else [])]


def _destination(policy: Policy, judged: Permission, number: FaxNumber) -> list[Finding]:
    """The patterns that decide on a number."""
    if why := policy.reasons.get(number.dialled):
        return [Finding(f"+{number.dialled}", False, f"it is in [blocked]: {why}")]
    where = f"in {number.region}" if number.region else "in no region that the tables know"
    denied, allowed = judged.destinations.denial(number), judged.destinations.permit(number)
    may = not judged.destinations.why_not(number)
    if not may and any(not other.why_not(number) for other in judged.perhaps):
        told = [Finding(f"+{number.dialled}", None, f"{where}; the rule of the true client decides")]
    else:
        told = [Finding(f"+{number.dialled}", may, where)]
    if allowed:
        told.append(Finding("  allow", True, str(allowed)))
    else:
        told.append(Finding("  allow", False, judged.destinations.narrowness))
    told.append(Finding("  deny", denied is None, str(denied) if denied else "no pattern matches"))
    return told


def _later(client: Client, taken: Destination) -> tuple[str, ...]:
    """What can only be judged when the mail is here."""
    if not taken.numbers and not (taken.in_subject or taken.in_list or taken.is_preview):
        return ()
    later = ["automatic mail, list mail and notices are refused"]
    if client.relayed:
        later.append("the true client, by the Received line of the relay, is judged by the same rules")
    elif client.proof == "network":
        later.append(
            "mail that this client had from elsewhere (by its Received lines) is refused: it is not named in relays"
        )
    if client.proof == "dmarc":
        later.append("SPF, DKIM and DMARC must prove an author whom the same rule names in from")
    if taken.in_subject:
        later.append("the number in the subject is judged as an address is")
    if taken.in_list:
        later.append("each number in the attached file is judged as an address is; one that is wrong refuses all")
    return tuple(later)
