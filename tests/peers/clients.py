"""Mail programs that others wrote, each told to send one file to two recipients, in the way that is wanted.

In: a ``Way`` (which listener, which TLS, which AUTH), its port, the authority's certificate, the recipients and the
file. Out: nothing; a program that fails raises with what it said. ``KNOWN`` says which ways each program knows, and
``WISHES`` which requests of RFC 3461 it makes.
"""

from __future__ import annotations

import email.policy
import functools
import json
import smtplib
import ssl
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

from tests.support.postfix import SEARCHED

HERE = Path(__file__).parent
SENDER, PASSWORD = "alice@example.com", "correct horse"
#: A copier's password travels in clear, and so is good on its listener alone.
USERS = {"alice": PASSWORD, "copier-3:copier": PASSWORD}
HELO = "client.example.com"


@dataclass(frozen=True)
class Way:
    """A way in: ``tls`` is "none", "starttls" or "implicit"; ``auth`` "", "PLAIN" or "LOGIN"."""

    listener: str
    tls: str = "none"
    auth: str = ""
    lmtp: bool = False

    @property
    def user(self) -> str:
        """Who logs in there."""
        return "copier-3" if self.listener == "copier" else "alice"

    def __str__(self) -> str:
        return f"{self.listener} {self.auth}".strip()


@dataclass(frozen=True)
class Wishes:
    """What a program asks to be told (RFC 3461); ``orcpt`` per recipient where it names one."""

    ret: str = ""
    envid: str = ""
    notify: frozenset[str] | None = None
    orcpt: Callable[[str], str] = field(default=lambda recipient: "")


CLEAR, STARTTLS, IMPLICIT = Way("clear"), Way("starttls", "starttls"), Way("implicit", "implicit")
BY_SMTP = (
    CLEAR,
    Way("copier", "none", "PLAIN"),
    Way("copier", "none", "LOGIN"),
    STARTTLS,
    Way("submission", "starttls", "PLAIN"),
    Way("submission", "starttls", "LOGIN"),
    IMPLICIT,
    Way("submissions", "implicit", "PLAIN"),
    Way("submissions", "implicit", "LOGIN"),
)
BY_LMTP = (Way("lmtp", lmtp=True), Way("lmtp-starttls", "starttls", lmtp=True))


def with_swaks(way: Way, port: int, ca: Path, recipients: Sequence[str], file: Path) -> None:
    options = {"none": [], "starttls": ["--tls"], "implicit": ["--tls-on-connect"]}[way.tls]
    if way.tls != "none":
        options += ["--tls-verify", "--tls-ca-path", str(ca)]
    if way.auth:
        options += ["--auth", way.auth, "--auth-user", way.user, "--auth-password", PASSWORD]
    _run(
        *("swaks", "--server", "127.0.0.1", "--port", str(port), "--protocol", "LMTP" if way.lmtp else "ESMTP"),
        *("--helo", HELO, "--from", SENDER, "--to", ",".join(recipients), "--suppress-data"),
        *("--body", "As agreed.", "--attach-type", "application/pdf", "--attach", f"@{file}", *options),
    )


def with_curl(way: Way, port: int, ca: Path, recipients: Sequence[str], file: Path) -> None:
    scheme = "smtps" if way.tls == "implicit" else "smtp"
    options = [part for recipient in recipients for part in ("--mail-rcpt", recipient)]
    if way.tls != "none":
        options += ["--ssl-reqd", "--cacert", str(ca)]
    if way.auth:
        options += ["--user", f"{way.user}:{PASSWORD}", "--login-options", f"AUTH={way.auth}"]
    _run(
        *("curl", "--silent", "--show-error", f"{scheme}://127.0.0.1:{port}/{HELO}", "--mail-from", SENDER, *options),
        *("--header", f"From: {SENDER}", "--header", "Subject: From curl"),
        *("--form", "=As agreed.", "--form", f"file=@{file};type=application/pdf;encoder=base64"),
    )


def with_smtplib(way: Way, port: int, ca: Path, recipients: Sequence[str], file: Path) -> None:
    context = ssl.create_default_context(cafile=ca)
    smtp: smtplib.SMTP
    if way.tls == "implicit":
        smtp = smtplib.SMTP_SSL("127.0.0.1", port, HELO, context=context, timeout=30)
    else:
        smtp = (smtplib.LMTP if way.lmtp else smtplib.SMTP)("127.0.0.1", port, HELO, timeout=30)
    with smtp:
        smtp.ehlo()
        if way.tls == "starttls":
            smtp.starttls(context=context)
            smtp.ehlo()
        if way.auth:
            smtp.user, smtp.password = way.user, PASSWORD
            smtp.auth(way.auth, {"PLAIN": smtp.auth_plain, "LOGIN": smtp.auth_login}[way.auth])
        wishes = WISHES["smtplib"]
        assert smtp.mail(SENDER, [f"RET={wishes.ret}", f"ENVID={wishes.envid}"])[0] == 250
        for recipient in recipients:
            asked = ["NOTIFY=SUCCESS,FAILURE", f"ORCPT={wishes.orcpt(recipient)}"]
            assert smtp.rcpt(recipient, asked)[0] == 250
        code, said = smtp.data(letter(file))
        assert code == 250, said
        if way.lmtp:
            # One reply for each recipient (RFC 2033 4.2); smtplib has read the first.
            assert smtp.getreply()[0] == 250


