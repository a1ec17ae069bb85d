"""What of a submission goes where: onto the cover as notes, into the document as pages, untouched, or left out.

In: a ``Submission``. Out: a ``Plan``, or ``NotFaxable``. The table is in ``docs/reference/submission.md``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, replace
from urllib.parse import quote_plus

from mailfax.render.glyphs import missing_glyphs
from mailfax.render.kinds import AT_FAXCORE, DRAWN, EXTENSIONS, PICTURES, Kind, disagreement, extension_of, kind_of
from mailfax.render.markup import read_markup
from mailfax.render.picture import nothing_to_see
from mailfax.render.terms import ORDINARY, Wishes
from mailfax.render.trimmed import trimmed
from mailfax.render.words import text_of
from mailfax.rules.attached_list import RECIPIENTS, without_list
from mailfax.rules.copier_texts import written_by_device
from mailfax.rules.cover import covered, not_shown
from mailfax.rules.job import Status
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NEVER_PAGES, NotFaxable, Part, Submission
from mailfax.rules.tags import Tagged, read_tags

#: Notes are a cover page's: longer text is easier to read on a page of its own.
NOTES_CHARACTERS, NOTES_LINES = 500, 12
#: The same where the cover page is ours: as much as stands on it beside everything else.
OUR_CHARACTERS, OUR_LINES = 1500, 25
#: Name of the body in ``contents`` and in sentences.
BODY = "text of the mail"
FILENAME_BYTES = 64
NOT_HERE = "there is no program for {kind} files on this machine. Save it as a PDF and send that"


@dataclass(frozen=True, slots=True)
class Source:
    """Something that becomes pages."""

    name: str
    kind: Kind
    part: Part


@dataclass(frozen=True, slots=True)
class Plan:
    """``untouched`` goes to FaxCore as it is; else ``sources`` become one document, in order.

    ``remarks`` are for the log: what the mail says of a file and is not so.
    """

    notes: str
    sources: tuple[Source, ...]
    untouched: Source | None
    skipped: tuple[str, ...]
    covered: bool
    remarks: tuple[str, ...] = ()


def plan(
    submission: Submission,
    wishes: Wishes = ORDINARY,
    here: Collection[Kind] = DRAWN,
    *,
    name_unsupported: bool = False,
) -> Plan:
    """Decide; ``here`` are the kinds that can be drawn.

    Raises ``NotFaxable`` with the name of what can't be faxed; with ``name_unsupported`` that is left out and named.
    """
    skipped = list(submission.skipped)
    if RECIPIENTS in wishes.strip:
        submission, listed = without_list(submission)
        skipped += listed
    sources: list[Source] = []
    for part in submission.parts:
        try:
            kind = kind_of(part)
            if kind not in here and kind not in AT_FAXCORE and kind is not Kind.ASIDE:
                raise NotFaxable(status(Cause.UNSUPPORTED, name=part.name, why=NOT_HERE.format(kind=kind.name)))
        except NotFaxable as refused:
            if not name_unsupported or refused.status.code != Cause.UNSUPPORTED.code:
                raise
            skipped.append(_as_left_out(part.name, refused.status))
            continue
        if kind is Kind.ASIDE:
            skipped.append(f"{part.name}: {_aside(part)}")
        elif kind in PICTURES and (why := nothing_to_see(part.content, kind)):
            skipped.append(f"{part.name}: {why}")
        else:
            sources.append(Source(part.name, kind, part))
    remarks = tuple(filter(None, (disagreement(source.part, source.kind) for source in sources)))
    submission, stripped = trimmed(submission, wishes.strip, BODY) if wishes.strip else (submission, [])
    skipped += stripped
    text = visible(submission.body_text or text_of(submission.body_html))
    wish = ""
    if (tagged := read_tags(text.partition("\n")[0])).said or tagged.wrong:
        submission, text, wish = _untagged(submission, text, tagged, wishes)
    if re.match(r"-----BEGIN PGP MESSAGE", text):
        raise NotFaxable(status(Cause.ENCRYPTED, name=BODY))
    if name_unsupported and len(sources) > 1:
        kept = [source for source in sources if source.kind in here] or sources[:1]
        beside = [source.name for source in sources if source not in kept]
        skipped += [_as_left_out(name, status(Cause.UNSUPPORTED_BESIDE, name=name)) for name in beside]
        sources = kept
    untouched = next((source for source in sources if source.kind not in here), None)
    if untouched and wishes.cover == "ours":
        wishes = replace(wishes, cover_page="none")  # nothing of ours can stand before a file that goes as it is
    if untouched and len(sources) > 1:
        raise NotFaxable(status(Cause.UNSUPPORTED_BESIDE, name=untouched.name))
    if not sources:
        body = _body_alone(submission, text, skipped)
        return Plan("", body, None, tuple(skipped), covered(wishes.cover_page, wish, bool(text)))
    if text and (why := _not_meant(text, wishes)):
        skipped.append(f"{BODY}: {why}")
        text = ""
        submission = replace(submission, body_text="", body_html="")
    has_cover = covered(wishes.cover_page, wish, bool(text))
    if not text or (has_cover and _fits(text, wishes)):
        if wishes.cover == "ours" and (missing := missing_glyphs(text)):
            count, writings = sum(missing.values()), ", ".join(missing)
            skipped.append(f"{BODY}: {count} character(s) for which there is no font here ({writings})")
        skipped += [f"{image.name}: a picture inside the text of the mail" for image in submission.images.values()]
        return Plan(text, tuple(sources) if not untouched else (), untouched, tuple(skipped), has_cover, remarks)
    if untouched:
        why = (
            "it goes to the fax service as it is, and "
            "the text of the mail is too long for the cover page beside it. Shorten the text to less than "
            f"{NOTES_CHARACTERS} characters, or send the file as a PDF"
            if has_cover and wishes.notes_bytes
            else "it goes to the fax service as it is, and there is no cover page for the text of the mail. "
            "Leave out the text, ask for a cover page, or send the file as a PDF"
        )
        raise NotFaxable(status(Cause.UNSUPPORTED, name=untouched.name, why=why))
    return Plan("", (_body(submission, text), *sources), None, tuple(skipped), has_cover, remarks)


def _as_left_out(name: str, why: Status) -> str:
    """The sentence of a refusal as a line about what is left out."""
    quoted = f'"{name}" '
    return f"{name}: {why.sentence.removeprefix(quoted)}"


def _untagged(submission: Submission, text: str, tagged: Tagged, wishes: Wishes) -> tuple[Submission, str, str]:
    """The submission and its text without the tags of the first line, and what these want of the cover page."""
    first, _, rest = text.partition("\n")
    wrong = tagged.wrong
    if tagged.said.keys() - {"cover"}:
        wrong = (
            "#fax:to=, #fax:company=, #fax:at=, #fax:code= and #fax:priority= stand in the subject, not in the text"
        )
    elif tagged.said.get("cover") == "yes" and wishes.cover_page == "none":
        wrong = "no fax of this sender has a cover page, so #fax:cover can't be asked for"
    html, plain = submission.body_html, submission.body_text
    for tag in re.findall(r"(?<!\S)#fax:\S+", first, re.IGNORECASE):
        if html and tag not in html:
            wrong = wrong or f"{tag} is divided by formatting; write it in the subject"
        html, plain = html.replace(tag, "", 1), plain.replace(tag, "", 1)
    if wrong:
        raise NotFaxable(status(Cause.TAG, why=wrong))
    return (
        replace(submission, body_html=html, body_text=plain),
        visible(f"{tagged.rest}\n{rest}"),
        tagged.said["cover"],
    )


def _not_meant(text: str, wishes: Wishes) -> str:
    """Why the text of a mail with files is left out, or ""."""
    if wishes.body == "ignore":
        return "the texts of this sender's mails are not faxed beside files"
    if device := written_by_device(text):
        return f"what {device} writes into every mail"
    return ""


#: Characters of no width, which change nothing on paper: joiners are not among them, they shape Arabic and emoji.
WIDTHLESS = dict.fromkeys(map(ord, "\u200b\ufeff\u00ad\u2060"))


def visible(text: str) -> str:
    """Text without characters that have no width, trailing blanks and rows of empty lines.

    A control character is damage, and is seen as such (U+FFFD); a form feed ends the page.
    """
    shown = text.translate(WIDTHLESS).replace("\u00a0", " ")
    shown = re.sub("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff]", "\ufffd", shown)
    lines = "\n".join(line.rstrip(" \t") for line in shown.split("\n"))
    shown = re.sub(r"\n{3,}", "\n\n", lines).strip()
    return shown if shown.strip("\ufffd\n ") else ""


def _fits(text: str, wishes: Wishes) -> bool:
    """Whether text can stand on the cover page, whoever makes it."""
    if wishes.cover == "ours":
        return bool(wishes.notes_bytes) and len(text) <= OUR_CHARACTERS and text.count("\n") < OUR_LINES
    return fits_cover(text, wishes.notes_bytes)


def fits_cover(text: str, notes_bytes: int) -> bool:
    """Whether text can be the cover's notes: they travel in a URL, where a blank costs three bytes (A30)."""
    # ASP.NET refuses what looks like markup, so what is sent is "‹" and "›" (nine bytes each, not three) and "& #"
    # instead of "&#" (three more). Counted too low, the end of the text would be cut off.
    harmless = 6 * (text.count("<") + text.count(">")) + 3 * text.count("&#")
    cost = len(quote_plus(text).replace("+", "%20")) + harmless
    short = len(text) <= NOTES_CHARACTERS and text.count("\n") < NOTES_LINES and cost <= notes_bytes
    return short and "\f" not in text and not not_shown((text,))


