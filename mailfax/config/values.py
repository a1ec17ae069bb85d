"""What a person decided, as frozen values. ``mailfax.config.load`` makes them; everybody else only reads them.

Sizes are in bytes, times in seconds, paths absolute.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ConfigError(Exception):
    """The configuration can't be used. The text names file, key and reason, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One door. ``host`` and ``port`` come from ``address``; ``proof`` is what proves a sender here."""

    name: str
    host: str
    port: int
    protocol: str = "smtp"
    tls: str = "none"
    certificate: Path | None = None
    key: Path | None = None
    networks: tuple[Network, ...] = ()
    proof: str = "network"
    device: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """One FaxCore login: one fax number. ``reference`` is "end", "front" or "off": where our token stands."""

    name: str
    base_url: str
    username: str
    password: str
    deliver_to: tuple[str, ...] = ()
    poll_seconds: float = 60.0
    settle_seconds: float = 900.0
    #: How long FaxCore may take to answer a SendFax; ASP.NET allows itself 110 s. Leases are made from it.
    timeout_seconds: float = 180.0
    resend_when_absent: bool = True
    first_run: str = "baseline"
    reference: str = "end"
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class SenderRule:
    """Who may fax: every key given must match, any value of a key. ``senders`` is the key ``from``."""

    senders: tuple[str, ...] = ()
    network: tuple[Network, ...] = ()
    login: tuple[str, ...] = ()
    account: str = ""
    name: str = ""
    company: str = ""
    notify: str = ""
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class RelayConfig:
    """Where our mail goes: a smarthost (``host``, ``port``) or a Maildir root (``maildir``)."""

    host: str = ""
    port: int = 25
    tls: str = "none"
    username: str = ""
    password: str = ""
    ca_file: Path | None = None
    maildir: Path | None = None
    cleartext: bool = False  #: the second time that ``tls = "none"`` off loopback is said


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that keep one mail or one client from taking everything. Sizes in bytes, times in seconds."""

    message_bytes: int = 50_000_000
    recipients: int = 500
    connections: int = 200
    connections_per_client: int = 20
    pages: int = 200
    document_bytes: int = 20_000_000
    render_seconds: float = 120.0
    #: A job that could not be submitted by then fails ("expired").
    expire_seconds: float = 86_400.0
    #: A job in doubt, or submitted and silent, ends unconfirmed after this time.
    deadline_seconds: float = 86_400.0
    #: When a "still trying" letter is due, once.
    delay_seconds: float = 4 * 3600.0
    #: How long a letter is tried at the relay.
    letter_seconds: float = 5 * 86_400.0


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that a person decided."""

    source: Path
    hostname: str
    postmaster: str
    fax_domains: tuple[str, ...]
    default_country: str
    spool_url: str
    spool_path: Path
    listeners: tuple[Listener, ...]
    accounts: tuple[Account, ...]
    senders: tuple[SenderRule, ...]
    relay: RelayConfig
    limits: Limits
    success_notice: bool = True

    def account(self, name: str) -> Account | None:
        """The account of that name, or None where it was taken out of the configuration."""
        return next((account for account in self.accounts if account.name == name), None)