def with_msmtp(way: Way, port: int, ca: Path, recipients: Sequence[str], file: Path) -> None:
    rc = file.with_name("msmtprc")
    tls = "on" if way.tls != "none" else "off"
    settings = {
        "host": "127.0.0.1", "port": port, "protocol": "lmtp" if way.lmtp else "smtp", "domain": HELO,
        "from": SENDER, "tls": tls, "tls_starttls": "on" if way.tls == "starttls" else "off",
        "tls_trust_file": ca if way.tls != "none" else "", "auth": way.auth.lower() or "off",
        "user": way.user, "password": f'"{PASSWORD}"', "dsn_notify": "failure,success", "dsn_return": "headers",
    }  # fmt: skip
    rc.write_text("account default\n" + "".join(f"{key} {value}\n" for key, value in settings.items()))
    rc.chmod(0o600)
    _run("msmtp", "--file", str(rc), *recipients, said=letter(file))


def with_snail(way: Way, port: int, ca: Path, recipients: Sequence[str], file: Path) -> None:
    # By name: it takes no certificate for an address.
    login = f"{way.user}:{PASSWORD.replace(' ', '%20')}@" if way.auth else ""
    scheme = {"none": "smtp", "starttls": "submission", "implicit": "submissions"}[way.tls]
    settings = {
        "v15-compat": "yes", "mta": f"{scheme}://{login}localhost:{port}", "hostname": HELO, "from": SENDER,
        "smtp-auth": way.auth.lower() or "none", "tls-ca-file": str(ca), "tls-ca-no-defaults": "yes",
        "tls-verify": "strict", "sendwait": "yes", "emptystart": "yes",
    }  # fmt: skip
    if way.tls == "starttls":
        settings["smtp-use-starttls"] = "yes"
    options = [part for key, value in settings.items() for part in ("-S", f"{key}={value}")]
    command = ["s-nail", "-:/", *options, "-s", "From s-nail", "-a", str(file), *recipients]
    told = _run(*command, said=b"As agreed.\n", HOME=str(file.parent))
    assert "message not sent" not in told, told  # its exit status does not say so


def with_nodemailer(way: Way, port: int, ca: Path, recipients: Sequence[str], file: Path) -> None:
    asked = {
        "host": "127.0.0.1", "port": port, "secure": way.tls == "implicit", "requireTLS": way.tls == "starttls",
        "lmtp": way.lmtp, "ca": str(ca), "method": way.auth or None,
        "auth": {"user": way.user, "pass": PASSWORD} if way.auth else None, "from": SENDER, "to": recipients,
        "file": str(file),
        "dsn": {"id": "offer+4711", "return": "headers", "notify": ["failure", "success"], "recipient": SENDER},
    }  # fmt: skip
    _run("node", str(HERE / "node" / "send.js"), said=json.dumps(asked).encode())


SEND: Mapping[str, Callable[[Way, int, Path, Sequence[str], Path], None]] = {
    "swaks": with_swaks,
    "curl": with_curl,
    "smtplib": with_smtplib,
    "msmtp": with_msmtp,
    "s-nail": with_snail,
    "nodemailer": with_nodemailer,
}
KNOWN: Mapping[str, Sequence[Way]] = {
    "swaks": (*BY_SMTP, *BY_LMTP),
    "curl": BY_SMTP,
    "smtplib": (*BY_SMTP, *BY_LMTP),
    "msmtp": (*BY_SMTP, *BY_LMTP),
    "s-nail": BY_SMTP,
    "nodemailer": (*BY_SMTP, *BY_LMTP),
}
_REPORTS = frozenset({"SUCCESS", "FAILURE"})
WISHES: Mapping[str, Wishes] = {
    "swaks": Wishes(),
    "curl": Wishes(),
    "smtplib": Wishes("HDRS", "Offer-4711", _REPORTS, lambda recipient: f"rfc822;Bob.{recipient}"),
    "msmtp": Wishes("HDRS", notify=_REPORTS),
    "s-nail": Wishes(),
    "nodemailer": Wishes("HDRS", "offer+4711", _REPORTS, lambda recipient: f"rfc822;{SENDER}"),
}
#: The command that each needs.
NEEDS = {"swaks": "swaks", "curl": "curl", "msmtp": "msmtp", "s-nail": "s-nail", "nodemailer": "node"}


@functools.cache
def letter(file: Path) -> bytes:
    """A mail with the file attached, for programs that are given a whole mail; writing one takes half a second."""
    mail = EmailMessage(email.policy.SMTP)
    mail["From"], mail["Subject"] = SENDER, "An offer"
    mail.set_content("As agreed.")
    mail.add_attachment(file.read_bytes(), maintype="application", subtype="pdf", filename=file.name)
    return mail.as_bytes()


def _run(*command: str, said: bytes = b"", **environment: str) -> str:
    ran = subprocess.run(
        command,
        input=said,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
        env={"PATH": SEARCHED, "LC_ALL": "C.UTF-8", **environment},
    )
    told = ran.stdout.decode(errors="replace")[-2000:]
    assert ran.returncode == 0, f"{command[0]}: {told}"
    return told
