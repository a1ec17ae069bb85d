"""Received lines: where a mail was before it came to us, as far as that can be believed.

In: the values of the Received fields, topmost first, and the address of the relay that spoke to us. Out: the address
of the true client, or why it is not known. A relay that we know writes its own line above everything that it was
given; so lines are read from the top, and only while they were written by relays that we know. What stands below is a
stranger's text and never looked at.

A line is read whole and strictly, because much of it is a stranger's text, too: an EHLO name such as
``x (y [10.0.0.5]) by relay with ESMTPA`` is an attack. Comments are taken out first, the address is believed only
where the mail servers of ``_ADDRESS`` write it, and a line with two of them is not understood.

STANDARDS: RFC 5321 4.4 (form of the line), RFC 3848 and RFC 6531 4.3 (what "with" says of authentication).
LIMITS: the lines of Postfix, Exim, Sendmail, Exchange, IIS, Domino, Haraka, OpenSMTPD, qmail, dma, nullmailer; others
that write "(name [address])".
"""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

#: "with" of a session in which the client logged in; "mapi" is an Exchange mailbox.
_AUTHENTICATED = frozenset(
    {"esmtpa", "esmtpsa", "lmtpa", "lmtpsa", "utf8smtpa", "utf8smtpsa", "utf8lmtpa", "utf8lmtpsa", "mapi"}
)
#: What Exim writes of mail that no network brought.
_LOCAL = frozenset({"local", "local-smtp", "local-esmtp", "local-bsmtp"})

_IP = r"(?:IPv6:)?(?P<ip>[0-9A-Fa-f.:]{2,45})(?:%\w{1,15})?"
_NAME = r"(?!HELO |EHLO )[^\s()\[\]]+"
#: What a comment behind the EHLO name may be, as each mail server writes it.
_ADDRESS = (
    # Postfix, Sendmail, OpenSMTPD, Haraka: (name [address]), ([address]), (name [address] (may be forged))
    re.compile(rf"(?:{_NAME} )?\[{_IP}\](?: \(may be forged\))?", re.IGNORECASE),
    # Exim with a name for the address: ([address]:port helo=name ident=name)
    re.compile(rf"\[{_IP}\](?::[0-9]{{1,5}})?(?: (?:port|helo|ident)=[^\s()]+)*", re.IGNORECASE),
)
#: Exchange: (address). Others write other things without brackets, so only where Exchange says that it is.
_EXCHANGE = re.compile(_IP, re.IGNORECASE)
#: Exim without a name for the address: from [address] (port=… helo=…). Elsewhere that is the EHLO name.
_EXIM = re.compile(rf"\[{_IP}\](?::[0-9]{{1,5}})?", re.IGNORECASE)
_EXIM_COMMENT = re.compile(r"(?:port|helo|ident)=[^\s()]+(?: (?:port|helo|ident)=[^\s()]+)*", re.IGNORECASE)
#: What programs write of mail that was written on their own machine, where no general form says so. dma writes its id
#: before "by", the others write nothing but a comment; IIS takes files from a folder.
_WRITTEN_HERE = re.compile(
    r"\((?:nullmailer pid|qmail) [0-9]+ invoked by (?:uid [0-9]+|alias)\)"
    r"|from [^\s()]+ \(uid [0-9]+\) \(envelope-from [^\s()]*\) id [0-9a-f.]+ by [^\s()]+ "
    r"\(DragonFly Mail Agent [^()]*\)"
    r"|from mail pickup service by [^\s()]+ with Microsoft SMTPSVC(?:\([0-9.]+\))?"
)
#: qmail writes two lines for mail from the network; the client is in the lower one. What a stranger calls itself has
#: no other signs there than these, so that it brings no bracket along (``issafe`` of received.c).
_QMAIL_NETWORK = re.compile(r"\(qmail [0-9]+ invoked from network\)")
_QMAIL_SIGNS = r"[A-Za-z0-9.@%+/=:?-]"
_QMAIL = re.compile(
    rf"from {_QMAIL_SIGNS}+ (?:\(HELO {_QMAIL_SIGNS}*\) )?\((?:{_QMAIL_SIGNS}+@)?(?P<ip>[0-9A-Fa-f.:]+)\) "
    rf"by {_QMAIL_SIGNS}+ with (?P<protocol>[A-Za-z0-9]+)"
)
#: Anything that could be an address, wherever it stands in a comment.
_LOOKS_LIKE_ADDRESS = re.compile(
    r"(?:^|[\s\[@:])(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{0,40}:)"
)
#: A bracket, a quoted pair of a comment, white space, or a word.
_PIECE = re.compile(r"[()]|\\.|\s+|[^\s()\\]+|\\")
#: No mail server writes more into one line.
LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Hop:
    """What one line says of the client of the server that wrote it.

    ``ip`` is "" where it names no client; ``authenticated``: the client logged in there; ``local``: the mail was
    written on that machine, and no network brought it.
    """

    ip: str
    authenticated: bool = False
    local: bool = False


