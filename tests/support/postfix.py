"""A private Postfix: its own configuration, queue and ports on loopback; nothing of the machine's own is touched.

In: routes, from an address or a domain to a transport such as ``smtp:[127.0.0.1]:2525`` or ``lmtp:…`` (without any it
holds all mail), and further services and parameters. Out: a running mail server: ``port``, ``queue()``, ``log()``.

Postfix insists on starting as root (its master drops rights for each service); elsewhere tests that need it are
skipped. The folder is not pytest's, because user ``postfix`` must be able to enter it.
"""

from __future__ import annotations

import json
import os
import shutil
import smtplib
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.site import until

#: Where Debian has administrators' programs, which a person's PATH may lack.
SEARCHED = f"{os.environ['PATH']}:/usr/sbin:/sbin"
POSTFIX, POSTQUEUE = shutil.which("postfix", path=SEARCHED), shutil.which("postqueue", path=SEARCHED)
#: Loopback needs milliseconds; what takes this long will not come any more. In seconds.
PATIENCE = 30.0

MAIN = {
    "compatibility_level": "3.6",
    "myhostname": "mta.example.com",
    "mydestination": "",
    "alias_maps": "",
    "local_recipient_maps": "",
    "relay_domains": "fax.local",
    "mynetworks": "127.0.0.0/8",
    "inet_interfaces": "loopback-only",
    "inet_protocols": "ipv4",
    "smtp_host_lookup": "native",
    "smtp_dns_support_level": "disabled",
    "biff": "no",
    # A second try must come while a test still waits.
    "minimal_backoff_time": "1s",
    "maximal_backoff_time": "2s",
    "queue_run_delay": "1s",
    "message_size_limit": "500000000",
}
#: Service, type, wakeup, most processes, program; nothing is chrooted, so that nothing need be copied.
SERVICES = """\
pickup    unix       n - n 60   1 pickup
cleanup   unix       n - n -    0 cleanup
qmgr      unix       n - n 300  1 qmgr
tlsmgr    unix       - - n 1000? 1 tlsmgr
rewrite   unix       - - n -    - trivial-rewrite
bounce    unix       - - n -    0 bounce
defer     unix       - - n -    0 bounce
trace     unix       - - n -    0 bounce
verify    unix       - - n -    1 verify
flush     unix       n - n 1000? 0 flush
proxymap  unix       - - n -    - proxymap
proxywrite unix      - - n -    1 proxymap
smtp      unix       - - n -    - smtp
relay     unix       - - n -    - smtp
lmtp      unix       - - n -    - lmtp
showq     unix       n - n -    - showq
error     unix       - - n -    - error
retry     unix       - - n -    - error
discard   unix       - - n -    - discard
anvil     unix       - - n -    1 anvil
scache    unix       - - n -    1 scache
postlog   unix-dgram n - n -    1 postlogd
"""


class Postfix:
    """One running Postfix. ``services``: name -> (program, its own parameters); without ``routes`` it holds all."""

    def __init__(
        self,
        folder: Path,
        *,
        routes: Mapping[str, str] | None = None,
        services: Mapping[str, tuple[str, Mapping[str, str]]] | None = None,
        main: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.settings = MAIN | {
            "queue_directory": str(folder / "queue"),
            "data_directory": str(folder / "data"),
            "maillog_file": str(folder / "maillog"),
            "maillog_file_prefixes": str(folder),
        }
        self.services = services or {}
        if routes:
            listed = ", ".join(f"{{{where} = {transport}}}" for where, transport in routes.items())
            self.settings["transport_maps"] = f"inline:{{ {listed} }}"
        else:
            # Into the queue file, fsync and all, and no further.
            self.settings["smtpd_client_restrictions"] = "static:HOLD"
        self.settings |= main or {}

    def start(self) -> None:
        """Configure and start; returns when the port is open."""
        self.folder.chmod(0o755)
        (self.folder / "queue").mkdir()
        (self.folder / "data").mkdir()
        shutil.chown(self.folder / "data", "postfix")
        etc = self.folder / "etc"
        etc.mkdir()
        (etc / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in self.settings.items()))
        rows = [f"127.0.0.1:{self.port} inet n - n - - smtpd", SERVICES]
        for name, (program, own) in self.services.items():
            rows.append(f"{name} unix - - n - - {program}")
            rows += [f"  -o {{ {key} = {value} }}" for key, value in own.items()]
        (etc / "master.cf").write_text("\n".join(rows) + "\n")
        self._do("start")
        until(self._greets, "Postfix", self.log, PATIENCE)

    def stop(self) -> None:
        """End this instance: its script reads the master's process id from its own queue directory."""
        if (self.folder / "queue" / "pid" / "master.pid").exists():
            self._do("stop")

    def queue(self) -> list[dict[str, object]]:
        """The mails in its queue, each as ``postqueue -j`` tells it."""
        assert POSTQUEUE is not None
        command = [POSTQUEUE, "-c", str(self.folder / "etc"), "-j"]
        told = subprocess.run(command, capture_output=True, check=True, text=True)
        return [json.loads(line) for line in told.stdout.splitlines()]

    def flush(self) -> None:
        """Try everything again now."""
        assert POSTQUEUE is not None
        subprocess.run([POSTQUEUE, "-c", str(self.folder / "etc"), "-f"], check=True)

    def until_empty(self) -> None:
        """Wait until nothing is in the queue: every mail was taken, or bounced."""
        until(lambda: not self.queue(), "an empty queue", self.log, PATIENCE)

    def send(
        self,
        mail: bytes,
        recipients: Sequence[str],
        *,
        sender: str = "alice@example.com",
        mail_options: Sequence[str] = (),
        rcpt_options: Sequence[str] = (),
        source: str = "127.0.0.1",
    ) -> None:
        """Hand it a mail as a client would, from an address of loopback."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=PATIENCE, source_address=(source, 0)) as smtp:
            refused = smtp.sendmail(sender, list(recipients), mail, mail_options, rcpt_options)
            assert refused == {}, refused

    def log(self) -> str:
        files = (self.folder / "start.log", self.folder / "maillog")
        return "".join(file.read_text(errors="replace") for file in files if file.exists())

    def _do(self, what: str) -> None:
        assert POSTFIX is not None
        with (self.folder / "start.log").open("ab") as output:
            command = [POSTFIX, "-c", str(self.folder / "etc"), what]
            subprocess.run(command, stdout=output, stderr=output, env={"PATH": SEARCHED}, check=True)

    def _greets(self) -> bool:
        try:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=PATIENCE):
                return True
        except OSError:
            return False


@contextmanager
def running(
    *,
    routes: Mapping[str, str] | None = None,
    services: Mapping[str, tuple[str, Mapping[str, str]]] | None = None,
    main: Mapping[str, str] | None = None,
) -> Iterator[Postfix]:
    """A Postfix for the length of a ``with``; skips the test where none can run."""
    skip_without_postfix()
    folder = Path(tempfile.mkdtemp(prefix="postfix-"))
    postfix = Postfix(folder, routes=routes, services=services, main=main)
    try:
        postfix.start()
        yield postfix
    finally:
        postfix.stop()
        shutil.rmtree(folder)


def skip_without_postfix() -> None:
    if POSTFIX is None or POSTQUEUE is None:
        pytest.skip("needs postfix; install the package postfix")
    if os.geteuid() != 0:
        pytest.skip("needs root: Postfix starts as root only")
