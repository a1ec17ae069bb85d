"""A whole site for flow tests: a sandbox and a bridge as real processes, mail over real SMTP, Maildirs on disk.

The vocabulary of the flows: ``site.start()``, ``site.send(...)``, ``site.faxes()``, ``site.mails(...)``,
``site.until(...)``. Ports are free ones, nothing sleeps longer than it must, and a failed flow keeps its folder.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import mailbox
import os
import smtplib
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

from tests.support.database import Database
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
DYING_SERVE = Path(__file__).with_name("dying_serve.py")
NUMBER, PASSWORD = "5557152222", "mypassword"
OTHER_NUMBER = "5557153333"
SENDER = "alice@example.com"
PATIENCE = 60.0

T = TypeVar("T")

CONFIGURATION = """\
fax_domains = ["fax.local"]
default_country = "US"
postmaster = "postmaster@example.com"
hostname = "fax.example.com"
{top}

[spool]
url = "{spool}"

[[listener]]
name = "test"
address = "127.0.0.1:{port}"
networks = ["127.0.0.0/8"]
proof = "network"

[[account]]
name = "main"
base_url = "{base_url}"
username = "{number}"
deliver_to = ["office@example.com"]
poll_seconds = 1
settle_seconds = {settle_seconds}
timeout_seconds = {timeout_seconds}
{account}

[[sender]]
from = ["@example.com"]
account = "main"
name = "Alice Example"
company = "Example Ltd"
{sender}

[relay]
{relay}

