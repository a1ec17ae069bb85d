"""A mail becomes a submission: its subject, its body, its parts in MIME order, and what is left out.

In: the bytes of a mail. Out: ``Submission``, or ``NotFaxable`` with the sentence for its sender. One rule for every
MIME container; ``docs/reference/submission.md`` is the table of them. Nothing is dropped without its name in
``skipped``. What a part *is* (a PDF, a picture, ...) is decided later, by its content.

STANDARDS: RFC 5322, RFC 2045-2047, 2231 (names), 2387 (related), 2392 (cid), 3676 (flowed text), 1847 (signed).
LIMITS: ``MAX_DEPTH`` containers within each other, ``MAX_PARTS`` parts; the parser's own recursion ends deeper trees.
"""

from __future__ import annotations

import email
import email.message
import email.policy
import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from email.errors import InvalidBase64LengthDefect
from urllib.parse import unquote

from mailfax.rules.heading import one_line, read_heading
from mailfax.rules.job import Status
from mailfax.rules.pictures import behind_text_in, drawn_in
from mailfax.rules.status import Cause, status

#: Mail clients nest five deep; what is deeper was made to hurt.
MAX_DEPTH = 30
#: A copier that sends one file per page sends hundreds; a fax has far fewer.
MAX_PARTS = 1000

Mail = email.message.Message

#: Parts that never are pages, and what they are called in ``skipped``.
NEVER_PAGES = {
    "text/calendar": "a calendar entry",
    "application/ics": "a calendar entry",
    "text/vcard": "a visiting card (vCard)",
    "text/x-vcard": "a visiting card (vCard)",
    "text/directory": "a visiting card (vCard)",
    "application/pgp-signature": "an electronic signature",
    "application/pgp-keys": "a key",
    "application/pkcs7-signature": "an electronic signature",
    "application/x-pkcs7-signature": "an electronic signature",
}
#: S/MIME content that must be opened with a key, or with a parser for signed envelopes that we do not have.
SMIME = ("application/pkcs7-mime", "application/x-pkcs7-mime")
#: First bytes of the pictures that are drawn inside HTML: JPEG, PNG, GIF.
DRAWN_INLINE = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")


class NotFaxable(Exception):
    """The mail can't become a fax. ``status`` says why, and what to do."""

    def __init__(self, why: Status) -> None:
        super().__init__(why.sentence)
        self.status = why


@dataclass(frozen=True, slots=True)
class Part:
    """A file in the mail. ``name`` is for people and never empty; ``label`` is the type the mail claims, lower case.

    ``text`` is the content as text, decoded by the charset the mail claims, where it claims to be text.
    """

    name: str
    label: str
    content: bytes
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """A mail as understood. ``body_text`` is "" where only HTML was sent, ``body_html`` is "" where only text was.

    ``images`` are the pictures that belong to HTML in the mail, by Content-ID; they are not pages.
    """

    subject: str = ""
    from_text: str = ""
    message_id: str = ""
    body_text: str = ""
    body_html: str = ""
    images: dict[str, Part] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    skipped: tuple[str, ...] = ()


def understand(raw: bytes) -> Submission:
    """Read a mail; raises ``NotFaxable``."""
    try:
        # compat32: the modern policy raises on headers seen in the wild.
        mail = email.message_from_bytes(raw, policy=email.policy.compat32)
        return _Reading().read(mail, raw)
    except RecursionError:
        raise NotFaxable(status(Cause.UNREADABLE_MAIL, why="its parts are nested too deeply")) from None


@dataclass(slots=True)
class _Piece:
    """A piece of the body: as text, as HTML, or as both (multipart/alternative)."""

    text: str | None = None
    html: str | None = None


