"""The whole file becomes ``Config``, and is refused where its parts together would do harm.

In: the path of ``mailfax.toml`` and the environment. Out: ``Config``. Raises ``ConfigError``. Passwords come from the
environment or from ``.env`` beside the file, never from the file itself; the environment wins.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from mailfax.config.keys import SECTIONS
from mailfax.config.kinds import is_loopback, is_open
from mailfax.config.tables import Part, nearest, parse, password_name, read_dotenv, read_section
from mailfax.config.values import Account, Config, Limits, Listener, Network, RelayConfig, SenderRule

#: Who may connect to a loopback listener that names no networks: this machine.
_THIS_MACHINE: tuple[Network, ...] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
#: Against a real service: more than 6 calls a minute meet rate limits, and a fax may be listed only minutes after it
#: was accepted, so that a shorter look proves no absence and could send a fax twice; and ASP.NET answers an upload
#: after up to 110 seconds, so that less patience puts faxes in doubt.
_LEAST_OFF_LOOPBACK = {"poll_seconds": 10, "settle_seconds": 300, "timeout_seconds": 120}


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """The configuration in ``path`` with the secrets of ``environ``; raises ``ConfigError``."""
    tables = parse(path)
    secrets = {**read_dotenv(path.parent / ".env"), **environ}
    parts = {name: read_section(path, name, tables) for name in SECTIONS}
    (top,), (spool,), (relay,) = parts[""], parts["spool"], parts["relay"]
    if not top["fax_domains"]:
        top.refuse("fax_domains", 'empty, so no address would be a fax number; write for example ["fax.local"]')
    _require_outside(top, "postmaster", [top["postmaster"]], top["fax_domains"])
    accounts = [_account(part, top, secrets) for part in parts["account"]]
    _require_unlike(parts["account"], "name", [password_name(account.name) for account in accounts])
    listeners = [_listener(part) for part in parts["listener"]]
    _require_unlike(parts["listener"], "name", [listener.name for listener in listeners])
    _require_unlike(parts["listener"], "address", [(each.host, each.port) for each in listeners if each.port])
    return Config(
        source=path.absolute(),
        hostname=top["hostname"],
        postmaster=top["postmaster"],
        fax_domains=top["fax_domains"],
        default_country=top["default_country"],
        success_notice=top["success_notice"],
        spool_url=spool["url"],
        spool_path=path.parent.absolute() / spool["url"].removeprefix("sqlite:///"),
        listeners=tuple(listeners),
        accounts=tuple(accounts),
        senders=tuple(_sender(part, top, accounts) for part in parts["sender"]),
        relay=_relay(relay, secrets),
        limits=Limits(**parts["limits"][0].values),
    )


def _require_unlike(parts: Sequence[Part], key: str, values: Sequence[object]) -> None:
    for number, value in enumerate(values):
        if value in values[:number]:
            parts[number].refuse(key, "two have the same, or one that can't be told from it; write another")


def _require_outside(part: Part, key: str, mailboxes: Sequence[str], fax_domains: Sequence[str]) -> None:
    """Our own mail must not come back to be faxed."""
    for mailbox in mailboxes:
        if mailbox.rpartition("@")[2] in fax_domains:
            part.refuse(
                key, f'"{mailbox}" is in a fax domain, so its mail would come back here; write another mailbox'
            )


def _listener(part: Part) -> Listener:
    host, port = part["address"]
    if part["device"]:
        part.refuse("device", "listeners for copiers are not in this version; write false or leave it out")
    networks = part["networks"]
    if networks is None:
        if not is_loopback(host):
            part.refuse(
                "networks", "missing, so the world could connect; write the networks of your senders, for example "
                '["192.168.1.0/24"]'
            )  # fmt: skip
        networks = _THIS_MACHINE
    if not networks:
        part.refuse("networks", 'empty, so nobody could connect; write for example ["127.0.0.0/8"]')
    for net in networks:
        if part["proof"] == "network" and is_open(net):
            part.refuse(
                "networks",
                f'"{net}" holds strangers, and proof = "network" would let them all fax at your cost; '
                "write your own networks only (public ones up to /24, IPv6 up to /48)",
            )
    certificate, key = part.path("certificate"), part.path("key")
    if part["tls"] == "none":
        if certificate or key:
            part.refuse("tls", '"none" beside a certificate; write "starttls" or "implicit", or no certificate')
    else:
        for name, path in (("certificate", certificate), ("key", key)):
            if path is None:
                part.refuse(name, f'missing, and tls = "{part["tls"]}" needs it; write the path of a PEM file')
        try:
            # An empty password: an encrypted key is refused instead of asked for on a terminal.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(str(certificate), str(key), password="")
        except (ssl.SSLError, OSError):
            part.refuse(
                "certificate",
                "not a PEM certificate with its unencrypted key; write paths of two that belong together",
            )
    return Listener(
        name=part["name"],
        host=host,
        port=port,
        protocol=part["protocol"],
        tls=part["tls"],
        certificate=certificate,
        key=key,
        networks=networks,
        proof=part["proof"],
        device=part["device"],
    )


def _account(part: Part, top: Part, secrets: Mapping[str, str]) -> Account:
    variable = password_name(part["name"])
    password = secrets.get(variable, "")
    if not password:
        part.refuse("name", f"its password is missing; set {variable} in the environment or in .env")
    _require_outside(part, "deliver_to", part["deliver_to"], top["fax_domains"])
    if not is_loopback(urlsplit(part["base_url"]).hostname or ""):
        for key, least in _LEAST_OFF_LOOPBACK.items():
            if part[key] < least:
                part.refuse(
                    key,
                    f"{part[key]:g} is too short for a service that is not on this machine; write at least {least}",
                )
    return Account(**{**part.values, "password": password, "ca_file": _authorities(part)})


def _authorities(part: Part) -> Path | None:
    """The ``ca_file`` of a table: authorities to trust instead of the system's."""
    path = part.path("ca_file")
    if path:
        try:
            ssl.create_default_context(cafile=str(path))
        except (ssl.SSLError, OSError):
            part.refuse("ca_file", f'"{path}" holds no PEM certificate; write the path of one that does')
    return path


