"""An HTTP answer as it came, and what the sentences in it say. Pure.

LIMITS: the vendor reference has no error format at all (A12), so the patterns below are those of IIS, ASP.NET
and common English; what they do not know stays unknown and is never a success.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from mailfax.faxcore.dates import read_http_date
from mailfax.faxcore.xml import Answer, NotXml, read_answer

ROOT = "apiresponse"
ERROR_NAMES = ("error", "errors", "errormessage", "message", "fault", "faultstring", "exception")
EXCERPT = 200  # characters of a foreign text that go into a diagnostic

LOGIN = re.compile(
    r"unauthori[sz]ed|authenticat(ion|ed)|(access|permission) (is )?denied|not logged ?in"
    r"|log ?[io]n (failed|required)|(invalid|wrong|incorrect|bad) (user|login|logon|password|credential)"
    r"|(user ?name|login) (or|and) password",
    re.IGNORECASE,
)
UNKNOWN_ID = re.compile(
    r"not (be )?found|n.t exist|not exist|no such|not known|unknown (fax|id|message)|\bno fax\b"
    r"|(invalid|bad|wrong) (fax ?)?id\b|\bid (is )?(invalid|not valid|unknown)",
    re.IGNORECASE,
)
# Digits of a fax number, written as people write it: +1 (555) 123-4567. Seven make a whole local number.
WHOLE_NUMBER = re.compile(r"[0-9](?:[ .()-]{0,3}[0-9]){6,}")
EMPTY_LIST = re.compile(
    r"(there are )?no (\w+ )?(fax(es)?|messages?|records?)( (were |was )?found)?( in .{1,40})?\.?",
    re.IGNORECASE,
)


class NotAnApiAnswer(ValueError):
    """The body is not an ``<ApiResponse>`` (an HTML page, JSON, half a document); the text says what it is."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer: header names in lower case, ``received`` by our own clock (UTC)."""

    status: int
    headers: dict[str, str]
    body: bytes
    received: datetime

    @property
    def retry_after(self) -> float | None:
        """Seconds from ``Retry-After``, which is a number or a date (RFC 9110 section 10.2.3)."""
        text = self.headers.get("retry-after", "").strip()
        if re.fullmatch(r"[0-9]{1,9}", text):
            return float(text)
        until = read_http_date(text)
        if until is None:
            return None
        now = read_http_date(self.headers.get("date", "")) or self.received
        return max(0.0, (until - now).total_seconds())

    def diagnostic(self, sentence: str = "") -> str:
        """The short machine text: the status, and what the service said, on one line."""
        return f"HTTP {self.status}" + (f": {excerpt(sentence)}" if sentence else "")


def read_api(reply: Reply) -> Answer:
    """The body as an ``<ApiResponse>``. Raises NotAnApiAnswer: HTML or JSON must never read as "nothing"."""
    try:
        answer = read_answer(reply.body)
    except NotXml as error:
        raise NotAnApiAnswer(f"{error}, {kind_of(reply.headers)}") from error
    if answer.root != ROOT:
        raise NotAnApiAnswer(f"the root element is not ApiResponse, {kind_of(reply.headers)}")
    return answer


def kind_of(headers: dict[str, str]) -> str:
    """What the answer claims to be, for a diagnostic: JSON shows itself here (A11)."""
    return f"content type {excerpt(headers.get('content-type', '')) or 'not stated'}"


def error_sentence(answer: Answer) -> str:
    """What the service says in an element made for errors; empty where it says nothing, or only "OK"."""
    said = [text for text in answer.texts(*ERROR_NAMES) if text.casefold() not in ("ok", "success")]
    return said[0] if said else ""


def excerpt(text: str) -> str:
    """A foreign text for a log line or a diagnostic: one line, printable, 200 characters at most.

    Whoever reads logs, history and alarms is not told whom people fax: of seven digits or more the last four stay.
    """
    line = "".join(letter for letter in " ".join(text[: 4 * EXCERPT].split()) if letter.isprintable())
    return WHOLE_NUMBER.sub(lambda number: "…" + re.sub("[^0-9]", "", number[0])[-4:], line)[:EXCERPT]
