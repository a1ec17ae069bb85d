"""One walk through the tree of a mail: a rule for each container, and an entry in the ledger for each octet.

In: octets of a mail, or of a part that is one. Out: ``Gathered`` and a ``Ledger`` without gaps, or ``NotFaxable``.

STANDARDS: RFC 2046 (containers), RFC 1847 (signed), RFC 2387 (related).
LIMITS: ``MAX_LAYERS`` mails that are coded within each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from mailfax.rules.body import Piece
from mailfax.rules.content import check_for_lost, content_of, is_binary, text_of, unpacked
from mailfax.rules.envelopes import signed_content
from mailfax.rules.fields import Fields, is_saved_page, looks_like_mail, read_fields
from mailfax.rules.forms import chosen_of, is_body, is_form_of_text, nodes_of, shows, views
from mailfax.rules.gathered import Gathered, of_outlook
from mailfax.rules.ledger import Ledger, Use
from mailfax.rules.msg import as_mail, is_msg
from mailfax.rules.part import BODY, NEVER_PAGES, NotFaxable, Part
from mailfax.rules.status import Cause, status
from mailfax.rules.tnef import SIGNATURE, opened
from mailfax.rules.transfer import Broken
from mailfax.rules.tree import CUSTOMARY, MAILS, Node, read_tree
from mailfax.rules.visible import is_stub, only_in

MAX_LAYERS = 10
#: One of these has the heading of any mail.
HEADINGS = frozenset([b"from", b"to", b"date", b"subject", b"received", b"message-id", b"mime-version", b"sender"])
#: S/MIME that must be opened with a key, or that encloses what it signs.
SMIME = ("application/pkcs7-mime", "application/x-pkcs7-mime")
TNEF = ("application/ms-tnef", "application/vnd.ms-tnef")


class Reading:
    """One walk through one source: a mail, or what was coded within one."""

    def __init__(self, raw: bytes, got: Gathered, layers: int) -> None:
        if layers > MAX_LAYERS:
            raise NotFaxable(status(Cause.UNREADABLE_MAIL, why="its parts are nested too deeply"))
        self.got = got
        self.ledger = Ledger(raw)
        self._raw = raw
        self._layers = layers
        self._again = False  # within a form of the text that is not the chosen one
        self._content_ids: set[str] = set()

    def run(self) -> Fields:
        """Read all of the source; its heading. Raises ``NotFaxable`` where octets are left over."""
        tree = read_tree(self._raw)
        self._content_ids = {cid for node in nodes_of(tree) if (cid := _content_id(node))}
        self._walk(tree)
        if missing := self.ledger.missing():
            octets = sum(end - start for start, end in missing)
            raise NotFaxable(status(Cause.UNREADABLE_MAIL, why=f"{octets} bytes of it belong to none of its parts"))
        return tree.fields

    def _walk(self, node: Node, in_alternative: bool = False) -> None:
        self.ledger.enter(node.start, node.body, Use.STRUCTURE)
        for start, end in node.delimiters:
            self.ledger.enter(start, end, Use.STRUCTURE)
        rule = RULES.get(node.label) or (Reading._mixed if node.label.startswith("multipart/") else None)
        asides = list(node.asides)
        if why := _taken_out(node, self._raw):
            self.ledger.enter(node.start, node.end, Use.NAMED, why)
            self.got.skipped.append(why)
            return
        if asides and asides[0][0] == node.body:
            self._aside(*asides.pop(0))
        if rule is not None:
            rule(self, node)
        elif node.children:
            for child in node.children:  # an unknown container is read as mixed (RFC 2046 5.1.7)
                self._walk(child)
        else:
            self._leaf(node, in_alternative)
        for aside in asides:
            self._aside(*aside)

    def _aside(self, start: int, end: int) -> None:
        """What stands before, between and behind the parts: nothing, the customary words, or a part that got lost."""
        octets = self._raw[start:end]
        bare = octets.strip()
        if not bare or (len(bare) < 1000 and CUSTOMARY.search(bare) and not re.search(rb"(?m)^Content-", bare)):
            self.ledger.enter(start, end, Use.STRUCTURE)
            return
        self.ledger.enter(start, end, Use.FAXED, BODY)
        Reading(octets.lstrip(b"\r\n"), self.got, self._layers + 1).run()

    def _mixed(self, node: Node) -> None:
        if not node.children:
            self._unheard(node)
        for child in node.children:
            self._walk(child)

    def _unheard(self, node: Node) -> None:
        """A container without a part in sight: coded as a whole (forbidden, and seen), or without its boundary."""
        body = self._raw[node.body : node.end]
        name = node.fields.filename or "the mail"
        content = content_of(node.fields, body, name, self.got.skipped)
        if is_saved_page(content):
            return self._saved_page(node, content)
        if content == body:
            raise NotFaxable(status(Cause.UNREADABLE_MAIL, why="a boundary between its parts is missing"))
        self.ledger.enter(node.body, node.end, Use.FAXED, name)
        heading = b"Content-Type:" + node.fields.raw("content-type").rstrip() + b"\r\n\r\n"
        Reading(heading + content, self.got, self._layers + 1).run()
        return None

    def _saved_page(self, node: Node, content: bytes) -> None:
        """A saved web page is a file, also where its label says mail: its pictures are found by their addresses."""
        name = node.fields.filename or f"attachment {len(self.got.found) + 1}"
        self.ledger.enter(node.body, node.end, Use.FAXED, name)
        self.got.found.append((_content_id(node), Part(name, "multipart/related", content)))

    def _alternative(self, node: Node) -> None:
        """One body: the richest form in which something can be seen, which stands last.

        Files among the forms, or inside a form that is not chosen, are no form of the text: they stay parts.
        """
        if not node.children:
            self._unheard(node)
        forms = [child for child in node.children if is_body(child) or child.children]
        seen = {id(form): views(form, self._raw) for form in forms}
        chosen = chosen_of(forms, seen, self._content_ids)
        said = " ".join(text for _, text in seen[id(chosen)]) if chosen else ""
        before = len(self.got.body)
        for child in node.children:
            if child is chosen:
                before = len(self.got.body)
                self._walk(child, in_alternative=True)
            elif is_form_of_text(child) or child.children:
                self._not_chosen(child, said)
            else:
                self._walk(child)
        added = self.got.body[before:]
        plain = [view[0][1] for form in forms if form is not chosen and (view := seen[id(form)]) and
                 form.label == "text/plain"]  # fmt: skip
        # The short form stands for the whole of the long one only where that is one piece, and says the same.
        if len(added) == 1 and added[0].text is None and plain and not only_in(said, plain[-1]):
            added[0].text = self._plain(plain[-1], keep=False)

    def _not_chosen(self, node: Node, said: str) -> None:
        """A form of the text that is not shown: the files in it are; words that the chosen form lacks are named."""
        again, self._again = self._again, True
        self._walk(node, in_alternative=True)
        self._again = again
        seen = [view for view in views(node, self._raw) if shows(view, self._content_ids)]
        other = " ".join(text for _, text in seen)
        if not is_stub(other) and (lost := only_in(other, said)):
            told = ", ".join(lost[:5]) + ", …" * (len(lost) > 5)
            self.got.skipped.append(f"{node.label}: another form of the text; only there stands: {told}")

    def _signed(self, node: Node) -> None:
        """The content is the first part, the rest are signatures over it (RFC 1847 2.1) or came to it later."""
        if not node.children:
            self._unheard(node)
        for at, child in enumerate(node.children):
            name = child.fields.filename or child.label
            if at and (
                child.label in NEVER_PAGES or "signature" in child.label or name.endswith((".p7s", ".asc", ".sig"))
            ):
                self._skip(child, f"{name}: an electronic signature")
            else:
                self._walk(child)

    def _skip(self, node: Node, why: str) -> None:
        check_for_lost(self._raw[node.body : node.end])
        self.ledger.enter(node.start, node.end, Use.NAMED, why)
        self.got.skipped.append(why)

    def _encrypted(self, node: Node) -> None:
        names = [child.fields.filename for child in node.children]
        raise NotFaxable(status(Cause.ENCRYPTED, name=next(filter(None, reversed(names)), "The mail")))

    def _mail(self, node: Node) -> None:
        """A forwarded mail: a page with its heading and text, then its own parts."""
        if not node.children:
            name = node.fields.filename or "the forwarded mail"
            content = content_of(node.fields, self._raw[node.body : node.end], name, self.got.skipped)
            if is_saved_page(content):
                return self._saved_page(node, content)
            self.ledger.enter(node.body, node.end, Use.FAXED, name)
            return self._forwarded(content)
        if is_saved_page(self._raw[node.body : node.end]):
            return self._saved_page(node, self._raw[node.body : node.end])
        for child in node.children:
            names = {name for name, _ in child.fields.rows}
            if names and not names & HEADINGS and not any(name.startswith(b"content-") for name in names):
                # Words with a colon, taken for a heading, would vanish as structure.
                raise NotFaxable(status(Cause.UNREADABLE_MAIL, why="a mail in it has no heading"))
            around, self.got = self.got, Gathered()
            self._walk(child)
            around.add(self.got.as_parts(child.fields))
            self.got = around
        return None

    def _forwarded(self, content: bytes) -> None:
        """A mail that was coded, or is a file."""
        inner = Reading(content, Gathered(), self._layers + 1)
        fields = inner.run()
        self.got.add(inner.got.as_parts(fields))

    def _partial(self, node: Node) -> None:
        raise NotFaxable(
            status(
                Cause.UNSUPPORTED,
                name=node.fields.filename or "the mail",
                why="it is one piece of a mail that was divided. Switch off the dividing of mails "
                '("divided data", "split e-mail") in the copier or mail program, and send it again',
            )
        )

    def _elsewhere(self, node: Node) -> None:
        why = "it is only a reference to a file that is kept elsewhere. Attach the file itself"
        raise NotFaxable(status(Cause.UNSUPPORTED, name=node.fields.filename or "the attachment", why=why))

    def _leaf(self, node: Node, in_alternative: bool) -> None:
        label, fields = node.label, node.fields
        given = fields.filename
        if label in NEVER_PAGES:
            why = f"{given or label}: {NEVER_PAGES[label]}"
            check_for_lost(self._raw[node.body : node.end])
            self.ledger.enter(node.body, node.end, Use.NAMED, why)
            self.got.skipped.append(why)
            return
        of_body = (is_body(node) and (in_alternative or not given)) or label.startswith("message/")
        of_body = of_body or (self._again and is_form_of_text(node))
        name = given or (BODY if of_body else f"attachment {len(self.got.found) + 1}")
        content = content_of(fields, self._raw[node.body : node.end], name, self.got.skipped)
        if of_body and is_binary(content):
            of_body, label, name = False, "application/octet-stream", given or f"attachment {len(self.got.found) + 1}"
        self.ledger.enter(node.body, node.end, Use.AGAIN if of_body and self._again else Use.FAXED, name)
        if content.startswith(SIGNATURE) or label in TNEF:
            self._outlook(content, name)
        elif label in SMIME or given.casefold().endswith(".p7m"):
            self._smime(content, given or "smime.p7m")
        elif is_msg(content):
            self._forwarded(self._out_of_outlook(content, name))
        elif given.casefold().endswith(".eml") or (not label.startswith("text/") and looks_like_mail(content)):
            self._forwarded(content)
        elif not of_body:
            text = None
            if label.startswith("text/") and not is_binary(content):
                text = text_of(fields, label, content, name, self.got.skipped)
            self.got.found.append((_content_id(node), Part(name, label, content, text)))
        elif not self._again:
            text = text_of(fields, label, content, name, self.got.skipped)
            self.got.body.append(Piece(html=text) if label == "text/html" else Piece(text=self._plain(text)))

    def _plain(self, text: str, keep: bool = True) -> str:
        """Plain text without the files that are packed into it; they become parts."""
        text, files = unpacked(text, BODY, self.got.skipped if keep else [])
        if keep:
            self.got.found += [("", Part(name, "application/octet-stream", content)) for name, content in files]
        return text

    def _outlook(self, content: bytes, name: str) -> None:
        try:
            mail = opened(content)
        except Broken as broken:
            raise NotFaxable(status(Cause.DAMAGED, name=name, why=f"{broken} (Outlook's own format, TNEF)")) from None
        inside = of_outlook(mail)
        # The text around it says the same once more; where there is none, this is the text of the mail.
        if any((piece.text or piece.html or "").strip() for piece in self.got.body):
            inside.body.clear()
            inside.found = [found for found in inside.found if found[1].label != "application/rtf"]
        self.got.add(inside)

    def _out_of_outlook(self, content: bytes, name: str) -> bytes:
        try:
            return as_mail(content)
        except Broken as broken:
            raise NotFaxable(status(Cause.DAMAGED, name=name, why=str(broken))) from None

    def _smime(self, content: bytes, name: str) -> None:
        inner = signed_content(content)
        if inner is None:
            raise NotFaxable(status(Cause.ENCRYPTED, name=name))
        if not inner:
            self.got.skipped.append(f"{name}: an electronic signature")
            return
        self.got.skipped.append(f"{name}: the electronic signature around the mail")
        Reading(inner, self.got, self._layers + 1).run()


#: What each container means; every other multipart is read as mixed, and related differs from it by ``images`` only.
RULES: Mapping[str, Callable[[Reading, Node], None]] = {
    "multipart/mixed": Reading._mixed,
    "multipart/related": Reading._mixed,
    "multipart/alternative": Reading._alternative,
    "multipart/signed": Reading._signed,
    "multipart/encrypted": Reading._encrypted,
    "message/partial": Reading._partial,
    "message/external-body": Reading._elsewhere,
} | {label: Reading._mail for label in MAILS}


def _taken_out(node: Node, raw: bytes) -> str:
    """What became of an attachment that was taken out of the mail, as Thunderbird and Mutt do it; else "".

    Its heading stands as text where it was.
    """
    fields = node.fields
    deleted = fields.label == "text/x-moz-deleted" or fields.word("content-type", "access-type") == "x-mutt-deleted"
    if not deleted and not fields.raw("x-mozilla-altered").strip().lower().startswith(b"attachment"):
        return ""
    name = fields.filename.removeprefix("Deleted: ") or read_fields(raw, node.body, node.end, False)[0].filename
    what = "it was deleted from the mail" if deleted else "it was taken out of the mail and is stored elsewhere"
    return f"{name or 'attachment'}: {what}"


def _content_id(node: Node) -> str:
    return unquote(node.fields.text("content-id")).strip("<> ")
