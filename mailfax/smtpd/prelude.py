"""What happens on a connection before SMTP is spoken: who is really there, and does TLS come first?

In: an accepted socket, from which nothing was read. Out: a ``Session`` on a transport, in clear or under TLS, that
knows the true address; or one reply, and the end. Exactly the PROXY header is taken from the socket: the handshake
or the commands behind it stay there, also when they came in the same packet.

Most listeners need none of this, and asyncio accepts for them; here every connection is one short task.

STANDARDS: PROXY protocol (``proxy_header``); RFC 8314 3.3 (implicit TLS).
LIMITS: ``Pace.prelude`` seconds for the header, as many for the first byte.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable

from mailfax import maillog
from mailfax.config import Listener
from mailfax.rules.policy import may_connect
from mailfax.rules.status import Cause, refusal
from mailfax.smtpd.conversation import Conversation
from mailfax.smtpd.place import Place, plain_ip
from mailfax.smtpd.proxy_header import V2_OCTETS, NoProxyHeader, read_proxy_header

log = logging.getLogger(__name__)

#: A client of a device listener that says nothing for so long waits for our greeting, as SMTP wants it. TLS clients
#: speak first, and at once.
DEVICE_SILENCE = 0.5
#: When no descriptor is left, accepting again at once would only fail again.
_ACCEPT_AGAIN = 1.0
_HANDSHAKE = 0x16


def needs_prelude(listener: Listener) -> bool:
    """Whether the first bytes on this listener decide how it goes on."""
    may_begin_with_tls = listener.device and listener.certificate is not None
    return listener.tls == "implicit" or may_begin_with_tls or bool(listener.proxies)


async def accept_all(place: Place, handler: socket.socket, begin: Callable[[], Conversation]) -> None:
    """Take connections from a listening socket until cancelled; each is received in a task of its own."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            client, _ = await loop.sock_accept(handler)
        except OSError as error:
            log.warning("a connection could not be accepted: %s", error.strerror or type(error).__name__)
            await asyncio.sleep(_ACCEPT_AGAIN)
            continue
        session = begin()
        session.receiving = loop.create_task(_receive(place, client, session))


async def _receive(place: Place, client: socket.socket, session: Conversation) -> None:
    """From the first byte to the greeting, which the session says itself."""
    loop, pace = asyncio.get_running_loop(), place.pace
    ip, theirs = "", False
    assert session.receiving is not None
    refused = place.crowd.enter(session, session.receiving)
    try:
        if refused is not None:
            return _answer(client, refused)
        ip = plain_ip(client.getpeername())
        if may_connect(place.listener.proxies, ip):
            # Without an address, the balancer looks whether we live; it never counts as a client.
            ip = await _true_ip(client, loop.time() + pace.prelude)
        refused = session.arrived(ip)
        if refused is not None:
            return _answer(client, refused, ip=ip)
        tls = await _tls_comes_first(place, client)
        if place.listener.tls == "implicit" and not tls:
            return _answer(client, Cause.TLS_EXPECTED, ip=ip)
        theirs = True  # the socket belongs to the transport, whatever comes of it
        await loop.connect_accepted_socket(
            lambda: session,
            client,
            ssl=place.tls if tls else None,
            ssl_handshake_timeout=pace.handshake if tls else None,
        )
    except NoProxyHeader as wrong:
        log.warning("listener %s: the load balancer at %s: %s", place.listener.name, ip, wrong)
        _answer(client, Cause.PROXY_HEADER, ip=ip)
    except OSError as error:  # ssl.SSLError, TimeoutError and a lost connection are all OSError
        if theirs:  # else the client left before it said what it should have said
            maillog.tls_failed(ip, type(error).__name__)
    finally:
        if not theirs:
            client.close()
        if not session.connected:
            place.crowd.leave(session)


async def _true_ip(client: socket.socket, until: float) -> str:
    """Take the PROXY header from the socket, and not a byte more. Raises ``NoProxyHeader``."""
    taken = b""
    while True:
        heard = await _peek(client, V2_OCTETS - len(taken), until)
        if heard is None:
            raise NoProxyHeader("it did not come in time")
        header = read_proxy_header(taken + heard)
        if header is not None:
            client.recv(header.octets - len(taken))
            return header.ip
        taken += client.recv(len(heard))  # all of it belongs to the header


async def _tls_comes_first(place: Place, client: socket.socket) -> bool:
    """Whether the client begins a handshake; silence is a client that waits for our greeting."""
    if place.tls is None or not (place.listener.tls == "implicit" or place.listener.device):
        return False
    patience = place.pace.prelude if place.listener.tls == "implicit" else DEVICE_SILENCE
    first = await _peek(client, 1, asyncio.get_running_loop().time() + patience)
    return first is not None and first[0] == _HANDSHAKE


async def _peek(client: socket.socket, octets: int, until: float) -> bytes | None:
    """What has come, left where it is; None when nothing came until then. Raises
    ``ConnectionError`` at the end."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(client, ready.set)
    try:
        async with asyncio.timeout_at(until):
            await ready.wait()
    except TimeoutError:
        return None
    finally:
        loop.remove_reader(client)
    heard = client.recv(octets, socket.MSG_PEEK)
    if not heard:
        raise ConnectionResetError
    return heard


def _answer(client: socket.socket, cause: Cause, *, ip: str = "") -> None:
    """One reply to a client that got no further. It fits into the empty buffer of a new socket."""
    maillog.refused(ip, cause)
    with contextlib.suppress(OSError):
        client.setblocking(False)
        client.send(refusal(cause).reply.encode("ascii") + b"\r\n")
        # Closing with bytes unread would reset the connection, and the reply would be lost on its way.
        client.shutdown(socket.SHUT_WR)
        client.recv(1 << 16)
    client.close()
