"""What the asking calls bring home: a status word, the details of a fax, a list of ids, a deletion. Pure.

In goes a ``Reply``, out comes the value; raised are AccountTrouble, Unavailable, Unreadable and NotKnown.

LIMITS: 404 for a call about one fax means "this fax is not known", and 402 or 403 "not this fax", only at an
address that has answered as a FaxCore before; else address or login may be wrong, and pausing the account is the
harmless reading. A refused login shows in the lists, which are about no fax: a sentence about one fax pauses nobody.
"""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from mailfax.faxcore.dates import read_date
from mailfax.faxcore.errors import AccountTrouble, Failure, NotKnown, Trouble, Unavailable, Unreadable
from mailfax.faxcore.reply import (
    EMPTY_LIST,
    ERROR_NAMES,
    LOGIN,
    ROOT,
    UNKNOWN_ID,
    NotAnApiAnswer,
    Reply,
    error_sentence,
    excerpt,
    read_api,
)
from mailfax.faxcore.values import FaxDetails, progress_of
from mailfax.faxcore.verdict import ADDRESS_STATUSES, LOGIN_STATUSES, NOT_THERE_STATUSES
from mailfax.faxcore.xml import Answer, LeafStream, NotXml, TextStream

# "Payment required" and "forbidden" may be said of one fax; 401 and 407 speak of who asks (RFC 9110 section 15.5).
NOT_THIS_ONE_STATUSES = {402, 403}

NUMBER = re.compile(r"[+( ]*[0-9][0-9 ()./-]*")
STATUS_LIMIT = 64  # characters; what is longer is an error text and no status word
LIST_LIMIT = 256 << 20  # bytes; some five million ids

NOT_UNDERSTOOD = "The fax service gave an answer that could not be understood."
NOT_NOW = "The fax service gives no answer at the moment."
NOT_KNOWN = "The fax service does not know this fax (any more)."


def check_status(reply: Reply, *, about_fax: bool, address_proven: bool) -> None:
    """Raises what an answer other than 2xx means for a call that only asks."""
    status = reply.status
    if 200 <= status < 300:
        return
    if status in NOT_THIS_ONE_STATUSES and about_fax and address_proven:
        raise _unreadable(reply.diagnostic())
    if status in LOGIN_STATUSES:
        raise AccountTrouble(Trouble.LOGIN, diagnostic=reply.diagnostic())
    if status in NOT_THERE_STATUSES and about_fax and (address_proven or _is_api(reply)):
        raise NotKnown(NOT_KNOWN, diagnostic=reply.diagnostic())
    if 300 <= status < 400 or status in ADDRESS_STATUSES or status in NOT_THERE_STATUSES:
        raise AccountTrouble(Trouble.WRONG_ADDRESS, diagnostic=reply.diagnostic())
    if status >= 500 or status in (408, 425, 429):
        raise Unavailable(NOT_NOW, diagnostic=reply.diagnostic(), retry_after=reply.retry_after)
    raise failure_said(_said(reply), about_fax=about_fax) if _is_api(reply) else _unreadable(reply.diagnostic())


def read_whole(reply: Reply) -> Answer:
    """The ``<ApiResponse>`` of a small answer; Unreadable if it is none."""
    try:
        return read_api(reply)
    except NotAnApiAnswer as odd:
        raise _unreadable(reply.diagnostic(str(odd))) from odd


def status_word(answer: Answer) -> str:
    """The word of FaxStatus, as reported."""
    word = answer.text("results")
    if not word or len(word) > STATUS_LIMIT or LOGIN.search(word) or UNKNOWN_ID.search(word):
        raise failure_said(word or error_sentence(answer), about_fax=True)
    return word


def details(answer: Answer, fax_id: str, zone: ZoneInfo, *, near: datetime | None = None) -> FaxDetails:
    """The value of GetFaxDetails about ``fax_id``; ``near`` settles an ambiguous hour of CreatedDate."""
    reported = answer.text("faxid")
    if not reported and not answer.text("status"):
        raise failure_said(answer.text("results") or error_sentence(answer), about_fax=True)
    if reported.casefold() not in ("", fax_id.casefold()):
        raise _unreadable("the answer is about another fax")
    created_text, status = answer.text("createddate"), answer.text("status")
    return FaxDetails(
        fax_id=fax_id,
        inbound=_inbound(answer.text("type")),
        number="".join(re.findall(r"[0-9]", answer.text("faxnumber"))),
        caller=_caller(answer.text("faxnumber")),
        subject=answer.text("subject"),
        created=read_date(created_text, zone, near=near),
        created_text=created_text,
        completed=read_date(answer.text("completedate"), zone, near=near),
        status=status,
        progress=progress_of(status),
        page_count=_count(answer.text("pagecount")),
        pages_delivered=_count(answer.text("pagedelivered") or answer.text("pagesdelivered")),
    )


