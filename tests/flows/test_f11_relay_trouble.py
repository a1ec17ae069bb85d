"""A relay that refuses everything for a while: nothing is lost, and nothing ends on its word."""

from __future__ import annotations

import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from house import House, free_port, until

POSTMASTER = "postmaster@example.com"


class Refusing:
    """A smarthost that refuses every mail while ``refuses``, and always the addresses in ``unknown``."""

    def __init__(self) -> None:
        self.refuses, self.unknown = True, {"gone@example.com"}
        self.taken: list[Envelope] = []

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: object
    ) -> str:
        if address in self.unknown:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refuses:
            return "550 5.7.1 rejected"
        self.taken.append(envelope)
        return "250 2.0.0 Ok"


def test_550_to_everything_for_25_seconds_loses_nothing(house: House) -> None:
    port, sink = free_port(), Refusing()
    house.settings["relay"] = f'address = "127.0.0.1:{port}"'
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        house.start()
        for sender in range(5):
            house.send("15555550100", sender=f"user{sender}@example.com")
        house.send("15555550100", sender="gone@example.com")
        house.drop_in(page())
        until(lambda: "relay-paused" in house.log(), "the trouble to be seen", house.log)
        time.sleep(25)
        assert "letter-undeliverable" not in house.log()
        sink.refuses = False
        people = {f"user{sender}@example.com" for sender in range(5)} | {"office@example.com", POSTMASTER}
        until(lambda: {to for mail in sink.taken for to in mail.rcpt_tos} == people, "all to be told", house.log)
    finally:
        controller.stop()
    [told] = [mail.content for mail in sink.taken if mail.rcpt_tos == [POSTMASTER]]
    assert b"takes our mail again" in told
    assert house.rows("SELECT state FROM letter WHERE recipients LIKE '%gone%'") == [("waiting",)]


def page() -> bytes:
    """A received fax of one page."""
    import io

    import pikepdf

    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(612, 792))
    file = io.BytesIO()
    pdf.save(file)
    return file.getvalue()