def _sender(part: Part, top: Part, accounts: Sequence[Account]) -> SenderRule:
    if not (part["from"] or part["network"] or part["login"]):
        part.refuse(
            "from",
            'missing beside network and login, so the rule would allow everybody; write for example ["@example.com"]',
        )
    if part["login"]:
        part.refuse("login", 'no listener has proof = "auth", so nobody could match; leave it out')
    for net in part["network"]:
        if not part["from"] and is_open(net):
            part.refuse(
                "network",
                f'"{net}" holds strangers, and the rule asks for nothing else; write your own networks, or add from',
            )
    names = [account.name for account in accounts]
    if part["account"] not in names:
        part.refuse("account", f'no [[account]] is called "{part["account"]}"; {nearest(part["account"], names)}')
    _require_outside(part, "notify", [part["notify"]], top["fax_domains"])
    rule = {key: value for key, value in part.values.items() if key != "from"}
    return SenderRule(senders=part["from"], **rule)


def _relay(part: Part, secrets: Mapping[str, str]) -> RelayConfig:
    if part["maildir"]:
        for key, value in part.values.items():
            if key != "maildir" and value != SECTIONS["relay"].keys[key].default:
                part.refuse(key, "stands beside maildir, where no server is spoken to; leave one of the two out")
        return RelayConfig(maildir=part.file.parent.absolute() / part["maildir"])
    if not part["address"]:
        part.refuse("address", 'missing; write for example "127.0.0.1:25", or maildir = "var/mail"')
    host, port = part["address"]
    if part["tls"] == "none" and not is_loopback(host):
        if part["username"]:
            part.refuse(
                "tls", '"none" would send the password in clear to another machine; write "starttls" or "implicit"'
            )
        if not part["cleartext"]:
            part.refuse(
                "tls",
                f'"none" would send faxes in clear to {host}; write "starttls" or "implicit", '
                "or say it twice with cleartext = true",
            )
    password = secrets.get("MAILFAX_RELAY_PASSWORD", "")
    if part["username"] and not password:
        part.refuse("username", "its password is missing; set MAILFAX_RELAY_PASSWORD in the environment or in .env")
    return RelayConfig(
        host=host,
        port=port,
        tls=part["tls"],
        username=part["username"],
        password=password,
        ca_file=_authorities(part),
        cleartext=part["cleartext"],
    )