class _Reading:
    """One walk through one MIME tree, in MIME order."""

    def __init__(self) -> None:
        self._body: list[_Piece] = []
        self._found: list[tuple[str, Part]] = []  # (Content-ID or "", part)
        self._skipped: list[str] = []
        self._count = 0

    def read(self, mail: Mail, raw: bytes) -> Submission:
        self._walk(mail, 0)
        heading = read_heading(re.split(rb"\r?\n\r?\n", raw[:200_000], maxsplit=1)[0])
        body_html = _joined_html(self._body)
        drawn = [body_html, *(part.text or "" for _, part in self._found if part.label == "text/html")]
        shown = drawn_in("\n".join(drawn)) | behind_text_in("\n".join(drawn))
        images: dict[str, Part] = {}
        parts: list[Part] = []
        for cid, part in self._found:
            # A second one of the same Content-ID, or a file of another kind, would not be drawn there: a page.
            if cid in shown and cid not in images and part.content.startswith(DRAWN_INLINE):
                images[cid] = part
            else:
                parts.append(part)
        return Submission(
            subject=heading.subject,
            from_text=_header(mail, "from"),
            message_id=heading.message_id,
            body_text=_joined_text(self._body),
            body_html=body_html,
            images=images,
            parts=tuple(parts),
            skipped=tuple(self._skipped),
        )

    def _walk(self, mail: Mail, depth: int, in_alternative: bool = False) -> None:
        self._count += 1
        if depth > MAX_DEPTH:
            raise NotFaxable(status(Cause.UNREADABLE_MAIL, why="its parts are nested too deeply"))
        if self._count > MAX_PARTS:
            raise NotFaxable(status(Cause.UNREADABLE_MAIL, why=f"it has more than {MAX_PARTS} parts"))
        _mend(mail)
        label = mail.get_content_type()
        rule = CONTAINERS.get(label)
        if rule is not None:
            rule(self, mail, depth)
        elif label.startswith("message/") and mail.is_multipart():
            self._each(mail, depth)  # delivery reports: text in several blocks
        elif mail.is_multipart():
            self._each(mail, depth)  # an unknown container is read as mixed (RFC 2046 5.1.7)
        elif label.startswith("multipart/"):
            raise NotFaxable(status(Cause.UNREADABLE_MAIL, why="a boundary between its parts is missing"))
        else:
            self._leaf(mail, label, in_alternative)

    def _each(self, mail: Mail, depth: int) -> None:
        for child in _children(mail):
            self._walk(child, depth + 1)

    def _alternative(self, mail: Mail, depth: int) -> None:
        """One body: the richest that can be drawn, which stands last; plain text says the same in short.

        Files among the forms, or inside a form that is not chosen, are no form of the text: they stay parts.
        """
        children = _children(mail)
        for child in children:
            _mend(child)
        drawable = [child for child in children if child.get_content_type() not in NEVER_PAGES]
        self._skipped += [
            f"{_name(child, child.get_content_type())}: {NEVER_PAGES[child.get_content_type()]}"
            for child in children
            if child not in drawable
        ]
        known = [child for child in drawable if _is_body(child) or child.is_multipart()]
        chosen = (known or drawable)[-1:]
        plain = [child for child in known if child.get_content_type() == "text/plain"]
        added: list[_Piece] = []
        for child in drawable:
            before = len(self._body)
            if child in chosen:
                self._walk(child, depth + 1, in_alternative=True)
                added = self._body[before:]
            elif not _is_form_of_text(child):
                self._walk(child, depth + 1)
                del self._body[before:]
        # The short form stands for the whole of the long one only where that is one piece.
        if plain and plain[-1:] != chosen and len(added) == 1 and added[0].text is None:
            added[0].text = _text(plain[-1])

    def _signed(self, mail: Mail, depth: int) -> None:
        """The content is the first part, the rest are signatures over it (RFC 1847 2.1)."""
        children = _children(mail)
        for child in children[:1]:
            self._walk(child, depth + 1)
        for child in children[1:]:
            _mend(child)
            self._skipped.append(f"{_name(child, child.get_content_type())}: an electronic signature")

    def _encrypted(self, mail: Mail, depth: int) -> None:
        children = _children(mail)
        names = [_name(child, "") for child in children]
        raise NotFaxable(status(Cause.ENCRYPTED, name=next(filter(None, reversed(names)), "The mail")))

    def _mail(self, mail: Mail, depth: int) -> None:
        """A forwarded mail: a page with its heading and text, then its own parts."""
        for child in _children(mail):
            _mend(child)
            inner = _Reading()
            inner._count = self._count
            inner._walk(child, depth + 1)
            self._count = inner._count
            self._found += inner._as_parts(child)
            self._skipped += inner._skipped

    def _as_parts(self, mail: Mail) -> list[tuple[str, Part]]:
        """What was read, as the parts of the mail around it."""
        rows = [(name, _header(mail, name)) for name in ("from", "to", "cc", "date", "subject")]
        heading = [f"{name.capitalize()}: {value}" for name, value in rows if value]
        name = f"{_header(mail, 'subject')[:60]} (forwarded mail)".strip()
        body_html = _joined_html(self._body)
        if body_html:
            text = "<p>" + "<br>".join(html.escape(line) for line in heading) + f"</p><hr>{body_html}"
            page = Part(name, "text/html", text.encode(), text)
        else:
            text = "\n".join([*heading, "", _joined_text(self._body)])
            page = Part(name, "text/plain", text.encode(), text)
        return [("", page), *self._found]

    def _partial(self, mail: Mail, depth: int) -> None:
        raise NotFaxable(
            status(
                Cause.UNSUPPORTED,
                name=_name(mail, "the mail"),
                why="it is one piece of a mail that was divided. Switch off the dividing of mails "
                '("divided data", "split e-mail") in the copier or mail program, and send it again',
            )
        )

    def _elsewhere(self, mail: Mail, depth: int) -> None:
        why = "it is only a reference to a file that is kept elsewhere. Attach the file itself"
        raise NotFaxable(status(Cause.UNSUPPORTED, name=_name(mail, "the attachment"), why=why))

    def _leaf(self, mail: Mail, label: str, in_alternative: bool) -> None:
        if label in NEVER_PAGES:
            self._skipped.append(f"{_name(mail, label)}: {NEVER_PAGES[label]}")
        elif label in SMIME:
            self._smime(mail)
        elif _is_body(mail) and (in_alternative or not mail.get_filename()):
            body = _text(mail)
            self._body.append(_Piece(text=body) if label == "text/plain" else _Piece(html=body))
        else:
            name = _name(mail, "") or f"attachment {len(self._found) + 1}"
            text = _text(mail) if label.startswith("text/") else None
            cid = unquote(_header(mail, "content-id")).strip("<> ")
            self._found.append((cid, Part(name, label, _content(mail), text)))

    def _smime(self, mail: Mail) -> None:
        name = _name(mail, "smime.p7m")
        if str(mail.get_param("smime-type", "")).casefold() != "signed-data":
            raise NotFaxable(status(Cause.ENCRYPTED, name=name))
        why = "its signature encloses the mail. Send it without one, or with one that leaves the mail legible"
        raise NotFaxable(status(Cause.UNSUPPORTED, name=name, why=why))


