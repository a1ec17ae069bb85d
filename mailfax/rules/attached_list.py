"""The list of recipients that is attached to a mail for ``csv@…``: found, read, and left out of the fax.

In: the bytes of a mail, or a submission. Out: the content of its one CSV file, or ``NotAList``; the submission
without that file, which is named as left out.

LIMITS: a file within a forwarded mail or a ``winmail.dat`` is not looked for.
"""

from __future__ import annotations

from dataclasses import replace

from mailfax.rules.content import content_of
from mailfax.rules.forms import nodes_of
from mailfax.rules.part import NotFaxable, Submission
from mailfax.rules.recipient_list import NotAList
from mailfax.rules.tree import read_tree

#: The local part of its address.
MAILBOX = "csv"
#: Stands beside what is taken from a text (``Message.strip``) where the mail has such a list.
RECIPIENTS = "recipients"


def attached_list(raw: bytes) -> bytes:
    """The CSV file; raises ``NotAList`` where there is none, or more than one, or it can't be read."""
    try:
        nodes = [
            node
            for node in nodes_of(read_tree(raw))
            if _is_list(node.label, node.fields.filename) and not node.children
        ]
        if len(nodes) != 1:
            found = f"{len(nodes)} CSV files are" if nodes else "no CSV file is"
            raise NotAList(f"{found} attached, and it takes one.")
        (node,) = nodes
        return content_of(node.fields, raw[node.body : node.end], node.fields.filename or "the list", [])
    except NotFaxable as broken:
        raise NotAList(broken.status.sentence) from None


def without_list(submission: Submission) -> tuple[Submission, list[str]]:
    """What is faxed, and what was left out of it."""
    lists = [part for part in submission.parts if _is_list(part.label, part.name)]
    kept = tuple(part for part in submission.parts if part not in lists)
    return replace(submission, parts=kept), [f"{part.name}: it is the list of recipients" for part in lists]


def _is_list(label: str, filename: str) -> bool:
    return label == "text/csv" or filename.lower().endswith(".csv")
