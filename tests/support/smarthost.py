"""A smarthost for tests, which answers as it is told and remembers what it took."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

OK, REJECTED, LATER = "250 2.0.0 Ok", "550 5.7.1 rejected", "451 4.3.0 later"
#: No answer at all: the mail is not taken, or is.
CUT, LOST = "cut", "taken and cut"


class Smarthost:
    """``reply`` is its answer to each mail after ``seconds``; addresses in ``unknown`` it refuses.

    ``taken`` are the mails that it answered 250, or took without an answer (``LOST``).
    """

    def __init__(self) -> None:
        self.reply, self.seconds = OK, 0.0
        self.unknown: set[str] = set()
        self.taken: list[Envelope] = []

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: object
    ) -> str:
        if address in self.unknown:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(self.seconds)
        reply = self.reply
        if reply in (OK, LOST):
            self.taken.append(envelope)
        if reply in (CUT, LOST):
            assert server.transport is not None
            server.transport.abort()
        return reply


@contextmanager
def smarthost(port: int, made: Smarthost | None = None) -> Iterator[Smarthost]:
    """One that is up for as long as the block lasts."""
    made = made or Smarthost()
    controller = Controller(made, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield made
    finally:
        controller.stop()
