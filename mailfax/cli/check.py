"""``mailfax check``: try everything that the service will need, and say what is wrong and what to do."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from mailfax.cli import CannotRun, add_config

if TYPE_CHECKING:
    from mailfax.config import Account, Config, Listener, User
    from mailfax.rules.job import FaxJob

HELP = "try the configuration, the spool, the relay and each account, and say what is wrong or weak"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    from mailfax.cli.settings import load_config
    from mailfax.config import ConfigError, read_users
    from mailfax.config.weak import weaknesses
    from mailfax.proof import Prover
    from mailfax.rules.policy import Policy

    config = load_config(arguments)
    try:
        Policy.of(config)
        Prover(config).close()
    except ConfigError as wrong:
        raise CannotRun(str(wrong)) from None
    print(f"ok     configuration: {config.source}")
    wants_logins = any(listener.proof == "auth" for listener in config.listeners)
    users = read_users(config.password_file) if wants_logins else ()
    if wants_logins:
        print(f"ok     users: {len(users)} in {config.password_file}: {', '.join(map(_user, users))}")
    certificates = list(_certificates(config))
    weak = [*weaknesses(config, users), *_passwords(config), *(told for wrong, told in certificates if not wrong)]
    for told in weak:
        print(f"weak   {told}")
    broken = [told for wrong, told in certificates if wrong]
    if not config.senders:
        broken.append("no [[sender]] rule, so nobody may fax: write one")
    for told in broken:
        print(f"WRONG  {told}")
    return asyncio.run(_check(config, wrong=len(broken), weak=len(weak)))


def _certificates(config: Config) -> Iterator[tuple[bool, str]]:
    """(whether clients can't live with it, the sentence) for the listeners' certificates."""
    import time

    from mailfax.cli.certificate import troubles

    for listener in config.listeners:
        if listener.certificate:
            for wrong, told in troubles(listener.certificate, config.hostname, time.time()):
                yield wrong, f"listener {listener.name}: {listener.certificate}: {told}"


def _passwords(config: Config) -> Iterator[str]:
    """Who can read the file with the passwords."""
    import contextlib
    import stat

    file = config.source.parent / ".env"
    with contextlib.suppress(OSError):
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o007:
            yield f"{file}: everybody on this machine can read its passwords (mode {mode:04o}): chmod 600 {file}"


def _user(user: User) -> str:
    return f'{user.name} (on "{user.listener}" alone)' if user.listener else user.name


async def _check(config: Config, *, wrong: int, weak: int) -> int:
    for trial in (
        _spool(config),
        _renderer(config),
        _relay(config),
        _targets(config),
        _listeners(config),
        _accounts(config),
    ):
        async for good, told in trial:
            print(f"{'ok   ' if good else 'WRONG'}  {told}")
            wrong += not good
    if wrong:
        print(f"{wrong} thing{'s' if wrong > 1 else ''} to fix")
    else:
        print("everything works" + (f"; {weak} weak: see above" if weak else ""))
    return 1 if wrong else 0


Finding = tuple[bool, str]


async def _spool(config: Config) -> AsyncIterator[Finding]:
    from mailfax.cli.owner import give_to_owner
    from mailfax.spool import SpoolRefused, open_spool

    try:
        spool = await open_spool(config)
    except (SpoolRefused, OSError) as refused:
        yield False, f"spool: {refused}"
        return
    give_to_owner(config.spool.file)
    counts, weaknesses = await spool.counts(), await spool.weaknesses()
    await spool.close()
    waiting = sum(counts.jobs.values())
    yield True, f"spool: {config.spool.place} can be written; {waiting} faxes in it"
    for weak in weaknesses:
        yield False, f"spool: {weak}"
    for table, number in counts.damaged.items():
        if number:
            yield False, f"spool: {number} damaged rows in table {table}; they were moved aside and are not worked on"


async def _renderer(config: Config) -> AsyncIterator[Finding]:
    import tempfile
    from pathlib import Path

    from mailfax.config import ConfigError
    from mailfax.render import CannotRender, Renderer
    from mailfax.rules.paper import paper_for

    renderer = Renderer(paper=paper_for(config.default_country), limits=config.limits, config=config.render)
    try:
        await renderer.start()
        with tempfile.TemporaryDirectory() as folder:
            mail = Path(folder) / "mail"
            mail.write_bytes(b"Subject: check\r\n\r\nA page of text.\r\n")
            made = await renderer.render(mail, into=Path(folder))
        yield True, f"pages: a message became {made.pages} page"
        yield True, f"files are opened in a cell: {renderer.closed}"
        for finding in (*_programs(), _scripts()):
            yield finding
    except ConfigError as wrong:
        yield False, str(wrong)
    except (CannotRender, OSError) as failed:
        yield False, f"pages: a plain message could not be turned into pages: {failed}"
    finally:
        await renderer.close()


def _programs() -> Iterator[Finding]:
    """Which programs draw what no library here draws, and what it means where one is missing."""
    from mailfax.render.kinds import AT_FAXCORE
    from mailfax.render.programs import programs

    for program in programs():
        kinds = ", ".join(sorted(kind.name for kind in program.kinds))
        if program.path:
            yield True, f"programs: {program.name}: {kinds} become pages here"
            continue
        passed = ", ".join(sorted(kind.name for kind in program.kinds & AT_FAXCORE))
        refused = ", ".join(sorted(kind.name for kind in program.kinds - AT_FAXCORE))
        means = [f"{passed} go to FaxCore as they are, and only alone" if passed else "",
                 f"{refused} are refused" if refused else ""]  # fmt: skip
        yield True, f"programs: {program.name} is not installed ({program.package}): {'; '.join(filter(None, means))}"


def _scripts() -> Finding:
    """Which writing systems pages can be drawn in."""
    from mailfax.render.fonts import covered_scripts

    covered = covered_scripts()
    lacking = ", ".join(script for script, there in covered.items() if not there)
    if lacking:
        return False, f"fonts: there is none for {lacking}; messages written so are refused. Install fonts-noto-core"
    return True, f"fonts: {', '.join(covered)}; messages in any other writing are refused by its name"


async def _relay(config: Config) -> AsyncIterator[Finding]:
    from mailfax.relay import relay_for
    from mailfax.rules.failure import Failure

    where = config.relay.maildir or f"{config.relay.host} port {config.relay.port}"
    try:
        await relay_for(config.relay, config.hostname).probe()
        yield True, f"relay: {where} takes mail"
    except (Failure, OSError) as failed:
        yield False, f"relay: {where}: {failed}"


async def _targets(config: Config) -> AsyncIterator[Finding]:
    """Folders and webhooks that get received faxes, and programs that hear of outcomes."""
    from mailfax.config.targets import MAIL, WEBHOOK, kind_of
    from mailfax.rules.failure import Failure
    from mailfax.targets import Targets

    places = [place for account in config.accounts for place in account.deliver_to]
    places += [place for route in config.routes for place in (*route.deliver_to, *route.copy_to)]
    outcomes = [f"{WEBHOOK}:{rule.outcome_webhook}" for rule in config.senders if rule.outcome_webhook]
    targets = Targets(secret=config.webhook_secret, private=config.webhook_private)
    meant = [("received faxes", place) for place in places if kind_of(place) != MAIL]
    meant += [("outcomes", place) for place in outcomes]
    for what, place in dict.fromkeys(meant):
        try:
            await targets.probe(place)
            yield True, f"{what}: {place} can be reached"
        except Failure as failed:
            yield False, f"{what}: {place}: {failed}"


async def _listeners(config: Config) -> AsyncIterator[Finding]:
    for listener in config.listeners:
        where, proof = f"listener {listener.name}: {listener.host} port {listener.port}", _proof(listener)
        try:
            server = await asyncio.start_server(lambda reader, writer: writer.close(), listener.host, listener.port)
        except OSError as failed:
            # In use is what a running service looks like.
            if failed.errno == 98:
                yield True, f"{where} is in use (the service is running?); {proof}"
            else:
                yield False, f"{where}: {failed.strerror}"
            continue
        server.close()
        yield True, f"{where} can be opened; {proof}"


def _proof(listener: Listener) -> str:
    """What proves a sender there."""
    for_whom = "copiers' senders are" if listener.device else "senders are"
    if listener.proof == "auth":
        return f"{for_whom} proven by login"
    if listener.proof == "dmarc":
        judge = f"by {listener.authserv_id} in front" if listener.authserv_id else "here"
        return f"{for_whom} proven by SPF, DKIM and DMARC, checked {judge}"
    behind = " as the relays in front tell it" if listener.relays else ""
    return f"{for_whom} proven by their address{behind}: {', '.join(map(str, listener.networks))}"


async def _accounts(config: Config) -> AsyncIterator[Finding]:
    from mailfax.faxcore.verdict import ASP_NET_BODY_LIMIT

    for account in config.accounts:
        async for finding in _account(account, await _newest_sent(config, account.name)):
            yield finding
    if (most := config.limits.document_bytes) > ASP_NET_BODY_LIMIT:
        yield (
            True,
            f"documents of up to {most:,} bytes (document_bytes) are handed over; a FaxCore that was not set up for "
            f"more takes {ASP_NET_BODY_LIMIT:,}: larger ones are noted in the log (large-document)",
        )


async def _newest_sent(config: Config, account: str) -> FaxJob | None:
    """The newest fax that the account took from us; its time is known on both sides."""
    from mailfax.spool import SpoolRefused, open_spool

    try:
        spool = await open_spool(config)
    except (SpoolRefused, OSError):
        return None  # told already
    try:
        newest = await spool.jobs.recent(account, 0.0, 1)
    finally:
        await spool.close()
    return newest[0] if newest else None


async def _account(account: Account, ours: FaxJob | None) -> AsyncIterator[Finding]:
    from mailfax.cli.observation import observed
    from mailfax.faxcore.errors import Failure
    from mailfax.wiring import connect

    client = connect(account)
    try:
        async for told in observed(account, client, ours):
            yield True, f"account {account.name}: {told}"
    except Failure as failed:
        yield False, f"account {account.name}: {failed.sentence} ({failed.diagnostic})"
    finally:
        await client.aclose()
