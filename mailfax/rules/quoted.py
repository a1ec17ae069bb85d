"""What stands below what a sender wrote: their signature, and the message that they answer.

In: the text of a mail. Out: the text without it, or the same text where it is not certain. Only what a mail program
sets apart itself counts: the line ``-- ``, lines with ``>`` at the end, and the heads that programs write above a
message that is answered, in the languages of ``HEADS``. What was written below or between stays with all around it.

STANDARDS: RFC 3676 4.3 (the line above a signature), 4.5 (quoting).
LIMITS: a signature has at most ``MOST_SIGNATURE`` lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MOST_SIGNATURE = 12
#: What can be taken away, by the words of the key ``strip``, as its sender is told.
STRIPPED = {"signature": "the signature", "quote": "the quoted message below"}
#: "On Monday, Jane wrote:" as mail programs write it, in one line or folded into two or three.
ATTRIBUTIONS = re.compile(
    r"(?:On\b.{4,200}\bwrote|Am\b.{4,200}\bschrieb\b.{0,100}|.{2,100}\bschrieb am\b.{4,80}"
    r"|Le\b.{4,200}\ba écrit|El\b.{4,200}\bescribió|(?:Em|A|No dia)\b.{4,200}\bescreveu|Il\b.{4,200}\bha scritto"
    r"|Op\b.{4,200}\bschreef\b.{0,100}|Op\b.{4,200}\bheeft\b.{2,100}\bgeschreven|(?:Den|På)\b.{4,200}\bskrev\b.{0,100}"
    r"|W dniu\b.{4,200}\bpisze|Dnia\b.{4,200}\bnapisał(?:\(a\)|a)?) ?:",
    re.IGNORECASE | re.DOTALL,
)
#: What the lines above a message that is answered are called (from, sent, to, subject), as Outlook writes them.
HEADS: dict[str, tuple[str, ...]] = {
    "en": ("From", "Sent|Date", "To", "Subject"),
    "de": ("Von", "Gesendet|Datum", "An", "Betreff"),
    "fr": ("De|Expéditeur", "Envoyé|Date|Envoyé le", "À|A|Destinataire", "Objet"),
    "es": ("De", "Enviado|Enviado el|Fecha", "Para", "Asunto"),
    "pt": ("De", "Enviado|Enviada|Enviada em|Data", "Para", "Assunto"),
    "it": ("Da", "Inviato|Data", "A", "Oggetto"),
    "nl": ("Van", "Verzonden|Datum", "Aan", "Onderwerp"),
}
_HEADS = [
    [re.compile(rf"\*?(?:{label}) ?:\*?(?:\s|$)", re.IGNORECASE) for label in labels] for labels in HEADS.values()
]
#: Lines of a head: people who get a copy may stand between.
HEAD_LINES = 8
DIVIDERS = re.compile(
    r"-{2,} ?(?:Original Message|Ursprüngliche Nachricht|Original-Nachricht|Message d.origine|Mensaje original"
    r"|Mensagem original|Messaggio originale|Oorspronkelijk bericht|Original message) ?-{2,}",
    re.IGNORECASE,
)
#: A subject that says that the message below is what the mail is for.
FORWARDED = re.compile(r"\s*(?:fwd?|wg|tr|rv|enc|i|doorst|weitergeleitet)\s*:", re.IGNORECASE)

#: What programs write above a message that is forwarded.
FORWARDS = re.compile(
    r"forwarded message|weitergeleitete[n]? (?:nachricht|mail)|message (?:transféré|réexpédié)|mensaje reenviado"
    r"|mensagem (?:encaminhada|reencaminhada)|messaggio inoltrato|doorgestuurd bericht",
    re.IGNORECASE,
)


def forwards(text: str) -> bool:
    """Whether the first lines of a message say that it is forwarded."""
    return FORWARDS.search(text[:300]) is not None


def is_forward(subject: str) -> bool:
    """Whether the message below is what is to be faxed, and no quote."""
    return FORWARDED.match(subject) is not None


def without(text: str, what: Sequence[str]) -> tuple[str, list[str]]:
    """The text without its signature and quote, as far as ``what`` has "signature" and "quote", and which were there.

    Nothing is taken from a text of which nothing would be left.
    """
    lines = text.split("\n")
    quote = _quote_at(lines)
    signature = _signature_at(lines[:quote])
    gone: dict[str, range] = {
        "signature": range(signature, quote),
        "quote": range(quote, len(lines)),
    }
    taken = [kind for kind in STRIPPED if kind in what and any(lines[at].strip() for at in gone[kind])]
    kept = [line for at, line in enumerate(lines) if not any(at in gone[kind] for kind in taken)]
    if not taken or not any(line.strip() for line in kept):
        return text, []
    return "\n".join(kept).rstrip(), taken


def is_attribution(line: str) -> bool:
    """Whether a line says who wrote the message below it."""
    return ATTRIBUTIONS.fullmatch(" ".join(line.split())) is not None


def is_head(lines: Sequence[str]) -> bool:
    """Whether lines begin with the head of a message that is answered: From, Sent, To, Subject, in one language."""
    head = [line.strip() for line in lines[:HEAD_LINES]]
    return bool(head) and any(
        labels[0].match(head[0]) and all(any(label.match(line) for line in head[1:]) for label in labels[1:])
        for labels in _HEADS
    )


def _signature_at(lines: Sequence[str]) -> int:
    """Where the signature begins; the number of lines where there is none."""
    at = max((number for number, line in enumerate(lines) if line == "-- "), default=len(lines))
    return at if sum(bool(line.strip()) for line in lines[at:]) <= MOST_SIGNATURE + 1 else len(lines)


def _quote_at(lines: Sequence[str]) -> int:
    """Where the message begins that is answered; the number of lines where there is none."""
    for at, line in enumerate(lines):
        if forwards(line):
            break
        if DIVIDERS.fullmatch(line.strip()) or is_head(lines[at : at + HEAD_LINES]):
            ruled = at > 0 and re.fullmatch(r"[_-]{10,}", lines[at - 1].strip())
            return at - 1 if ruled else at
    return _marked_at(lines)


def _marked_at(lines: Sequence[str]) -> int:
    """Where the lines with ">" begin that end the text, with the line above that tells who wrote them."""
    end = len(lines)
    if any(forwards(line) for line in lines):
        return end
    while end and not lines[end - 1].strip():
        end -= 1
    start = end
    while start and (lines[start - 1].startswith(">") or not lines[start - 1].strip()):
        start -= 1
    marked = any(line.startswith(">") for line in lines[start:end])
    if not marked or any(line.startswith(">") for line in lines[:start]):
        return len(lines)  # answered line by line: each belongs to the one above it
    for count in (1, 2, 3):
        if start >= count and is_attribution(" ".join(lines[start - count : start])):
            return start - count
    return start
