"""What is made of one configuration: every worker, and the SMTP server. The only module that knows everybody.

In: the configuration and an open spool; where the service reloads, what was built before it. Out: ``Parts``. Nothing
here runs yet, but for the renderer.
"""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from mailfax.config import Account, Config, ConfigError, Listener
from mailfax.context import Context, Worker
from mailfax.directory import Directory
from mailfax.faxcore.client import FaxCore
from mailfax.offramp.accept import Accept
from mailfax.offramp.damaged import AnswerDamage
from mailfax.offramp.deadlines import Deadlines
from mailfax.offramp.ending import Ending
from mailfax.offramp.fax_accounts import FaxAccounts
from mailfax.offramp.foreign import ForeignFailures
from mailfax.offramp.prepare import Prepare, PrepareSlow
from mailfax.offramp.preview import Preview
from mailfax.offramp.programs import TellPrograms
from mailfax.offramp.reconcile import Reconcile
from mailfax.offramp.report import Report
from mailfax.offramp.sending import Compose
from mailfax.offramp.submit import Submit
from mailfax.offramp.track import Track
from mailfax.oidc import Provider
from mailfax.onramp.again import BringAgain
from mailfax.onramp.collect import Collect
from mailfax.onramp.quiet import Quiet
from mailfax.pages import Bridge
from mailfax.pages.oidc import BACK as OIDC_BACK
from mailfax.passwords import Passwords
from mailfax.postmaster.delays import Delays
from mailfax.postmaster.deliver import Deliver
from mailfax.postmaster.disk import DiskAlarm
from mailfax.postmaster.seals import SealHistory
from mailfax.proof import Prover
from mailfax.relay import relay_for
from mailfax.render import Renderer
from mailfax.rules.caller import Contacts
from mailfax.rules.job import Status
from mailfax.rules.paper import paper_for
from mailfax.rules.policy import Policy
from mailfax.rules.routing import Routing
from mailfax.smtpd import Handler
from mailfax.spool import Spool
from mailfax.targets import Targets
from mailfax.web import Watched