#: What each container means; every other multipart is read as mixed, and related differs from it by ``images`` only.
CONTAINERS: dict[str, Callable[[_Reading, Mail, int], None]] = {
    "multipart/alternative": _Reading._alternative,
    "multipart/signed": _Reading._signed,
    "multipart/encrypted": _Reading._encrypted,
    "message/rfc822": _Reading._mail,
    "message/global": _Reading._mail,
    "message/partial": _Reading._partial,
    "message/external-body": _Reading._elsewhere,
}


def _children(mail: Mail) -> list[Mail]:
    payload = mail.get_payload()
    return (
        [child for child in payload if isinstance(child, email.message.Message)] if isinstance(payload, list) else []
    )


def _is_body(mail: Mail) -> bool:
    return mail.get_content_type() in ("text/plain", "text/html") and mail.get_content_disposition() != "attachment"


def _is_form_of_text(mail: Mail) -> bool:
    """Whether an alternative is the body once more (text/plain, text/x-amp-html, ...) and not a file."""
    file = mail.get_content_disposition() == "attachment" or mail.get_filename()
    return _is_body(mail) or (mail.get_content_maintype() == "text" and not file)


def _mend(mail: Mail) -> None:
    """Raw 8-bit in the headers that name a part (copiers write it) becomes text: UTF-8, or else Windows Latin."""
    for name, value in list(mail.raw_items()):
        if name.casefold() in ("content-type", "content-disposition", "content-id") and not str(value).isascii():
            mail.replace_header(name, _from_bytes(str(value).encode("utf-8", "surrogateescape"), ""))


