"""Each ``[[listener]]`` becomes a ``Listener``, or is refused where it would let in strangers or nobody.

In: the ``Part`` of one listener. Out: ``Listener``. Raises ``ConfigError``. Three things prove a sender: their
address (``network``), their login (``auth``), their domain (``dmarc``); most refusals follow from what each needs.

STANDARDS: RFC 8314 3 (no login in clear), RFC 8996 (TLS 1.0 and 1.1 are over), RFC 2033 5 (LMTP is not for port 25).
LIMITS: no login by LMTP: whoever logs in there is the mail server, which proves none of its senders.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from shlex import quote

from mailfax.config.places import THIS_MACHINE, is_loopback, is_open
from mailfax.config.tables import Part, nearest
from mailfax.config.users import User
from mailfax.config.values import ConfigError, Listener, Network

#: Whoever is in these tells us who the client is: key -> how a stranger there would lie.
_BELIEVED = {
    "proxies": "a PROXY header",
    "relays": "a Received line",
    "xclient": "an XCLIENT command",
}
OLD_TLS = ("1.0", "1.1")
_SMTP_PORT = 25


def read_listener(part: Part) -> Listener:
    """The listener of one table."""
    host, port = part["address"]
    networks = _networks(part, host)
    for key, applies, text in _NOT_TOGETHER:
        if applies(part):
            part.refuse(key, text)
    for key, lie in _BELIEVED.items():
        for net in part[key]:
            if is_open(net):
                part.refuse(
                    key,
                    f'"{net}" holds strangers, who could claim any address in {lie}; '
                    "write the addresses of your own servers",
                )
    _require_certificate(part)
    values = {key: value for key, value in part.values.items() if key != "address"}
    values |= {"networks": networks, "certificate": part.path("certificate"), "key": part.path("key")}
    return Listener(host=host, port=port, **values)


def _networks(part: Part, host: str) -> tuple[Network, ...]:
    """Who may connect at all; narrow where that is what proves a sender, or keeps a copier's password secret."""
    networks: tuple[Network, ...] | None = part["networks"]
    if networks is None:
        if part["device"]:
            part.refuse(
                "networks",
                "missing, and a listener for copiers takes named addresses only; "
                'write those of your copiers, for example ["192.168.1.50", "192.168.1.51"]',
            )
        if not is_loopback(host):
            part.refuse(
                "networks", "missing, so the world could connect; write the networks of your senders, for example "
                '["192.168.1.0/24"]'
            )  # fmt: skip
        return THIS_MACHINE
    if not networks and part["relays"]:
        part.refuse("networks", "empty, so nobody behind the relays could fax; write the networks of your senders")
    if not networks:
        part.refuse("networks", 'empty, so nobody could connect; write for example ["127.0.0.0/8"]')
    for net in filter(is_open, networks):
        if part["proof"] == "network":
            part.refuse(
                "networks",
                f'"{net}" holds strangers, and proof = "network" would let them all fax at your cost; '
                "write your own networks only (public ones up to /24, IPv6 up to /48)",
            )
        if part["device"]:
            part.refuse(
                "networks",
                f'"{net}" holds strangers, and a copier\'s password can be read on its way; '
                "write the addresses of your copiers",
            )
    return networks


