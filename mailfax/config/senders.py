"""Each ``[[sender]]`` becomes a ``SenderRule``, and ``[destinations]`` and ``[aliases]`` what they allow and name.

In: ``Part`` values, the accounts and listeners, the users of the password file. Out: ``SenderRule``,
``Destinations``. Raises ``ConfigError`` where a rule would let in everybody, or nobody ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from mailfax.config.places import is_open
from mailfax.config.tables import Part, nearest
from mailfax.config.users import User, fold
from mailfax.config.values import Account, Destinations, Listener, Network, SenderRule


def read_sender(part: Part, accounts: Sequence[Account], site: Mapping[str, Any]) -> SenderRule:
    """The rule of one table, as far as it can be judged by itself; ``site``: the keys above all tables."""
    if not (part["from"] or part["network"] or part["login"]):
        part.refuse(
            "from",
            'missing beside network and login, so the rule would allow everybody; write for example ["@example.com"]',
        )
    for net in part["network"]:
        if not (part["from"] or part["login"]) and is_open(net):
            part.refuse(
                "network",
                f'"{net}" holds strangers, and the rule asks for nothing else; write your own networks, or add from',
            )
    names = [account.name for account in accounts]
    if part["account"] not in names:
        part.refuse("account", f'no [[account]] is called "{part["account"]}"; {nearest(part["account"], names)}')
    if part["allow"] == ():
        part.refuse("allow", "empty, so this sender may fax nowhere; leave it out, or leave out the whole rule")
    _require_apart(part)
    rule = {key: value for key, value in part.values.items() if key != "from"}
    given = {
        "senders": part["from"],
        "allow": part["allow"] or (),
        "timezone": part["timezone"] or site["timezone"],
        "language": part["language"] or site["language"],
        "success_notice": site["success_notice"] if part["success_notice"] is None else part["success_notice"],
        "cover_page": _cover_page(part, accounts),
    }
    return SenderRule(**{**rule, **given})


def _cover_page(part: Part, accounts: Sequence[Account]) -> str:
    """When this sender's faxes get a cover page; never through an account that makes none."""
    written: str | None = part["cover_page"]
    if all(account.cover != "none" for account in accounts if account.name == part["account"]):
        return written or "with-text"
    if written not in (None, "none"):
        part.refuse(
            "cover_page",
            f'"{written}", and the account "{part["account"]}" has cover = "none"; leave one of the two out',
        )
    return "none"


def read_destinations(part: Part) -> Destinations:
    """Where the site may fax."""
    if not part["allow"]:
        part.refuse("allow", 'empty, so nobody could fax anywhere; write for example ["home"], or leave it out')
    _require_apart(part)
    return Destinations(**part.values)


def read_aliases(part: Part, top: Part) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(name, its numbers and further names); that the numbers are some is judged by the rules."""
    if top["subject_mailbox"] in part.values:
        part.refuse(top["subject_mailbox"], "is the subject_mailbox, too; write another name")
    return tuple(part.values.items())


def _require_apart(part: Part) -> None:
    """What is denied wholly is not allowed."""
    for pattern in part["deny"]:
        if pattern == "*":
            part.refuse("deny", '"*" denies every number; write to allow where faxes may go, and leave it out here')
        if pattern in (part["allow"] or ()):
            part.refuse(
                "deny", f'"{pattern}" stands in allow, too, and would never count there; leave one of the two out'
            )


def listeners_for(rule: SenderRule, listeners: Sequence[Listener]) -> list[Listener]:
    """The listeners that show what the rule asks for. A login counts where there is one, and an address alone proves
    nobody where a domain is to be proven."""
    if rule.login:
        return [each for each in listeners if each.proof == "auth"]
    return [each for each in listeners if each.proof == "network" or (each.proof == "dmarc" and rule.senders)]


def require_match(part: Part, rule: SenderRule, listeners: Sequence[Listener]) -> None:
    """Some listener can match the rule; otherwise it reads as if somebody might fax who never may."""
    listeners = listeners_for(rule, listeners)
    if not listeners and rule.login:
        part.refuse("login", 'no listener has proof = "auth", so nobody could match; leave it out')
    if not listeners and rule.senders:
        part.refuse("from", 'every listener has proof = "auth", where rules without login never match; add login')
    if not listeners:
        part.refuse(
            "network", 'no listener has proof = "network", so an address alone proves nobody; add from, or login'
        )
    if rule.network and not any(_overlap(rule.network, _clients(listener)) for listener in listeners):
        names = ", ".join(f'"{listener.name}"' for listener in listeners)
        part.refuse(
            "network", f"no client from there may connect to {names}; add it to networks there, or correct it"
        )


def _clients(listener: Listener) -> tuple[Network, ...]:
    return listener.networks + listener.relays + listener.xclient


def _overlap(some: Sequence[Network], others: Sequence[Network]) -> bool:
    return any(one.overlaps(other) for one in some for other in others)


def require_known(
    part: Part, rule: SenderRule, users: Sequence[User], file: Path, elsewhere: Sequence[str] = ()
) -> None:
    """Every login of the rule is somebody in the password file ``file``, or known ``elsewhere``."""
    known = {fold(user.name) for user in users} | {fold(name) for name in elsewhere}
    for name in rule.login:
        if fold(name) not in known:
            part.refuse("login", f'"{name}" is no user in {file}; run: mailfax passwd {quote(name)}')
