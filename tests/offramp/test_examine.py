"""What a cell sees of a mail within a second is answered while its client listens; ordinary mails meet no cell."""

from __future__ import annotations

from typing import BinaryIO

import pytest

from mailfax.rules.job import Status
from mailfax.rules.status import Cause, Refusal, status
from mailfax.spool import Spool
from tests.offramp.pipeline import SITE, Clock
from tests.offramp.test_accept import Handler, clock, spool  # noqa: F401 - fixtures
from tests.render.paper import mail

pytestmark = pytest.mark.anyio

NUMBER = "15551230001"
ZIP = mail("See.", ("Übersicht.zip", "application/zip", b"PK\x03\x04"))


class Cell:
    """Examines as it is told to, and counts."""

    def __init__(self, why: Status | None) -> None:
        self.why, self.seen = why, []  # type: ignore[var-annotated]

    async def __call__(self, file: BinaryIO) -> Status | None:
        file.seek(0)
        self.seen.append(file.read())
        return self.why


def handler(spool: Spool, clock: Clock, cell: Cell) -> Handler:  # noqa: F811
    made = Handler(spool, clock)
    made.accept._examine = cell
    return made


async def test_a_mail_that_cannot_be_faxed_is_refused_with_its_sentence(spool: Spool, clock: Clock) -> None:  # noqa: F811
    cell = Cell(status(Cause.UNSUPPORTED, name="Übersicht.zip", why="it is an archive"))
    at = handler(spool, clock, cell)
    told = await at.mail(NUMBER, mail=ZIP)
    assert isinstance(told, Refusal)
    assert told.reply == '554 5.6.1 "?bersicht.zip" can\'t be faxed: it is an archive'
    assert cell.seen == [b"Received: from here; now\r\n" + ZIP]
    assert await at.faxes() == []


async def test_where_the_cell_knows_nothing_the_mail_is_taken(spool: Spool, clock: Clock) -> None:  # noqa: F811
    at = handler(spool, clock, Cell(None))
    await at.queued(NUMBER, mail=ZIP)
    assert await at.faxes() == [NUMBER]


async def test_an_ordinary_mail_and_one_for_the_postmaster_are_not_examined(
    spool: Spool,  # noqa: F811
    clock: Clock,  # noqa: F811
) -> None:
    cell = Cell(status(Cause.NOTHING_TO_FAX))
    at = handler(spool, clock, cell)
    await at.queued(NUMBER)
    await at.queued(NUMBER, mail=mail("See.", ("offer.pdf", "application/pdf", b"%PDF-1.7")))
    await at.queued(NUMBER, mail=ZIP, postmaster=True)
    assert cell.seen == [] and SITE.postmaster
