"""A smarthost for tests, which answers as it is told and remembers what it took."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

OK, REJECTED, CUT = "250 2.0.0 Ok", "550 5.7.1 rejected", "cut"


class Smarthost:
    """``reply`` is its answer to each mail after ``seconds``, ``CUT`` for none; addresses in ``unknown`` it refuses.

    ``taken`` are the mails that it answered 250.
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
        if self.reply == CUT:
            assert server.transport is not None
            server.transport.abort()
        elif self.reply == OK:
            self.taken.append(envelope)
        return self.reply


@contextmanager
def smarthost(port: int) -> Iterator[Smarthost]:
    """One that is up for as long as the block lasts."""
    made = Smarthost()
    controller = Controller(made, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield made
    finally:
        controller.stop()