def _header(mail: Mail, name: str) -> str:
    """A header as one line of text, or "" where there is none."""
    raw = next((str(value) for key, value in mail.raw_items() if key.casefold() == name), "")
    return one_line(_from_bytes(raw.encode("utf-8", "surrogateescape"), ""))


def _name(mail: Mail, otherwise: str) -> str:
    """The part's file name for people: base name, at most 100 characters with its extension kept."""
    try:
        given = mail.get_filename() or ""
    except ValueError:  # RFC 2231 with a charset that Python knows and can't use here: filename*=idna''%ff
        given = ""
    name = one_line(given).replace("\\", "/").rpartition("/")[2].strip()
    if len(name) > 100:
        stem, dot, extension = name.rpartition(".")
        name = f"{stem[:90]}…{dot}{extension[:8]}" if stem else name[:100]
    return name or otherwise


def _content(mail: Mail) -> bytes:
    content = mail.get_payload(decode=True)
    if any(isinstance(defect, InvalidBase64LengthDefect) for defect in mail.defects):
        why = "its base64 coding is broken"
        raise NotFaxable(status(Cause.DAMAGED, name=_name(mail, "the attachment"), why=why))
    return content if isinstance(content, bytes) else b""


def _text(mail: Mail) -> str:
    """The text of a text part: the charset it claims, else UTF-8, else Windows Latin; flowed lines joined."""
    text = _from_bytes(_content(mail), str(mail.get_content_charset() or ""))
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if str(mail.get_param("format", "")).casefold() == "flowed":
        text = _unflowed(text, str(mail.get_param("delsp", "")).casefold() == "yes")
    return text


def _from_bytes(content: bytes, charset: str) -> str:
    # US-ASCII is what is claimed by those who do not know; UTF-8 says the same for real ASCII.
    for name in (charset if charset not in ("us-ascii", "ascii") else "", "utf-8-sig"):
        try:
            if name:
                return content.decode(name)
        except (LookupError, ValueError):
            continue
    return content.decode("cp1252", "replace")


def _unflowed(text: str, delete_space: bool) -> str:
    """Lines that end in a blank go on in the next one of the same quote depth (RFC 3676 4)."""
    joined: list[str] = []
    depth_before, flows = 0, False
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        body = line[depth:].removeprefix(" ")
        if flows and depth == depth_before and body != "-- ":
            joined[-1] += body
        else:
            joined.append(("> " * depth) + body)
        flows, depth_before = body.endswith(" ") and body != "-- ", depth
        if flows and delete_space:
            joined[-1] = joined[-1][:-1]
    return "\n".join(joined)


def _joined_text(pieces: list[_Piece]) -> str:
    """The whole body as text, or "" where a piece of it exists as HTML only."""
    if any(piece.text is None for piece in pieces):
        return ""
    return "\n\n".join(piece.text.strip("\n") for piece in pieces if piece.text and piece.text.strip())


def _joined_html(pieces: list[_Piece]) -> str:
    """The whole body as HTML, or "" where no piece of it is."""
    if all(piece.html is None for piece in pieces):
        return ""
    return "\n".join(piece.html if piece.html is not None else _as_html(piece.text or "") for piece in pieces)


def _as_html(text: str) -> str:
    return f"<div style='white-space: pre-wrap'>{html.escape(text)}</div>"
