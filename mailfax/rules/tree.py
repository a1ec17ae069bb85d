"""The tree of a mail's parts, and which octets of the source each of them is.

In: the octets of a mail. Out: its outermost ``Node``. One pass over the lines that begin with ``--``; the innermost
boundary that is still open wins, so that a boundary that is used twice, or is the beginning of another, or is never
closed, gives the tree that its writer meant. A part behind the closing boundary is a part.

STANDARDS: RFC 2046 5.1 (multipart), 5.1.5 (digest), 5.2.1 (message/rfc822).
LIMITS: ``MAX_DEPTH`` containers within each other, ``MAX_PARTS`` parts.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field

from mailfax.rules.fields import Fields, read_fields
from mailfax.rules.part import NotFaxable
from mailfax.rules.status import Cause, status

#: Mail programs nest five deep; what is deeper was made to hurt.
MAX_DEPTH = 30
#: A copier that sends one file per page sends hundreds; a fax has far fewer.
MAX_PARTS = 1000
#: A boundary has at most 70 octets (RFC 2046 5.1.1); what programs write is never longer than a line.
LONGEST_LINE = 1000
MAILS = frozenset(["message/rfc822", "message/global", "message/rfc2822", "message/news"])
_HEADED = re.compile(rb"(?<![^\n])--(\S[^\r\n]*)\r*\n(?=Content-[A-Za-z-]+[ \t]*:)", re.IGNORECASE)
#: What programs write before the first part for readers that know no MIME, in any language.
CUSTOMARY = re.compile(rb"mime|multi-?\s?part|mehrteilig|multipartie|varias partes", re.IGNORECASE)
_BLANKS = re.compile(rb"\s*")
#: A heading, and no base64.
_CLEAR = re.compile(rb"\s*[A-Za-z][A-Za-z-]*:[ \t]")
_ENCODED = (b"base64", b"quoted-printable", b"x-uuencode", b"uuencode", b"x-uue")


@dataclass(slots=True, eq=False)
class Node:
    """A mail or a part: its heading is ``raw[start:body]``, its body ``raw[body:end]``.

    ``asides`` are the octets of a container that are in none of its parts: before, between and behind them.
    ``delimiters`` are its boundary lines with the line end in front of them.
    """

    start: int
    body: int
    end: int
    fields: Fields
    label: str
    children: list[Node] = field(default_factory=list)
    asides: list[tuple[int, int]] = field(default_factory=list)
    delimiters: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Open:
    """A container whose parts are being read. ``begun`` is where what is being read now began."""

    node: Node
    boundary: bytes
    closed: bool = False
    aside: int = -1


def read_tree(raw: bytes) -> Node:
    """The tree of a whole mail; raises ``NotFaxable`` where it is deeper or wider than any that was meant well."""
    return _Scan(raw).tree()


class _Scan:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._stack: list[_Open] = []
        self._chain: list[Node] = []  # the nodes that are open, each within the one before
        self._count = 0
        self._done = 0  # up to here it is settled what the octets are

    def tree(self) -> Node:
        raw = self._raw
        root = self._opened(0, "text/plain", of_mail=True)
        at = 0 if raw.startswith(b"--") else raw.find(b"\n--") + 1 or -1
        while at >= 0:
            stop = raw.find(b"\n", at) + 1 or len(raw)
            if at >= self._done and stop - at <= LONGEST_LINE:
                self._line(at, stop)
            at = raw.find(b"\n--", stop - 1) + 1 or -1
        self._close(0, len(raw))
        while self._chain:
            self._end(self._chain[-1], len(raw))
        return root

    def _line(self, at: int, stop: int) -> None:
        """A line that begins with two hyphens: a boundary of one of the open containers, or text."""
        token = self._raw[at + 2 : stop].rstrip()
        level, closing = self._level(token)
        if level < 0:
            level = self._damaged(at, token)
            if level < 0:
                return
        here = self._stack[level]
        before = self._before(at)
        self._close(level + 1, before)
        if here.aside >= 0:
            here.node.asides.append((here.aside, before))
            here.aside = -1
        else:
            self._end(here.node.children[-1], before)
        here.node.delimiters.append((before, stop))
        self._done = stop
        here.closed = closing
        if closing:
            here.aside = stop
        else:
            kind = "message/rfc822" if here.node.label == "multipart/digest" else "text/plain"
            here.node.children.append(self._opened(stop, kind, of_mail=False))

    def _level(self, token: bytes) -> tuple[int, bool]:
        """Which open container a boundary line belongs to, the innermost first, those that are closed last."""
        for closed in (False, True):
            for level in range(len(self._stack) - 1, -1, -1):
                here = self._stack[level]
                if here.closed == closed and token in (here.boundary, here.boundary + b"--"):
                    return level, token != here.boundary
        return -1, False

    def _damaged(self, at: int, token: bytes) -> int:
        """A line that was a boundary before somebody damaged it: almost the same, and a heading follows."""
        if not self._stack or not _HEADED.match(self._raw, at):
            return -1
        for level in range(len(self._stack) - 1, -1, -1):
            known = self._stack[level].boundary
            alike = token.lower() == known.lower() or token.startswith(known) or known.startswith(token)
            if alike or difflib.SequenceMatcher(None, token, known).ratio() >= 0.8:
                return level
        return -1

    def _before(self, at: int) -> int:
        """The line end in front of a boundary belongs to it (RFC 2046 5.1.1), unless it ends the heading before."""
        ends = 2 if self._raw[at - 2 : at] == b"\r\n" else 1 if self._raw[at - 1 : at] == b"\n" else 0
        return max(at - ends, self._done)

    def _opened(self, start: int, kind: str, of_mail: bool) -> Node:
        """Read a heading, and those of the mails right below it."""
        self._count += 1
        if self._count > MAX_PARTS:
            raise NotFaxable(status(Cause.UNREADABLE_MAIL, why=f"it has more than {MAX_PARTS} parts"))
        fields, body = read_fields(self._raw, start, len(self._raw), of_mail)
        node = Node(start, body, body, fields, fields.label or kind)
        self._done = body
        self._chain.append(node)
        if len(self._chain) > MAX_DEPTH + 1:
            raise NotFaxable(status(Cause.UNREADABLE_MAIL, why="its parts are nested too deeply"))
        if boundary := self._boundary(node, kind):
            node.label = node.label if node.label.startswith("multipart/") else "multipart/mixed"
            self._stack.append(_Open(node, boundary, aside=body))
        elif node.label in MAILS and not is_encoded(fields, self._raw[body : body + 1000]):
            node.children.append(self._opened(body, "text/plain", of_mail=True))
        return node

    def _boundary(self, node: Node, kind: str) -> bytes:
        """The boundary of a container's parts; of the parts that are there, where none or a wrong one is told."""
        told = node.fields.boundary
        if told and re.compile(rb"(?<![^\n])--" + re.escape(told) + rb"(?:--)?[ \t\r]*(?:\n|\Z)").search(
            self._raw, node.body
        ):
            return told
        container = node.label.startswith("multipart/")
        if not container and (node.fields.label or kind != "text/plain"):
            return b""
        first = _BLANKS.match(self._raw, node.body)
        found = _HEADED.match(self._raw, first.end()) if first else None
        if not found and container:
            found = _HEADED.search(self._raw, node.body)
        elif not found and CUSTOMARY.search(self._raw, node.body, node.body + 1000):
            found = _HEADED.search(self._raw, node.body, node.body + 2000)
        guessed = found[1].rstrip() if found else b""
        return b"" if any(guessed in (here.boundary, here.boundary + b"--") for here in self._stack) else guessed

    def _close(self, level: int, end: int) -> None:
        """End every container from ``level`` on."""
        while len(self._stack) > level:
            here = self._stack.pop()
            if here.aside >= 0:
                here.node.asides.append((here.aside, end))
            else:
                self._end(here.node.children[-1], end)
            self._end(here.node, end)

    def _end(self, node: Node, end: int) -> None:
        """``node`` and all that is open within it ends here."""
        while node in self._chain:
            self._chain.pop().end = end


def is_encoded(fields: Fields, start: bytes) -> bool:
    """Whether a coding is claimed, and used, under which the octets of a mail can't be seen."""
    coding = fields.coding.strip(b" \t\r\n\"'").lower()
    return coding.startswith(_ENCODED) and not (coding.startswith(b"base64") and _CLEAR.match(start))
