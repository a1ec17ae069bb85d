"""What the outbox keeps for a folder, a webhook or a printer, taken apart: facts and documents.

In: a mail as ``letters.record`` writes it. Out: ``Parcel``.
"""

from __future__ import annotations

import email
import email.policy
import json
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any


@dataclass(frozen=True, slots=True)
class File:
    """A document: its name, which is ours and safe in every file system, its media type, its bytes."""

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Parcel:
    """One received fax, or the outcome of one that was sent, without files. ``facts`` is what stands in the JSON:
    ``docs/reference/received.md``, ``docs/reference/api.md``."""

    queue_id: str
    facts: dict[str, Any]
    files: tuple[File, ...]
    #: What tells one handing over from another of the same fax, which somebody wanted once more; no "@" stands in it.
    token: str

    @property
    def name(self) -> str:
        """What its files are called, without the end."""
        return self.files[0].name.rpartition(".")[0]


def opened(content: bytes) -> Parcel:
    """Raises ValueError where it is no such mail."""
    mail = email.message_from_bytes(content, EmailMessage, policy=email.policy.default)
    facts, *documents = mail.iter_parts() if mail.is_multipart() else (mail,)
    told: dict[str, Any] = json.loads(facts.get_content())
    files = tuple(File(str(part.get_filename()), part.get_content_type(), part.get_content()) for part in documents)
    ours = all("/" not in file.name and not file.name.startswith(".") for file in files)
    if len(files) != len(told.get("documents", ())) or not ours:
        raise ValueError("other documents than it says, or with names that are not ours")
    token = str(mail["Message-ID"]).strip("<>").partition("@")[0]
    return Parcel(str(told["queue_id"]), told, files, token)
