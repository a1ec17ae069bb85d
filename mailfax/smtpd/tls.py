"""TLS in SMTP: what a listener offers, and the change to it within a conversation.

In: a listener's certificate and its oldest version; a conversation in clear. Out: an ``SSLContext``; the same
conversation under TLS, that knows nothing of what was said before.

STANDARDS: RFC 3207 (STARTTLS), RFC 8996 (TLS 1.0 and 1.1 are off unless a listener for copiers asks for them).
"""

from __future__ import annotations

import ssl
import warnings
from dataclasses import replace

from mailfax import maillog
from mailfax.config import ConfigError, Listener
from mailfax.smtpd.conversation import Conversation

_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
#: Whether anything is heard of TLS 1.0 and 1.1 is decided by OpenSSL's security level, too: from level 1 on they are
#: off, and so are the short keys and SHA-1 of old copiers (SSL_CTX_set_security_level(3)). Nothing without
#: authentication or encryption is ever on.
_OLD_CIPHERS = "DEFAULT:!aNULL:!eNULL:@SECLEVEL=0"


def tls_context(listener: Listener) -> ssl.SSLContext | None:
    """TLS from the listener's ``tls_minimum`` on, with its certificate; None where it has none and needs none.

    Each listener has a context of its own: what is lowered for old copiers is lowered for them alone.
    """
    if listener.certificate is None:
        if listener.tls == "none":
            return None
        raise ConfigError(f'listener "{listener.name}": tls = "{listener.tls}" needs certificate and key')
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    minimum = _VERSIONS[listener.tls_minimum]
    if minimum < ssl.TLSVersion.TLSv1_2:
        context.set_ciphers(_OLD_CIPHERS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that 1.0 and 1.1 are old is known
        context.minimum_version = minimum
    try:
        context.load_cert_chain(listener.certificate, listener.key)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(
            f'listener "{listener.name}": certificate or key can\'t be used: {error.strerror or error}'
        ) from error
    return context


async def change_to_tls(talk: Conversation, context: ssl.SSLContext) -> None:
    """STARTTLS (RFC 3207 4): nothing that was heard in clear is kept, neither bytes nor what was said."""
    await talk.wire.flush()
    raw = talk.transport
    if raw is None:
        raise ConnectionResetError
    # No byte may come between the discarding and the handshake, so reading stops before we invite.
    raw.pause_reading()
    talk.wire.discard()
    talk.say("220 2.0.0 Ready to start TLS")
    talk.wire.flush_now()
    talk.shaking_hands = True
    handshake = talk.place.pace.handshake
    talk.patience(handshake + 1)
    try:
        encrypted = await talk.loop.start_tls(raw, talk, context, server_side=True, ssl_handshake_timeout=handshake)
    except OSError as error:  # ssl.SSLError, TimeoutError and a lost connection are all OSError
        maillog.tls_failed(talk.client.ip, type(error).__name__)
        talk.over = True
        encrypted = raw
    finally:
        talk.shaking_hands = False
    assert encrypted is not None
    if talk.over:
        # Of a connection that ends within the handshake, the loop does not tell us.
        encrypted.abort()
        talk.transport = None
        return talk.answers.ended(None)
    talk.transport = encrypted
    talk.wire.attach(encrypted)
    talk.client = replace(talk.client, tls=True, helo="")
