"""What brings a received fax, one for each place: files, so that no fax is ever whole in memory.

In: the fax, what is told of it, its pages as files. Out: letters whose mails are files in the same folder, for as
long as that is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from mailfax import letters
from mailfax.config.targets import MAIL, kind_of
from mailfax.letters import Arrival, Marks, Site
from mailfax.rules.job import InboundFax, Letter


def bring(
    site: Site,
    fax: InboundFax,
    arrival: Arrival,
    marks: Callable[[], Marks],
    pages: Sequence[Path],
    *,
    to: Sequence[str],
) -> tuple[Letter, ...]:
    """One letter for each place, so that each has its own fate; ``pages``: a file for each form of ``arrival``.

    Blocking; raises OSError.
    """
    brought = []
    documents = _documents(arrival, pages) if any(kind_of(place) != MAIL for place in to) else ()
    for number, place in enumerate(to, 1):
        if kind_of(place) == MAIL:
            parcel = letters.inbound(site, fax, marks(), arrival, mailbox=place)
        else:
            parcel = letters.record(site, fax, marks(), arrival, to=place, documents=documents)
        path = pages[0].parent / f"mail-{number}"
        with path.open("wb") as mail:
            mail.write(parcel.pieces[0])
            for file, behind in zip(pages, parcel.pieces[1:], strict=True):
                with file.open("rb") as content:
                    while block := content.read(letters.BASE64_BLOCK):
                        mail.write(letters.base64_lines(block))
                mail.write(behind)
        brought.append(replace(parcel.letter, file=str(path)))
    return tuple(brought)


def _documents(arrival: Arrival, pages: Sequence[Path]) -> tuple[letters.Document, ...]:
    documents = []
    for form, path in zip(arrival.forms, pages, strict=True):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        documents.append(letters.Document(form, path.stat().st_size, digest))
    return tuple(documents)
