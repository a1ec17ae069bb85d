"""The mails that bring a fax: whole and right, and never whole in memory."""

from __future__ import annotations

import email
import random
import tracemalloc
from email.policy import SMTP
from pathlib import Path

import pytest

from mailfax.letters import Arrival, Marks
from mailfax.onramp.bring import bring
from mailfax.rules.job import InboundFax
from mailfax.rules.states import InboundState
from mailfax.spool import Spool
from tests.offramp.pipeline import SITE

pytestmark = pytest.mark.anyio

MAILBOXES = ("a@example.com", "b@example.com")
FAX = InboundFax(
    "main", "208", InboundState.STORED, 1_790_000_000.0, 0.0, queue_id="CINB1", caller="15557654321", pages=2
)


async def test_a_large_fax_reaches_the_spool_in_blocks(tmp_path: Path) -> None:
    content = b"%PDF-1.4\n" + random.Random(7).randbytes(30_000_000)
    pages = tmp_path / "fax.pdf"
    pages.write_bytes(content)
    spool = await Spool.open("sqlite:///spool.db", tmp_path)
    numbers = iter(range(9))

    def marks() -> Marks:
        number = next(numbers)
        return Marks(f"L{number}", f"<{number}@fax.example.com>", 1_790_000_000.0)

    tracemalloc.start()
    owed = bring(SITE, FAX, Arrival("5557152222", 2), marks, [pages], to=MAILBOXES)
    await spool.outbox.owe(owed)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8_000_000, f"{most} bytes"
    for letter, mailbox in zip(owed, MAILBOXES, strict=True):
        kept = await spool.outbox.get(letter.letter_id)
        assert kept is not None and kept.recipients == (mailbox,)
        mail = email.message_from_bytes(kept.content, policy=SMTP)
        assert mail["To"] == mailbox
        (attached,) = mail.iter_attachments()
        assert attached.get_payload(decode=True) == content
    await spool.close()
