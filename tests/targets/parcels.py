"""A received fax as the outbox keeps it for a folder or a webhook."""

from __future__ import annotations

import hashlib

from mailfax import letters
from mailfax.letters import Arrival, base64_lines
from mailfax.targets.parcel import Parcel, opened
from tests.letters import samples

FORMS = (letters.PDF, letters.TIFF)


def content(*files: bytes, to: str = "folder:/srv/fax") -> bytes:
    """The mail; the first file is a PDF, the second a TIFF."""
    arrival = Arrival("5557152222", 3, caller_name="Müller", route="route 2")
    documents = [
        letters.Document(form, len(file), hashlib.sha256(file).hexdigest())
        for form, file in zip(FORMS, files, strict=False)
    ]
    record = letters.record(samples.SITE, samples.a_fax(), samples.MARKS, arrival, to=to, documents=documents)
    mail = record.pieces[0]
    for file, behind in zip(files, record.pieces[1:], strict=True):
        mail += base64_lines(file) + behind
    return mail


def parcel(*files: bytes) -> Parcel:
    return opened(content(*(files or (b"%PDF-1.7",))))