def check_deleted(answer: Answer) -> None:
    """Raises unless the service said "OK", however it spells that (A21)."""
    said = answer.text("results") or error_sentence(answer)
    if said.casefold() != "ok":
        raise failure_said(said, about_fax=True)


class IdList:
    """The ids of a GetFaxList, handed out while its bytes come in.

    ``close`` is the sign that the list was complete; every failure means that it was not, whatever has been
    handed out before.
    """

    def __init__(self) -> None:
        self._text = TextStream()
        self._leaves = LeafStream()
        self._octets = 0
        self._said = ""

    @property
    def byte_order_mark(self) -> bool:
        return self._text.byte_order_mark

    def feed(self, piece: bytes, *, last: bool = False) -> list[str]:
        """The ids that ended within ``piece``. Raises Unreadable."""
        self._octets += len(piece)
        if self._octets > LIST_LIMIT:
            raise _unreadable("the list is too long")
        try:
            leaves = self._leaves.feed(self._text.feed(piece, last=last))
        except NotXml as odd:
            raise _unreadable(str(odd)) from odd
        return [fax_id for name, text in leaves if (fax_id := self._id(name, text))]

    def close(self) -> list[str]:
        """The last ids. Raises Unreadable or AccountTrouble unless the list is whole and reports no error."""
        ids = self.feed(b"", last=True)
        try:
            self._leaves.close()
        except NotXml as odd:
            raise _unreadable(str(odd)) from odd
        if self._leaves.root != ROOT:
            raise _unreadable("the root element is not ApiResponse")
        if self._said and not EMPTY_LIST.fullmatch(self._said):
            raise failure_said(self._said, about_fax=False)
        return ids

    def _id(self, name: str, text: str) -> str:
        if name == "faxid":
            if re.search(r"\s", text):
                raise _unreadable("an id with a blank in it")
            return text
        if name == "results" or name in ERROR_NAMES:
            self._said = self._said or ("" if text.casefold() in ("ok", "success") else text)
        return ""


def failure_said(sentence: str, *, about_fax: bool) -> Failure:
    """What a sentence means where a value was expected (A12: errors hide in a 200).

    "Access denied" to one fax is that fax's matter: one that a person locked over there must not stop all others.
    """
    if LOGIN.search(sentence) and not about_fax:
        return AccountTrouble(Trouble.LOGIN, diagnostic=excerpt(sentence))
    if about_fax and UNKNOWN_ID.search(sentence):
        return NotKnown(NOT_KNOWN, diagnostic=excerpt(sentence))
    return _unreadable(excerpt(sentence) or "the answer has no result in it")


def no_file(reason: str, said: str) -> Failure:
    """What it means that a download was not the file; ``said`` is what came instead, perhaps a sentence."""
    failure = failure_said(said, about_fax=True)
    return _unreadable(reason) if isinstance(failure, Unreadable) else failure


def _unreadable(diagnostic: str) -> Unreadable:
    return Unreadable(NOT_UNDERSTOOD, diagnostic=diagnostic)


def _is_api(reply: Reply) -> bool:
    try:
        read_api(reply)
    except NotAnApiAnswer:
        return False
    return True


def _caller(reported: str) -> str:
    """Digits alone where the whole field reads as a number; else what was reported ("9725550100WTF TOT 3", A19)."""
    line = "".join(char for char in " ".join(reported.split()) if char.isprintable())
    return re.sub(r"[^0-9]", "", line) if NUMBER.fullmatch(line) else line[:60]


def _said(reply: Reply) -> str:
    answer = read_api(reply)
    return error_sentence(answer) or answer.text("results")


def _inbound(word: str) -> bool | None:
    folded = word.casefold()
    return True if folded.startswith("in") else False if folded.startswith("out") else None


def _count(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,6}", text) else None
