"""What became of a SendFax: the fax id, or how it failed, decided from the answer. Pure.

After a document that left us whole, first match wins (statuses: RFC 9110 section 15):

====================================  =====================================================================
2xx, an id in Results                 the id
2xx, a sentence with a word of doing  InDoubt: "Fax was queued", whatever else it says ("Warning: login failed")
2xx, a sentence about the login       AccountTrouble (A12)
2xx, a sentence that clearly says no  Refused
2xx, any other sentence               InDoubt
401 402 403 407, 405, 415             AccountTrouble: login, address or content type, whatever the fax is
3xx to a login page                   AccountTrouble: ASP.NET's forms authentication, instead of 401
3xx, address never proven             AccountTrouble: the address
413 414 431, a page that says so      Refused: too large. IIS says 404.13 or 404.15 in a 404 page, ASP.NET
                                      "Maximum request length exceeded" in a 500 page
400 or 404 beyond 30,000,000 bytes    Refused: too large by our own size, IIS's own limit
"potentially dangerous" page          Refused: request validation runs before anything is accepted, and the
                                      text has been made harmless already, so there is nothing to try again
503 with Retry-After, 429, 408        NotSent: the server says that it did not take the request
4xx (not 409) with an error element   Refused: that is the service itself saying no
400, 411, 422                         Refused: not acted on, and the same request would meet the same answer
404, 410, 421, address never proven   AccountTrouble: nothing has shown yet that a FaxCore lives there
404 or 500 beyond 4 MB                PerhapsTooLarge, which is InDoubt: ASP.NET takes 4096 KB unless it is told
                                      otherwise, and its page seldom says so
everything else                       InDoubt: among it 404 at an address that *has* answered as a FaxCore, 409
                                      (may mean "I have this one"), 5xx, other 3xx (may lead to the page of the
                                      accepted fax), and answers that were not understood
====================================  =====================================================================

With a document that did not leave us whole InDoubt becomes NotSent: half a body is no fax.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from mailfax.faxcore.errors import AccountTrouble, Failure, InDoubt, NotSent, PerhapsTooLarge, Refused, Trouble
from mailfax.faxcore.reply import LOGIN, NotAnApiAnswer, Reply, error_sentence, excerpt, kind_of, read_api

LOGIN_STATUSES = {401, 402, 403, 407}
ADDRESS_STATUSES = {405, 415}
TOO_LARGE_STATUSES = {413, 414, 431}
NOT_TAKEN_STATUSES = {408, 429}
SAME_AGAIN_STATUSES = {400, 411, 422}
NOT_THERE_STATUSES = {404, 410, 421}
PERHAPS_TAKEN_STATUSES = {409}
PERHAPS_TOO_LARGE_STATUSES = {404, 500}

IIS_BODY_LIMIT = 30_000_000  # bytes; requestFiltering maxAllowedContentLength
ASP_NET_BODY_LIMIT = 4_096 * 1_024  # bytes; httpRuntime maxRequestLength, unless the site says otherwise
TOO_LARGE_PAGE = re.compile(rb"\b404\.1[35]\b|maximum request length exceeded|request entity too large", re.I)
DANGEROUS_PAGE = re.compile(rb"potentially dangerous Request", re.I)

# An id is opaque (A13): digits in all examples, perhaps a GUID elsewhere. It has a digit, and it is not a return
# code such as 0 or -1.
ID = re.compile(r"(?=.*[1-9])[0-9A-Za-z{][0-9A-Za-z{}._:-]{0,63}")
# A word of doing, unless right before it stands that it was not done ("not accepted", "could not be sent"). "Not
# sent yet" is no refusal: it may mean that it will be.
DONE_WORD = re.compile(
    r"(?P<not>\b(?:not|never|cannot|\w+n['’]t|no|nothing|unable to|failed to)"
    r"(?:\s+(?:be|been|being|was|were|is|are|has|have|successfully|fax|faxes))*\s+)?"
    r"\b(?P<done>ok(?:ay)?|success\w*|accepted|(?:en)?queued?|submitted|sent|sending|received|receiving|completed?"
    r"|scheduled|delivered|delivering|transmitted|transmitting|dispatched|forwarded|process(?:ed|ing)|pending|created"
    r"|stored|saved|started|spooled|progress|done|approv(?:al|ed)|a?waiting|hold|held|duplicate|already|confirmation|notification)\b"
    r"(?P<later>\s+(?:yet|now|immediately|directly|until))?",
    re.I,
)
# What is none of these may be a success in words, or a language, that we do not know.
REFUSING = re.compile(
    r"\b(invalid|unsupported|refused|reject(ed|ion)?|denied|declined|forbidden|prohibited|blocked|missing|required"
    r"|must|too (large|big|long|many|short|small)|exceed(s|ed|ing)?|insufficient|bad|wrong|incorrect|malformed"
    r"|illegal|protected|encrypted|corrupt(ed)?|damaged|unreadable|empty|unsuccessful(ly)?|unable to|failed|fails"
    r"|failure|cannot|can['’]t|could(n['’]t| not)|no (such|valid|fax|number|recipient|document|file|credit)"
    r"|not (a|an|be|been|was|supported|allowed|permitted|valid|recogni[sz]ed|enough|found|accepted|sent|queued"
    r"|submitted|successful))\b",
    re.I,
)
LOGIN_PAGE = re.compile(r"log[-_]?[io]n|sign[-_]?in", re.I)
LONG_NUMBER = re.compile(r"[0-9]{9,}")

TOO_LARGE = "The document is too large for the fax service."
REFUSED = "The fax service refused this fax."
DANGEROUS = "The fax service took the text for the cover page for an attack and refused the fax."
NOT_NOW = "The fax service can't take faxes at the moment."
NOT_WHOLE = "The call to the fax service ended before the document was complete."
IN_DOUBT = "The fax service gave no clear answer: the fax may or may not have been accepted."


@dataclass(frozen=True, slots=True)
class Attempt:
    """What we know ourselves about a SendFax.

    ``finished``: the last bytes of the document may have left us. ``address_proven``: this base_url has answered
    as a FaxCore before. ``length``: of the document, bytes.
    """

    number: str
    length: int
    finished: bool
    address_proven: bool


def fax_id(reply: Reply, attempt: Attempt) -> str:
    """The id that the service gave. Raises NotSent (AccountTrouble), Refused or InDoubt by the table above."""
    verdict = _results(reply, attempt) if 200 <= reply.status < 300 else _status(reply, attempt)
    if isinstance(verdict, str):
        if attempt.finished:
            return verdict
        # an id for half a document: nobody knows what the service will make of it
        raise InDoubt(IN_DOUBT, diagnostic="an id came before the document was complete")
    if isinstance(verdict, InDoubt) and not attempt.finished:
        raise NotSent(NOT_WHOLE, diagnostic=verdict.diagnostic)
    raise verdict


def _results(reply: Reply, attempt: Attempt) -> str | Failure:
    try:
        answer = read_api(reply)
    except NotAnApiAnswer as odd:
        return InDoubt(IN_DOUBT, diagnostic=reply.diagnostic(str(odd)))
    results = set(answer.texts("results"))
    said = error_sentence(answer)
    if len(results) > 1 or not (results or said):
        return InDoubt(IN_DOUBT, diagnostic=reply.diagnostic(f"{len(results)} results"))
    said = results.pop() if results else said
    if ID.fullmatch(said):
        return said
    return _sentence(said, reply, attempt)


def _sentence(said: str, reply: Reply, attempt: Attempt) -> Failure:
    diagnostic = excerpt(said)
    if _tells_of_doing(said):
        return InDoubt(IN_DOUBT, diagnostic=diagnostic)
    if LOGIN.search(said):
        return AccountTrouble(Trouble.LOGIN, diagnostic=diagnostic)
    # a number that we did not dial may be an id
    numbers = (number for number in LONG_NUMBER.findall(said) if number[-10:] != attempt.number[-10:])
    is_sentence = re.search(r"\s", said)
    if is_sentence and REFUSING.search(said) and not any(numbers):
        return Refused(REFUSED, diagnostic=diagnostic)
    return InDoubt(IN_DOUBT, diagnostic=diagnostic)


def _tells_of_doing(said: str) -> bool:
    return any(not word["not"] or word["later"] for word in DONE_WORD.finditer(said))


def _status(reply: Reply, attempt: Attempt) -> Failure:
    status, page = reply.status, reply.body
    if status in LOGIN_STATUSES:
        return AccountTrouble(Trouble.LOGIN, diagnostic=reply.diagnostic())
    astray = not attempt.address_proven or LOGIN_PAGE.search(_path_of(reply.headers.get("location", "")))
    if status in ADDRESS_STATUSES or (300 <= status < 400 and astray):
        return AccountTrouble(Trouble.WRONG_ADDRESS, diagnostic=reply.diagnostic())
    too_large_by_size = status in (400, 404) and attempt.length > IIS_BODY_LIMIT
    if status in TOO_LARGE_STATUSES or too_large_by_size or TOO_LARGE_PAGE.search(page):
        return Refused(TOO_LARGE, diagnostic=reply.diagnostic("too large"))
    if DANGEROUS_PAGE.search(page):
        return Refused(DANGEROUS, diagnostic=reply.diagnostic("request validation"))
    if status in NOT_TAKEN_STATUSES or (status == 503 and "retry-after" in reply.headers):
        return NotSent(NOT_NOW, diagnostic=reply.diagnostic(), retry_after=reply.retry_after)
    if 400 <= status < 500 and status not in PERHAPS_TAKEN_STATUSES and (said := _error_element(reply)):
        return Refused(REFUSED, diagnostic=reply.diagnostic(said))
    if status in SAME_AGAIN_STATUSES:
        return Refused(REFUSED, diagnostic=reply.diagnostic())
    if status in NOT_THERE_STATUSES and not attempt.address_proven:
        return AccountTrouble(Trouble.WRONG_ADDRESS, diagnostic=reply.diagnostic())
    if status in PERHAPS_TOO_LARGE_STATUSES and attempt.length > ASP_NET_BODY_LIMIT:
        return PerhapsTooLarge(
            IN_DOUBT, diagnostic=reply.diagnostic(f"perhaps too large, {attempt.length / 1e6:.1f} MB")
        )
    return InDoubt(IN_DOUBT, diagnostic=reply.diagnostic(kind_of(reply.headers)))


def _path_of(location: str) -> str:
    """Its query is left out: "?login=5557152222" may stand behind any page."""
    try:
        return urlsplit(location).path
    except ValueError:
        return ""


def _error_element(reply: Reply) -> str:
    try:
        answer = read_api(reply)
    except NotAnApiAnswer:
        return ""
    return error_sentence(answer) or answer.text("results")
