"""AUTH PLAIN and AUTH LOGIN: a client says who it is, and the password file decides.

In: the argument of AUTH, and the responses to our challenges. Out: the user's registered name in ``Client.login``, or
a refusal. Whether the user or the password was wrong is never told, neither by words nor by time; whoever fails often
waits. Passwords reach nothing but ``Handler.authenticate``: no log, no reply, no exception text.

STANDARDS: RFC 4954 (AUTH), RFC 4616 (PLAIN), the widely used LOGIN (draft-murchison-sasl-login), whose challenges
copiers compare letter by letter.
LIMITS: no other mechanism; nobody logs in on behalf of another (authorization identities).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from dataclasses import replace

from mailfax.config.users import fold
from mailfax.rules.status import Cause
from mailfax.smtpd.conversation import Conversation
from mailfax.smtpd.wire import AUTH_OCTETS, LineTooLong, TlsTooSoon

log = logging.getLogger(__name__)
MECHANISMS = ("PLAIN", "LOGIN")
#: Failed logins that one connection may have.
_FAILURES = 3
_USERNAME, _PASSWORD = "VXNlcm5hbWU6", "UGFzc3dvcmQ6"


class _Unanswered(Exception):
    """No response that can be used; ``cause`` (with ``facts``) is what the client hears, None where it is gone."""

    def __init__(self, cause: Cause | None, **facts: object) -> None:
        super().__init__(cause.name if cause else "gone")
        self.cause, self.facts = cause, facts


async def log_in(talk: Conversation, argument: str) -> None:
    """Obey ``AUTH argument``; that it may be said now is known."""
    mechanism, _, initial = argument.partition(" ")
    if not mechanism:
        return talk.refuse(Cause.COMMAND_SYNTAX, syntax="AUTH mechanism [response]")
    if mechanism.upper() not in MECHANISMS:
        return talk.refuse(Cause.AUTH_MECHANISM)
    try:
        if mechanism.upper() == "PLAIN":
            who, user, password = _identities(await _response(talk, initial, ""))
        else:
            who, user = "", await _response(talk, initial, _USERNAME)
            password = await _response(talk, "", _PASSWORD)
    except _Unanswered as problem:
        if problem.cause is not None:
            talk.refuse(problem.cause, **problem.facts)
        return
    await _check(talk, who, user, password)


async def _check(talk: Conversation, who: str, user: str, password: str) -> None:
    crowd, ip = talk.place.crowd, talk.client.ip
    delay = crowd.login_delay(ip)
    talk.patience(talk.place.pace.command + delay)
    if delay:
        await asyncio.sleep(delay)
    try:
        name = await talk.place.handler.authenticate(user, password, talk.client.listener)
    except Exception:
        log.exception("a password can't be checked")
        return talk.refuse(Cause.AUTH_NOT_NOW)
    if name is not None and (not who or fold(who) == fold(user)):
        talk.client = replace(talk.client, login=name)
        return talk.say("235 2.7.0 Authentication successful")
    crowd.login_failed(ip)
    talk.failed_logins += 1
    talk.refuse(Cause.AUTH_FAILED)
    if talk.failed_logins >= _FAILURES:
        talk.last_word(Cause.AUTH_TOO_MANY)


async def _response(talk: Conversation, initial: str, challenge: str) -> str:
    """The client's response: the one it sent with the command ("=" is an empty one), or one to ``challenge``."""
    if initial:
        return _decoded(b"" if initial == "=" else initial.encode("utf-8", "surrogateescape"))
    talk.say(f"334 {challenge}")
    talk.waiting = True
    try:
        line = await talk.wire.line(AUTH_OCTETS)
    except LineTooLong:
        raise _Unanswered(Cause.COMMAND_LONG) from None
    except TlsTooSoon:
        talk.last_word(Cause.TLS_TOO_SOON)
        raise _Unanswered(None) from None
    finally:
        talk.waiting = False
    if line is None or talk.over:
        raise _Unanswered(None)
    talk.patience(talk.place.pace.command)
    if not line.endswith(b"\r"):
        raise _Unanswered(Cause.AUTH_SYNTAX, why="every line ends in CRLF")
    if line == b"*\r":
        raise _Unanswered(Cause.AUTH_CANCELLED)
    return _decoded(line[:-1].strip(b" "))


def _decoded(line: bytes) -> str:
    try:
        octets = base64.b64decode(line, validate=True)
    except binascii.Error:
        raise _Unanswered(Cause.AUTH_SYNTAX, why="it is not base64") from None
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")  # copiers know no UTF-8


def _identities(message: str) -> tuple[str, str, str]:
    """(whose rights, user name, password) of RFC 4616 2."""
    parts = message.split("\0")
    if len(parts) != 3:
        raise _Unanswered(Cause.AUTH_SYNTAX, why="it is not identity NUL user NUL password")
    return parts[0], parts[1], parts[2]
