"""What all sessions of one listener share."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any

from mailfax.config import Limits, Listener, Network
from mailfax.smtpd.crowd import Crowd
from mailfax.smtpd.handler import Handler, Pace


@dataclass(frozen=True, slots=True)
class Place:
    """One listener with what is behind it. ``tls`` is None where the listener has no certificate."""

    listener: Listener
    handler: Handler
    hostname: str
    limits: Limits
    pace: Pace
    tls: ssl.SSLContext | None
    crowd: Crowd

    @property
    def welcome(self) -> tuple[Network, ...]:
        """Who may connect. Load balancers are not in it: in their place stands the client they name."""
        return (*self.listener.networks, *self.listener.relays, *self.listener.xclient)


def plain_ip(peername: Any) -> str:
    """The address of a socket's other end: without a zone, and IPv4 also where a dual-stack socket maps it."""
    return str(peername[0]).partition("%")[0].removeprefix("::ffff:") if peername else ""
