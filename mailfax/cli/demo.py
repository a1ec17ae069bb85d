"""``mailfax demo``: bridge, sandbox and Maildirs on this machine, and one round trip to watch.

Everything lies in one folder: the configuration that it writes, the spool, the sandbox's faxes, the Maildirs and the
faxed pages. Nothing outside of it is touched, nothing leaves the machine, nothing is really faxed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailfax.cli import CannotRun

if TYPE_CHECKING:
    from mailfax.service import Service

HELP = "run bridge, sandbox and mailboxes together on loopback, and send a fax through them"

NUMBER, PASSWORD = "5557152222", "demo"
#: Who signs in to the pages; the password is another one for each demo.
USER = "demo"
SENDER, OFFICE = "alice@example.com", "office@example.com"

CONFIGURATION = """\
# Written by `mailfax demo`. Try: mailfax queue --config {file}
fax_domains = ["fax.local"]
default_country = "US"
postmaster = "postmaster@example.com"
hostname = "fax.example.com"

[spool]
url = "sqlite:///spool.db"

[[listener]]
name = "demo"
address = "{smtp}"
networks = ["127.0.0.0/8"]
proof = "network"

[[account]]
name = "main"
base_url = "http://{sandbox}/api/"
username = "{number}"
deliver_to = ["{office}"]
poll_seconds = 5

[[sender]]
from = ["@example.com"]
account = "main"
name = "Alice Example"
company = "Example Ltd"

[relay]
maildir = "mail"

[pages]
address = "{pages}"

[[page_user]]
login = "{user}"
role = "operator"
from = ["{sender}"]
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="end after the round trip; 0 only if all of it happened")
    parser.add_argument(
        "--state",
        type=Path,
        default=Path("var/demo"),
        metavar="DIR",
        help="where all of it lies (default: %(default)s)",
    )
    parser.add_argument(
        "--smtp", default="127.0.0.1:2525", metavar="HOST:PORT", help="the listener (default: %(default)s)"
    )
    parser.add_argument(
        "--sandbox", default="127.0.0.1:8087", metavar="HOST:PORT", help="the sandbox (default: %(default)s)"
    )
    parser.add_argument(
        "--pages", default="127.0.0.1:8026", metavar="HOST:PORT", help="the pages (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    from mailfax.log_lines import configure_logging
    from mailfax.service import loop_factory

    configure_logging(verbose=False)
    # The stations are told by the trip itself; the operator's log would only double them.
    logging.getLogger("mailfax").setLevel(logging.WARNING)
    smtp, sandbox, pages = _free(arguments.smtp), _free(arguments.sandbox), _free(arguments.pages)
    state: Path = arguments.state.absolute()
    password = secrets.token_urlsafe(9)
    file = _write_configuration(state, smtp, sandbox, pages, password)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_demo(state, file, sandbox, password, once=arguments.once))


def _write_configuration(state: Path, smtp: str, sandbox: str, pages: str, password: str) -> Path:
    from mailfax.config.users import User, write_user
    from mailfax.passwords import hash_password

    state.mkdir(parents=True, exist_ok=True)
    file = state / "mailfax.toml"
    values = {"smtp": smtp, "sandbox": sandbox, "pages": pages, "number": NUMBER, "office": OFFICE}
    values |= {"user": USER, "sender": SENDER}
    file.write_text(CONFIGURATION.format(file=file, **values), encoding="utf-8")
    environment = state / ".env"
    environment.write_text(f"MAILFAX_ACCOUNT_MAIN_PASSWORD={PASSWORD}\n", encoding="utf-8")
    environment.chmod(0o600)
    write_user(state / "passwords", USER, User(USER, hash_password(password)))
    return file


async def _demo(state: Path, file: Path, sandbox: str, password: str, *, once: bool) -> int:
    from mailfax.cli.trip import Trip

    async with _bridge(state, file, sandbox) as (service, base_url):
        assert service.listeners is not None
        host, port = service.listeners.addresses["demo"]
        trip = Trip(
            service.spool, state, smtp=(host, port), sandbox=base_url, account="main", login=(NUMBER, PASSWORD)
        )
        good = await trip.run(sender=SENDER, office=OFFICE)
        if once:
            return 0 if good else 1
        assert service.pages is not None
        pages = "http://{}:{}/".format(*service.pages.address)
        print(_invitation(host, port, state, base_url, pages, password), flush=True)
        await _signalled()
        return 0


@contextlib.asynccontextmanager
async def _bridge(state: Path, file: Path, sandbox: str) -> AsyncIterator[tuple[Service, str]]:
    """A sandbox and a service that use each other, for as long as the block lasts."""
    from mailfax.config import load
    from mailfax.sandbox.server import SandboxOptions, serve
    from mailfax.service import Service

    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    options = SandboxOptions(address=sandbox, state=state / "sandbox", accounts=((NUMBER, PASSWORD),))
    faxcore = asyncio.create_task(serve(options, started=listening.set_result))
    try:
        waiting: list[asyncio.Future[Any]] = [faxcore, listening]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if faxcore.done():
            raise CannotRun(f"the sandbox could not start: {faxcore.exception()}")
        # Without our environment: a password in it is that of somebody's real account.
        service = await Service.start(load(file, {}))
        running = asyncio.create_task(service.run())
        try:
            yield service, listening.result()
        finally:
            service.stop()
            await running
    finally:
        faxcore.cancel()
        await asyncio.gather(faxcore, return_exceptions=True)


def _free(address: str) -> str:
    """``address``, with a free port where it names port 0; ``CannotRun`` where its port is taken."""
    host, colon, port = address.rpartition(":")
    if not (colon and port.isdigit()):
        raise CannotRun(f"{address}: write HOST:PORT, for example 127.0.0.1:2525")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except (OSError, OverflowError) as taken:
            why = getattr(taken, "strerror", None) or taken
            raise CannotRun(f"{address}: {why}; choose another with --smtp, --sandbox or --pages") from None
        return f"{host}:{probe.getsockname()[1]}"


async def _signalled() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    await stop.wait()


def _invitation(host: str, port: int, state: Path, base_url: str, pages: str, password: str) -> str:
    at_faxcore = base_url.removesuffix("/api/") + "/_sandbox/?folder=Sent"
    attached = "--attach-type application/pdf --attach-name FILE.pdf --attach @FILE.pdf"
    return f"""
The bridge stays up. Send to it with any mail client (server {host}, port {port}, no login), or with one line:

  swaks --server {host}:{port} --from {SENDER} --to 15551234567@fax.local {attached}

Numbers from 15555550100 on have outcomes of their own (…0101 is busy): see docs/reference/sandbox.md.
See, find and send faxes: {pages} (sign in as {USER}, password {password})
Faxed pages, as FaxCore sees them: {at_faxcore}
Messages: {state / "mail"}
Queue: {sys.argv[0]} queue --config {state / "mailfax.toml"}
Ctrl-C ends it."""