_HERE = Hop("", local=True)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a mail entered the relays that we know. ``passed_on``: that client itself had it from another host.

    Whoever writes no mail of its own is a relay that nobody has named, and may take mail from anywhere.
    """

    ip: str
    passed_on: bool = False


@dataclass(frozen=True, slots=True)
class Untold:
    """Why the true client is not known."""

    why: str


def true_client(received: Sequence[str], relay: str, is_relay: Callable[[str], bool]) -> Origin | Untold:
    """The address at which a mail entered the relays that we know; ``relay`` is the one that handed it to us.

    The relay's own address is the answer where it vouches for the mail itself: its client logged in, or nothing but
    relays is in the trace (the mail was written there). ``is_relay`` says whether an address is one of ours.
    """
    wrote, hops = False, list(_hops(received))
    for depth, hop in enumerate(hops, 1):
        if hop is None:
            return Untold(f"the Received line of {relay} can't be read")
        if hop.authenticated:
            return Origin(relay)
        wrote = True
        # No network brought it: written there, or put back by a content filter, and then the next line says more.
        if _is_itself(hop):
            continue
        if not is_relay(hop.ip):
            below = hops[depth:]
            return Origin(hop.ip, passed_on=not all(each is not None and _is_itself(each) for each in below))
        relay, wrote = hop.ip, False
    return Origin(relay) if wrote else Untold(f"the relay at {relay} wrote no Received line")


def was_written_there(received: Sequence[str]) -> bool:
    """Whether a client wrote the mail itself, by its own lines: each of them says that no network brought it.

    True without any line. A line from loopback does not count: behind a proxy that is everybody.
    """
    return all(hop is not None and hop.local for hop in _hops(received))


def _hops(received: Sequence[str]) -> Iterator[Hop | None]:
    """What each server says of its client, topmost first."""
    lines = iter(received)
    for line in lines:
        yield _qmail(next(lines, "")) if _QMAIL_NETWORK.fullmatch(_without_date(line)) else read_received(line)


def _qmail(value: str) -> Hop | None:
    found = _QMAIL.fullmatch(_without_date(value))
    return _hop(found, found["protocol"].lower()) if found else None


def _without_date(value: str) -> str:
    """A line of no more than the longest, in one line, without what follows its last semicolon."""
    return " ".join(value[:LONGEST].rpartition(";")[0].split())


def _is_itself(hop: Hop) -> bool:
    return not hop.ip or ipaddress.ip_address(hop.ip).is_loopback


def read_received(value: str) -> Hop | None:
    """One Received line (the unfolded value of its field); None where it is not understood."""
    if _WRITTEN_HERE.fullmatch(_without_date(value)):
        return _HERE
    parts = _split(value[: end if (end := value.rfind(";")) >= 0 else None]) if len(value) <= LONGEST else None
    # A second "by" came with the EHLO name, so the first is not the relay's own.
    if parts is None or parts.count(("word", "by")) != 1:
        return None
    by = parts.index(("word", "by"))
    before, after = parts[:by], parts[by:]
    comments = [text for kind, text in before if kind == "comment"]
    names = [word for kind, word in before if kind == "word"]
    protocol = _protocol(after)
    if not names:
        return _without_from(comments, protocol)
    if names[0].lower() != "from" or before[0][0] != "word" or len(names) > 2:
        return None
    name = names[1] if len(names) == 2 else ""
    if protocol in _LOCAL and not _looks_like_address(name, *comments):
        return _HERE
    return _from(name, comments, after, protocol)


def _without_from(comments: list[str], protocol: str) -> Hop | None:
    """A line without a from-clause: local mail; Sendmail has the client in a comment where EHLO was left out."""
    if not _looks_like_address(*comments):
        # Some hide the client of a session: only where no protocol is named, there was none.
        return Hop("", protocol in _AUTHENTICATED, local=not protocol)
    if len(comments) == 1 and comments[0].lower().startswith("from "):
        found = _ADDRESS[0].fullmatch(comments[0][5:])
        return _hop(found, protocol)
    return None


def _from(name: str, comments: list[str], after: list[tuple[str, str]], protocol: str) -> Hop | None:
    """A line with a from-clause: its one address."""
    addresses = [text for text in comments if _looks_like_address(text)]
    written = {text.split()[0] for kind, text in after if kind == "comment" and text}
    if not addresses or _EXIM_COMMENT.fullmatch(addresses[0]):
        if "Exim" in written and len(comments) <= 1 and all(map(_EXIM_COMMENT.fullmatch, comments)):
            return _hop(_EXIM.fullmatch(name), protocol)
        if "OpenSMTPD" in written and comments and comments[0].endswith("[local]"):
            return _HERE
        return None
    if len(addresses) > 1 or comments[0] != addresses[0]:
        return None
    if protocol in ("microsoft", "mapi") and (found := _EXCHANGE.fullmatch(addresses[0])):
        return _hop(found, protocol)
    found = next(filter(None, (form.fullmatch(addresses[0]) for form in _ADDRESS)), None)
    return _hop(found, protocol)


def _hop(found: re.Match[str] | None, protocol: str) -> Hop | None:
    if found is None:
        return None
    try:
        address = ipaddress.ip_address(found["ip"])
    except ValueError:
        return None
    return Hop(str(getattr(address, "ipv4_mapped", None) or address), protocol in _AUTHENTICATED)


def _looks_like_address(*texts: str) -> bool:
    return any(_LOOKS_LIKE_ADDRESS.search(text) for text in texts)


def _protocol(after: list[tuple[str, str]]) -> str:
    """The word behind the first "with", in lower case; "" where there is none."""
    words = [word.lower() for kind, word in after if kind == "word"]
    return next((word for before, word in itertools.pairwise(words) if before == "with"), "")


def _split(value: str) -> list[tuple[str, str]] | None:
    """("word" | "comment", text) of a line without its date; None where brackets don't match or a second date begins.

    One pass, so that a line made to hurt costs no more than its length. Comments nest; a backslash takes the next
    sign as it is (RFC 5322 3.2.2). "by" is given in lower case; before it no comment may stick to a word, because
    the one EHLO name could bring a comment along.
    """
    parts: list[tuple[str, str]] = []
    depth, start = 0, 0
    for found in _PIECE.finditer(value):
        piece = found[0]
        if piece == "(":
            if not depth and found.start() and not value[found.start() - 1].isspace() and ("word", "by") not in parts:
                return None
            start, depth = (found.end() if not depth else start), depth + 1
        elif piece == ")":
            depth -= 1
            if depth < 0:
                return None
            if not depth:
                parts.append(("comment", " ".join(value[start : found.start()].split())))
        elif not depth and not piece.isspace():
            if ";" in piece:
                return None
            parts.append(("word", "by" if piece.lower() == "by" else piece))
    return None if depth else parts
