"""One listener of each kind, and how a client comes to its first MAIL there."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from mailfax.config import Limits, Listener
from tests.smtpd.conftest import LISTENERS, PASSWORDS, Line

LOGIN = "AUTH PLAIN " + base64.b64encode(f"\0alice\0{PASSWORDS['alice']}".encode()).decode()
#: Many mails a minute are what these tests are made of.
UNHURRIED = Limits(messages_per_minute=0)


@dataclass(frozen=True)
class Kind:
    """``hello``: what is said before MAIL, each line answered once."""

    listener: Listener
    hello: tuple[str, ...]


KINDS: Mapping[str, Kind] = {
    "relay": Kind(LISTENERS["relay"], ("EHLO client.example",)),
    "submission": Kind(LISTENERS["auth-implicit"], ("EHLO client.example", LOGIN)),
    "lmtp": Kind(LISTENERS["lmtp"], ("LHLO client.example",)),
    "device": Kind(LISTENERS["device"], ("EHLO client.example",)),
}
#: In clear, so that a client can end its side and hear the rest; what TLS carries is the same.
CLEAR: Mapping[str, Kind] = {name: kind for name, kind in KINDS.items() if kind.listener.tls == "none"} | {
    "copier with a login": Kind(LISTENERS["device-auth"], ("EHLO client.example", LOGIN)),
}


async def greet(line: Line, kind: Kind) -> None:
    await line.hear()
    assert (await line.ask(*kind.hello))[:1] == "2"