#: (key that is named, whether a listener says both, the refusal). The first that applies is told.
_NOT_TOGETHER: tuple[tuple[str, Callable[[Part], bool], str], ...] = (
    (
        "device",
        lambda part: part["device"] and part["protocol"] == "lmtp",
        'true beside protocol = "lmtp", which no copier speaks; write protocol = "smtp", or device = false',
    ),
    (
        "proof",
        lambda part: part["device"] and part["proof"] == "dmarc",
        '"dmarc" on a listener for copiers, whose mail nobody signs; write "network" or "auth"',
    ),
    (
        "relays",
        lambda part: part["device"] and bool(part["relays"]),
        "on a listener for copiers, whose forgiving rules are not for other people's mail; "
        "let the mail server have a [[listener]] of its own",
    ),
    (
        "tls_minimum",
        lambda part: part["tls_minimum"] in OLD_TLS and not part["device"],
        'TLS this old can be broken (RFC 8996); write "1.2", or make a [[listener]] with device = true for copiers',
    ),
    (
        "tls_minimum",
        lambda part: part["tls_minimum"] != "1.2" and not part["certificate"],
        "there is no certificate, so no TLS is spoken; write certificate and key, or leave it out",
    ),
    (
        "tls",
        lambda part: part["tls"] == "none" and bool(part["certificate"] or part["key"]) and not part["device"],
        '"none" beside a certificate; write "starttls" or "implicit", or no certificate',
    ),
    (
        "tls",
        lambda part: part["protocol"] == "lmtp" and part["tls"] == "implicit",
        '"implicit" beside protocol = "lmtp", which has no port for it; write "starttls" or "none"',
    ),
    (
        "address",
        lambda part: part["protocol"] == "lmtp" and part["address"][1] == _SMTP_PORT,
        'port 25 is for SMTP, never for LMTP (RFC 2033 5); write another, for example "127.0.0.1:2424"',
    ),
    (
        "proof",
        lambda part: part["protocol"] == "lmtp" and part["proof"] == "auth",
        '"auth" beside protocol = "lmtp": a mail server would log in, and that proves none of its senders; '
        'write "network" or "dmarc", with the mail server in relays',
    ),
    (
        "relays",
        lambda part: part["proof"] == "auth" and bool(part["relays"]),
        'beside proof = "auth": a mail server would log in, and that proves none of its senders; '
        'write proof = "network" or "dmarc", or leave it out',
    ),
    (
        "tls",
        lambda part: part["proof"] == "auth" and part["tls"] == "none" and not part["device"],
        '"none" beside proof = "auth" would have passwords sent in clear; write "starttls" or "implicit"',
    ),
    (
        "authserv_id",
        lambda part: bool(part["authserv_id"]) and part["proof"] != "dmarc",
        'only counts with proof = "dmarc"; write that, or leave it out',
    ),
    (
        "authserv_id",
        lambda part: bool(part["authserv_id"]) and not part["relays"],
        "anybody can write Authentication-Results; name in relays whose are believed, "
        "or leave it out to have mail checked here",
    ),
)


def _require_certificate(part: Part) -> None:
    """A certificate and its key, wherever TLS is spoken."""
    if part["tls"] == "none" and not (part["certificate"] or part["key"]):
        return
    for name in ("certificate", "key"):
        if not part[name] and part["tls"] != "none":
            part.refuse(name, f'missing, and tls = "{part["tls"]}" needs it; write the path of a PEM file')
    require_pair(part)


def require_pair(part: Part) -> None:
    """The two belong together, and can be used."""
    for name in ("certificate", "key"):
        if not part[name]:
            part.refuse(name, "missing beside the other of certificate and key; write both, or neither")
    try:
        # An empty password: an encrypted key is refused instead of asked for on a terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            str(part.path("certificate")), str(part.path("key")), password=""
        )
    except (ssl.SSLError, OSError):
        part.refuse(
            "certificate",
            "not a PEM certificate with its unencrypted key; write paths of two that belong together",
        )


def require_users(parts: Sequence[Part], users: Sequence[User], file: Path) -> None:
    """Somebody can log in wherever a login is wanted, and every user somewhere; ``file`` is their password file."""
    wanting = {part["name"]: part for part in parts if part["proof"] == "auth"}
    for user in users:
        if user.listener and user.listener not in wanting:
            raise ConfigError(
                f'{file}: user "{user.name}" is bound to "{user.listener}", and no [[listener]] of that name has '
                f'proof = "auth"; {nearest(user.listener, wanting)} '
                f"(mailfax passwd {quote(user.name)} --listener NAME)"
            )
    for name, part in wanting.items():
        if not any(may_log_in(user, name, device=part["device"]) for user in users):
            bound = f" --listener {quote(name)}" if part["device"] else ""
            part.refuse("proof", f'"auth", and {file} has no user for it; run: mailfax passwd NAME{bound}')


def may_log_in(user: User, listener: str, *, device: bool) -> bool:
    """Whether a user's password is good there. A copier's travels in clear, so it is good on its listener alone."""
    return user.listener == listener or (not user.listener and not device)