[limits]
render_seconds = {render_seconds}
deadline_seconds = {deadline_seconds}
{more}
"""


def until(truth: Callable[[], T], what: str, log: Callable[[], str] = str, patience: float = PATIENCE) -> T:
    """Wait until ``truth()`` is true; its value. ``log`` is told where it was in vain."""
    deadline = time.monotonic() + patience
    while True:
        if value := truth():
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience:.0f} s in vain for: {what}\n{log()}")
        time.sleep(0.05)


class Site:
    """A sandbox with a bridge in front of it."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.sandbox_port, self.smtp_port = free_port(), free_port()
        self.settings = {
            "spool": "sqlite:///spool.db",
            "settle_seconds": 3,
            "timeout_seconds": 2,
            "deadline_seconds": 3600,
            "render_seconds": 4,
            "relay": 'maildir = "mail"',
            "more": "",
            "top": "",
            "account": "",
            "sender": "",
            "base_url": f"http://127.0.0.1:{self.sandbox_port}/api/",
        } | settings
        self.config = folder / "mailfax.toml"
        self.environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"}
        self.environment["MAILFAX_ACCOUNT_MAIN_PASSWORD"] = PASSWORD
        self._processes: list[subprocess.Popen[bytes]] = []

    # --- processes -----------------------------------------------------------------------------------------

    def start_sandbox(self, *more: str) -> None:
        """With the two accounts that every flow may use, and with these."""
        accounts = [
            part for number in (NUMBER, OTHER_NUMBER, *more) for part in ("--account", f"{number}:{PASSWORD}")
        ]
        self._start(
            [
                *(sys.executable, "-m", "mailfax", "sandbox", "--address", f"127.0.0.1:{self.sandbox_port}"),
                *("--state", str(self.folder / "sandbox"), "--speed", "600"),
                *accounts,
            ],
            "sandbox.log",
        )
        until(lambda: listens(self.sandbox_port), "the sandbox")

    def start(self, *dying: str) -> subprocess.Popen[bytes]:
        """Start a bridge; with ("before"|"after", commit) one that dies there."""
        return self._serve(str(DYING_SERVE), str(self.configure()), *dying)

    def start_with(self, script: Path, *more: str) -> subprocess.Popen[bytes]:
        """Start a bridge by a script of the tests that takes the configuration."""
        return self._serve(str(script), str(self.configure()), *more)

    def start_installed(self) -> subprocess.Popen[bytes]:
        """Start a bridge as people do, with its real waiting times and its default log."""
        return self._serve("-m", "mailfax", "serve", "--config", str(self.configure()))

    def start_second(self) -> subprocess.Popen[bytes]:
        """A second bridge on the same spool, with a listener of its own."""
        config = self.configure("second.toml", free_port())
        return self._start([sys.executable, str(DYING_SERVE), str(config)], "second.log")

    def start_bridge(self, script: Path, number: int, port: int) -> subprocess.Popen[bytes]:
        """One of several bridges on the same spool, by a script of the tests; not waited for."""
        config = self.configure(f"bridge{number}.toml", port)
        return self._start([sys.executable, str(script), str(config)], f"bridge{number}.log")

    def start_another(self, number: int) -> int:
        """One more bridge on the same spool, as people start it; its port."""
        port = free_port()
        config = self.configure(f"bridge{number}.toml", port)
        self.start_command("serve", "--config", str(config), log=f"bridge{number}.log")
        until(lambda: listens(port), "another bridge", lambda: self.log(f"bridge{number}.log"))
        return port

    def start_part(self, role: str) -> subprocess.Popen[bytes]:
        """A bridge that does this part of the work alone."""
        script = [str(DYING_SERVE), str(self.configure()), "--roles", role]
        return self._start([sys.executable, *script], f"{role}.log")

    def start_command(self, *command: str, log: str) -> subprocess.Popen[bytes]:
        """Start ``mailfax`` with a command that goes on until it is stopped."""
        return self._start([sys.executable, "-m", "mailfax", *command], log)

    def start_program(self, *command: str, log: str) -> subprocess.Popen[bytes]:
        """Start somebody else's program beside the bridge."""
        return self._start(command, log)

    def configure(self, name: str = "mailfax.toml", port: int = 0) -> Path:
        """Write a configuration; its file."""
        config = self.folder / name
        config.write_text(CONFIGURATION.format(port=port or self.smtp_port, number=NUMBER, **self.settings))
        return config

    def run(
        self, *command: str, patience: float = PATIENCE, typed: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ``mailfax`` with a command to its end; ``typed`` is its input."""
        return subprocess.run(
            [sys.executable, "-m", "mailfax", *command],
            input=typed,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=patience,
            check=False,
        )

    def _serve(self, *command: str) -> subprocess.Popen[bytes]:
        bridge = self._start([sys.executable, *command], "serve.log")
        until(lambda: listens(self.smtp_port) or bridge.poll() is not None, "the bridge")
        return bridge

    def _start(self, command: Sequence[str], log: str) -> subprocess.Popen[bytes]:
        with (self.folder / log).open("ab") as output:
            process = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=output, stderr=output)
        self._processes.append(process)
        return process

    def stop(self, process: subprocess.Popen[bytes]) -> int:
        """Ask a bridge to stop, as systemd does; its exit status."""
        process.terminate()
        return process.wait(timeout=PATIENCE)

    def close(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.wait()

    def log(self, name: str = "serve.log") -> str:
        file = self.folder / name
        return file.read_text(errors="replace") if file.exists() else ""

    # --- mail ----------------------------------------------------------------------------------------------

    def send(
        self,
        *numbers: str,
        sender: str = SENDER,
        mail: EmailMessage | None = None,
        options: Sequence[str] = (),
        port: int = 0,
    ) -> str:
        """Send a mail to fax numbers; the queue ID. Raises what smtplib raises."""
        mail = mail or letter()
        with smtplib.SMTP("127.0.0.1", port or self.smtp_port, timeout=30) as smtp:
            smtp.ehlo()
            _expect(smtp.mail(sender))
            for number in numbers:
                _expect(smtp.rcpt(number if "@" in number else f"{number}@fax.local", options))
            text = _expect(smtp.data(mail.as_bytes(policy=email.policy.SMTP)))
        return text.rpartition("queued as ")[2].strip()

    def mails(self, address: str = SENDER) -> list[EmailMessage]:
        """The mails that the relay took for an address."""
        folder = self.folder / "mail" / address
        if not all((folder / part).is_dir() for part in ("tmp", "new", "cur")):
            return []  # not there yet, or being made just now
        box = mailbox.Maildir(folder, create=False)
        found = [email.message_from_bytes(box.get_bytes(key), policy=email.policy.default) for key in box.iterkeys()]
        return found  # type: ignore[return-value]

    def answers(self, number: int, address: str = SENDER) -> list[EmailMessage]:
        """Wait for that many mails, and a moment longer: one too many is as wrong as one too few."""
        until(lambda: len(self.mails(address)) >= number, f"{number} mails to {address}", self.log)
        time.sleep(1.0)
        found = self.mails(address)
        assert len(found) == number, [mail["Subject"] for mail in found]
        return found

    # --- FaxCore -------------------------------------------------------------------------------------------

    def control(self, path: str, body: bytes | dict[str, Any] | None = None, method: str | None = None) -> Any:
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        request = urllib.request.Request(f"http://127.0.0.1:{self.sandbox_port}/_sandbox/{path}", data, method=method)
        if isinstance(body, dict):
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    def faxes(self, direction: str = "Outbound") -> list[dict[str, Any]]:
        """The faxes that FaxCore has."""
        return [fax for fax in self.control("faxes") if fax["direction"] == direction]

    def requests(self, operation: str) -> list[dict[str, Any]]:
        """The calls of an operation that FaxCore has heard, in their order."""
        return [request for request in self.control("requests") if request["operation"] == operation]

    def drop_in(
        self, document: bytes, caller: str = "15552010009", count: int = 1, account: str = NUMBER
    ) -> list[str]:
        """Let a fax come in at FaxCore; its ids there."""
        ids: list[str] = self.control(f"inbound?account={account}&caller={caller}&count={count}", document)["ids"]
        return ids

    # --- the spool -----------------------------------------------------------------------------------------

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the spool holds, read beside the bridge."""
        if self.settings["spool"].startswith("postgresql:"):
            return self.change(statement, *values)
        with closing(sqlite3.connect(f"file:{self.folder / 'spool.db'}?mode=ro", uri=True, timeout=10)) as database:
            return database.execute(statement, values).fetchall()

    def change(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """One statement, beside the bridge; its rows."""
        return asyncio.run(self.database().run(statement, *values))

    def database(self) -> Database:
        return Database(self.settings["spool"], self.folder)


def letter(subject: str = "Invoice 12", text: str = "Please find the invoice below.") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = f"Alice Example <{SENDER}>"
    mail["Subject"] = subject
    mail["Message-ID"] = f"<{time.time_ns()}@example.com>"
    mail.set_content(text)
    return mail


def _expect(reply: tuple[int, bytes]) -> str:
    code, text = reply
    if code != 250:
        raise smtplib.SMTPResponseException(code, text)
    return text.decode()


def listens(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