def safe_filename(source: Source) -> str:
    """An ASCII name of at most 64 bytes with the extension of what the file is (A27)."""
    extension = extension_of(source.name)
    if not (extension.isascii() and extension.isalnum()) or EXTENSIONS.get(extension) is not source.kind:
        extension = source.kind.value
    stem = source.name.rpartition(".")[0] or source.name
    flat = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    flat = re.sub(r"[^A-Za-z0-9._-]+", "_", flat).strip("._-") or "document"
    return f"{flat[: FILENAME_BYTES - len(extension) - 1].rstrip('._-')}.{extension}"


def _body_alone(submission: Submission, text: str, skipped: list[str]) -> tuple[Source, ...]:
    pasted = re.search(r"<img[^>]*data:image/", submission.body_html, re.IGNORECASE)
    images = [image for image in submission.images.values() if not nothing_to_see(image.content, kind_of(image))]
    if not text and not images and not pasted:
        if skipped:
            why = f"nothing in the mail gives a page ({', '.join(skipped)})"
            raise NotFaxable(status(Cause.RENDER_FAILED, why=why))
        raise NotFaxable(status(Cause.NOTHING_TO_FAX))
    return (_body(submission, text),)


def _body(submission: Submission, text: str) -> Source:
    """The body as its sender saw it: HTML where there is any."""
    page = submission.body_html
    if page and (not text or read_markup(page).shows_something):
        return Source(BODY, Kind.HTML, Part(BODY, "text/html", page.encode(), page))
    return Source(BODY, Kind.TEXT, Part(BODY, "text/plain", text.encode(), text))


def _aside(part: Part) -> str:
    if not part.content.strip(b"\0 \r\n\t"):
        return "it is empty"
    if part.content.startswith(b"\0\5\x16\7"):
        return "what a Mac keeps beside a file (its resource fork)"
    by_extension = {"p7s": "an electronic signature", "vcf": "a visiting card (vCard)", "ics": "a calendar entry"}
    return NEVER_PAGES.get(part.label) or by_extension.get(extension_of(part.name)) or "it is never a page"
