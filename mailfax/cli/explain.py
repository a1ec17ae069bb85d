"""``mailfax explain``: why a message would be taken or refused, rule by rule, and the very reply of the listener;
with ``--received``, which route a received fax takes.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mailfax.cli import CannotRun, add_config
from mailfax.cli.times import iso, since, when

if TYPE_CHECKING:
    from mailfax.config import Config, Listener
    from mailfax.rules.explanation import Explanation

HELP = (
    "say which rules a message meets: who may send it, what would be dialled, and what the listener would answer; "
    "with --received, which route a received fax takes"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sender", metavar="SENDER", nargs="?", help='the envelope sender (MAIL FROM); "" for none')
    parser.add_argument("address", metavar="ADDRESS", nargs="?", help="the recipient (RCPT TO)")
    parser.add_argument("--received", action="store_true", help="of a received fax: give no SENDER and ADDRESS")
    parser.add_argument("--account", metavar="NAME", help="which received it (default: the first)")
    parser.add_argument(
        "--caller", metavar="NUMBER", default="", help='as the fax service reports it (default: "", an unknown one)'
    )
    parser.add_argument(
        "--at", metavar="TIME", type=since, help="when it comes: 14:02, 2026-11-25 14:02 (default: now)"
    )
    parser.add_argument(
        "--from-ip", metavar="IP", default="127.0.0.1", help="the client's address (default: %(default)s)"
    )
    parser.add_argument("--login", metavar="USER", default="", help="the user who logged in (default: nobody)")
    parser.add_argument(
        "--listener",
        metavar="NAME",
        help="the listener (default: the first that IP may connect to; with --login, the first that asks for one)",
    )
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object, for scripts")


def run(arguments: argparse.Namespace) -> int:
    if arguments.received:
        return _received(arguments)
    if arguments.sender is None or arguments.address is None:
        raise CannotRun("give SENDER and ADDRESS, or --received for a received fax")
    return _mail(arguments)


def _received(arguments: argparse.Namespace) -> int:
    """Which route a received fax takes."""
    from mailfax.cli.settings import load_config
    from mailfax.rules.routing import Call, Routing

    if arguments.sender is not None:
        raise CannotRun(f'"{arguments.sender}": with --received there is no sender; write --account, --caller, --at')
    config = load_config(arguments, passwords=False)
    names = [account.name for account in config.accounts]
    account = names[0] if arguments.account is None else arguments.account
    if account not in names:
        raise CannotRun(f'no [[account]] is called "{account}"; write one of {", ".join(names)}')
    call = Call(account, arguments.caller, time.time() if arguments.at is None else arguments.at)
    routing = Routing.of(config)
    findings, routed = routing.findings(call), routing.to(call)
    if arguments.json:
        facts = {"account": account, "caller": arguments.caller, "at": iso(call.at)}
        found = {"findings": [asdict(finding) for finding in findings], **asdict(routed)}
        json.dump(facts | found, sys.stdout, indent=2)
        print()
        return 0
    print(f'received on account "{account}" from {arguments.caller or "an unknown caller"}, {when(call.at)}')
    _print_findings([asdict(finding) for finding in findings])
    print(f"goes by {routed.why} to: {', '.join(routed.to) or 'nobody, it is junk'}")
    return 0


def _mail(arguments: argparse.Namespace) -> int:
    from mailfax.cli.settings import load_config
    from mailfax.config import ConfigError
    from mailfax.rules.envelope import Client
    from mailfax.rules.explanation import explain
    from mailfax.rules.policy import Policy, may_connect
    from mailfax.rules.status import Cause, refusal

    config = load_config(arguments)
    try:
        policy = Policy.of(config)
        ip = str(ipaddress.ip_address(arguments.from_ip))
    except ConfigError as wrong:
        raise CannotRun(str(wrong)) from None
    except ValueError:
        raise CannotRun(f'--from-ip: "{arguments.from_ip}" is no IP address') from None
    listener = _listener(config, arguments.listener, ip, bool(arguments.login))
    if arguments.login and listener.proof != "auth" and not listener.xclient:
        raise CannotRun(
            f'--login: nobody can log in on listener "{listener.name}" (proof = "{listener.proof}"); leave it out'
        )
    client = Client(
        listener.name,
        ip,
        login=arguments.login,
        device=listener.device,
        proof=listener.proof,
        lmtp=listener.protocol == "lmtp",
        relayed=may_connect(listener.relays, ip),
    )
    shut = None if _may_enter(listener, ip) else refusal(Cause.NETWORK, ip=ip, postmaster=config.postmaster).reply
    told = explain(policy, client, arguments.sender, arguments.address)
    facts = {
        "listener": listener.name,
        "proof": listener.proof,
        "ip": ip,
        "login": arguments.login,
        "sender": arguments.sender,
        "address": arguments.address,
        **_outcome(told, shut),
    }
    if arguments.json:
        json.dump(facts, sys.stdout, indent=2)
        print()
    else:
        _print(facts, config)
    return 0


def _listener(config: Config, name: str | None, ip: str, login: bool) -> Listener:
    """The listener that is meant."""
    if name is not None:
        found = next((listener for listener in config.listeners if listener.name == name), None)
        if found is None:
            known = ", ".join(listener.name for listener in config.listeners)
            raise CannotRun(f'no [[listener]] is called "{name}"; write one of {known}')
        return found
    open_ones = [listener for listener in config.listeners if _may_enter(listener, ip)] or list(config.listeners)
    return next((listener for listener in open_ones if listener.proof == "auth" and login), open_ones[0])


def _may_enter(listener: Listener, ip: str) -> bool:
    from mailfax.rules.policy import may_connect

    return may_connect(listener.networks + listener.relays + listener.xclient, ip)


def _outcome(told: Explanation, shut: str | None) -> dict[str, Any]:
    """What came out; where the client may not even connect, that is the reply, whatever the rules say."""
    from mailfax.rules.envelope import PREVIEW

    grant = told.permission.grant if told.permission else None
    taken = shut is None and told.reply.startswith("2")
    return {
        "findings": [asdict(finding) for finding in told.findings],
        "rule": told.permission.rule if told.permission else None,
        "account": grant.account if grant else None,
        "payer": grant.payer if grant else None,
        "faxes_per_day": grant.faxes_per_day if grant else None,
        "pages_per_day": grant.pages_per_day if grant else None,
        "dialled": [number.dialled for number in told.numbers] if taken and PREVIEW not in told.cover else [],
        "cover": dict(told.cover) if taken else {},
        "reply": shut or told.reply,
        "later": list(told.later) if taken else [],
    }


def _print(facts: dict[str, Any], config: Config) -> None:
    login = f", logged in as {facts['login']}" if facts["login"] else ""
    print(f'listener "{facts["listener"]}" (proof: {facts["proof"]}), client {facts["ip"]}{login}')
    print(f"MAIL FROM:<{facts['sender']}>  RCPT TO:<{facts['address']}>")
    _print_findings(facts["findings"])
    if facts["dialled"]:
        quotas = [
            f"{facts[key]} {what} a day"
            for key, what in (("faxes_per_day", "faxes"), ("pages_per_day", "pages"))
            if facts[key]
        ]
        ceiling = config.limits.faxes_per_day
        print(f'account: "{facts["account"]}"')
        print(f"quota of {facts['payer']}: {' and '.join(quotas) or 'none'}")
        print(f"ceiling of the site: {f'{ceiling} faxes a day' if ceiling else 'none'}")
    for line in facts["later"]:
        print(f"when the message is here: {line}")
    print(f"reply: {facts['reply']}")


def _print_findings(findings: list[dict[str, Any]]) -> None:
    for finding in findings:
        answer = {True: "yes", False: "no", None: "-"}[finding["answer"]]
        print(f"{answer:<4} {finding['about']}: {finding['why']}")