#: What a process may do. Each must be done by some process that shares the spool; most do all of it.
ROLES = ("smtp", "offramp", "onramp", "postmaster")
#: How many workers of a kind work beside each other: a slow POST must not stop the next fax.
SUBMITTERS, DELIVERERS, ELSEWHERE = 4, 16, 2
#: Documents are made by as many as there are processors, and by one in each lane at least.
SLOW_PREPARERS = max(1, (os.cpu_count() or 1) // 2)
QUICK_PREPARERS = max(1, (os.cpu_count() or 1) - SLOW_PREPARERS)
#: What a client waits, at the most, for a mail to be examined that may be one that can't be faxed.
EXAMINE_SECONDS = 1.0


@dataclass
class Parts:
    """What was built of one configuration. ``retired``: another one has taken over, or the service stops."""

    config: Config
    context: Context
    renderer: Renderer
    fax_accounts: FaxAccounts
    disk: DiskAlarm
    deliver: Deliver
    accept: Accept
    handler: Handler
    listeners: Sequence[Listener]
    workers: Sequence[tuple[str, Worker]]
    exits: AsyncExitStack
    bridge: Bridge
    retired: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


async def build(config: Config, spool: Spool, before: Parts | None = None, roles: Collection[str] = ROLES) -> Parts:
    """Every room, and the workers of these roles; from the one ``before`` comes what must not forget, and the
    renderer, where it is the same."""
    exits = AsyncExitStack()
    context = Context.of(config, spool)
    if before is not None:
        context = replace(context, steady=before.context.steady)
    paper = paper_for(config.default_country)
    if before is not None and _same_renderer(before.config, config):
        renderer = before.renderer
    else:
        renderer = Renderer(paper=paper, limits=config.limits, config=config.render)
        await renderer.start()
    fax_accounts = FaxAccounts(context, config.accounts, connect=connect)
    exits.push_async_callback(fax_accounts.close)

    ending = Ending(context, fax_accounts, renderer)
    compose = Compose(spool, fax_accounts, renderer)
    submit = Submit(context, fax_accounts, ending, compose, blocked=dict(config.blocked))
    relay = relay_for(config.relay, config.hostname)
    exits.push_async_callback(relay.close)
    deliver = Deliver(context, relay)
    targets = Targets(secret=config.webhook_secret, private=config.webhook_private)
    elsewhere = Deliver(context, targets, elsewhere=True)
    disk = DiskAlarm(context, relay)
    devices = [listener.name for listener in config.listeners if listener.device]
    prepare = Prepare(context, fax_accounts, ending, renderer, devices=devices, disk_failed=disk.failed)
    offramp: list[tuple[str, Worker]] = [
        *[("prepare", prepare)] * QUICK_PREPARERS,
        *[("prepare", PrepareSlow(prepare))] * SLOW_PREPARERS,
        *[("submit", submit)] * SUBMITTERS,
        ("preview", Preview(context, fax_accounts, ending, compose)),
        ("deadlines", Deadlines(context, fax_accounts, ending)),
        ("damage", AnswerDamage(context, ending)),
        ("report", Report(context, ending)),
        ("programs", TellPrograms(context, fax_accounts)),
    ]
    onramp: list[tuple[str, Worker]] = []
    routing, contacts = Routing.of(config), Contacts.of(config.received.contacts, config.default_country)
    again = BringAgain(
        context,
        config.accounts,
        renderer,
        routing=routing,
        contacts=contacts,
        look=config.received,
        is_sandbox=fax_accounts.is_sandbox,
    )
    onramp.append(("bring again", again))
    onramp.append(("quiet", Quiet(context, config.accounts, is_sandbox=fax_accounts.is_sandbox)))
    for account in config.accounts:
        name, client = account.name, fax_accounts.client(account.name)
        # Each account on its own: one that answers slowly keeps no other waiting.
        offramp += [
            (f"track {name}", Track(context, fax_accounts, ending, name)),
            (f"reconcile {name}", Reconcile(context, fax_accounts, ending, name)),
        ]
        collect = Collect(
            context,
            client,
            account,
            renderer,
            routing=routing,
            contacts=contacts,
            look=config.received,
            trouble=fax_accounts.trouble,
            failed=ForeignFailures(context, client, account).look,
        )
        onramp.append((f"collect {name}", collect))
    of_role: dict[str, list[tuple[str, Worker]]] = {
        "offramp": offramp,
        "onramp": onramp,
        "postmaster": [
            *[("deliver", deliver)] * DELIVERERS,
            *[("deliver elsewhere", elsewhere)] * ELSEWHERE,
            ("delays", Delays(context, is_sandbox=fax_accounts.is_sandbox)),
        ],
    }
    # An account that is in trouble is tried again, and the disk and the history are looked after, whatever else a
    # process does.
    workers = [
        ("fax_accounts", fax_accounts),
        ("disk", disk),
        ("seals", SealHistory(context)),
        *(each for role in roles for each in of_role.get(role, ())),
    ]
    resent = before.accept.resent if before is not None else None
    accept = Accept(context, examine=functools.partial(examine, renderer), resent=resent, codes=config.billing_codes)
    passwords, prover = Passwords.of(config), Prover(config)
    exits.callback(passwords.close)
    exits.callback(prover.close)
    handler = Handler(
        begin=spool.content.begin,
        room=spool.content.room,
        accept=accept,
        policy=Policy.of(config),
        now=spool.now,
        authenticate=passwords.authenticate,
        prove=prover.prove,
    )
    listeners = config.listeners if "smtp" in roles else ()
    bridge = Bridge(
        config,
        spool,
        handler.policy,
        accept,
        fax_accounts,
        renderer,
        compose,
        passwords,
        Directory(config.ldap) if config.ldap else None,
        Provider(config.oidc, f"{config.pages.url}{OIDC_BACK}") if config.oidc and config.pages else None,
        disk=lambda: disk.problem,
        relay=lambda: deliver.relay_problem,
    )
    return Parts(
        config, context, renderer, fax_accounts, disk, deliver, accept, handler, listeners, workers, exits, bridge
    )


def watched(parts: Parts) -> Watched:
    """What monitors are told of."""
    certificates = {each.name: each.certificate for each in parts.config.listeners if each.certificate}
    return Watched(
        parts.context.spool,
        parts.fax_accounts.names(),
        certificates,
        disk=lambda: parts.disk.problem,
        relay=lambda: parts.deliver.relay_problem,
    )


def _same_renderer(one: Config, other: Config) -> bool:
    return (one.default_country, one.limits, one.render) == (other.default_country, other.limits, other.render)


async def examine(renderer: Renderer, mail: BinaryIO) -> Status | None:
    """Why a mail can't be faxed, if a cell says so within a second: its client waits for the answer."""
    with tempfile.TemporaryFile() as copy:
        mail.seek(0)
        await asyncio.to_thread(shutil.copyfileobj, mail, copy)
        copy.seek(0)
        return await renderer.examine(copy, seconds=EXAMINE_SECONDS)


def connect(account: Account, monotonic: Callable[[], float] = time.monotonic) -> FaxCore:
    """The client of an account."""
    try:
        return FaxCore(
            base_url=account.base_url,
            username=account.username,
            password=account.password,
            ca_file=account.ca_file,
            read_timeout=account.timeout_seconds,
            server_timezone=account.server_timezone,
            content_type=account.content_type,
            monotonic=monotonic,
        )
    except ValueError as wrong:
        raise ConfigError(f"[[account]] {account.name}: {wrong}") from wrong
