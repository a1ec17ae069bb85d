"""What a recipient means: a fax number with fields for its cover, an alias, the subject mailbox, or our postmaster.

In: the text between the angle brackets of RCPT TO. Out: a ``Destination``, or the refusal that says how to write it.

The local part is one of

    15551234567                         a number, however it is punctuated
    Jane.Doe=15551234567                the recipient's name for the cover; dots and underscores are spaces
    FAX=+15551234567                    RFC 3192; slashes before and behind it, case, "-" and "." say nothing
    sales                               an alias of the configuration
    15551234567/to=Jane_Doe/company=Example_Ltd/subject=Invoice_12
                                        any of the above with fields for the cover; "_" is a space, %2F is "/"
    15551234567/cover=no                without a cover page, or with one ("yes")
    15551234567/code=4711               booked to that billing code
    15551234567/at=18.00                not before that time, of the sender's clock; also 18:00 and 1800
    csv                                 the numbers stand in the CSV file that is attached
    preview, preview+15551234567        the pages are mailed back, and nothing is faxed; behind "+" any of the above

Field names are case-blind; one that is not known, empty or written twice is refused by its name, never passed over.

STANDARDS: RFC 3191 and 3192 (``FAX=``, ``T33S=``), RFC 5321 4.5.1 (postmaster), 4.5.3.1.1 (64 octets before the @).
LIMITS: subaddresses (T33S) are refused because FaxCore can't dial them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from mailfax.config.hours import time_of_day
from mailfax.rules.address import fold_domain, parse_mailbox
from mailfax.rules.aliases import Aliases
from mailfax.rules.attached_list import MAILBOX
from mailfax.rules.envelope import PREVIEW, Destination, FaxNumber
from mailfax.rules.number import Unfit, example, read_number
from mailfax.rules.status import Cause, Refusal, refusal

OUR_POSTMASTER = Destination()
COVER_FIELDS = ("to", "company", "subject", "cover", "at", "code")
#: Service selectors of RFC 3191 and its kin: they say how to call, and so are nobody's name.
_SELECTORS = frozenset({"fax", "voice", "sms", "pager", "tel", "t33s"})
#: How many numbers of a list a reply names.
_SHOWN = 10
#: A preview, for a number or for none.
_PREVIEW = re.compile(r"preview(?:\+|$)", re.IGNORECASE)
_TIME_WITH_COLON = re.compile(r"(/at=[0-9]{1,2}):([0-9]{2})(?=[/@]|$)", re.IGNORECASE)
#: A number, or a piece of a web address: whoever writes that before "=" means no name, and may mean this number
#: (``15552220900?recpfax=15550006666``). A room or a year is no number.
_NO_NAME = re.compile(r"[?&#]|[0-9](?:[^\w]*[0-9]){6,}")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Addressing:
    """How recipients are written here. ``subject_mailbox`` is "" where no mail has its number in the subject."""

    fax_domains: Sequence[str]
    default_country: str
    aliases: Aliases
    subject_mailbox: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """A local part taken apart: ``number`` is a number or a name; ``cover`` holds the fields in the order written."""

    number: str
    cover: Mapping[str, str]


def read_recipient(text: str, by: Addressing, *, device: bool = False) -> Destination | Refusal:
    """What RCPT TO:<``text``> means, whoever sends to it.

    ``device``: a copier's operator types a number and no domain; there, the first fax domain is meant.
    """
    home = by.fax_domains[0]
    # No colon may stand there without quotes (RFC 5321 4.1.2), and everybody writes 18:00 with one.
    mailbox = parse_mailbox(_TIME_WITH_COLON.sub(r"\1.\2", text))
    if isinstance(mailbox, str):
        return refusal(Cause.ADDRESS_SYNTAX, why=mailbox, domain=home)
    postmaster = mailbox.local.lower() == "postmaster"
    if not mailbox.domain:
        if not postmaster and not device:
            return refusal(Cause.ADDRESS_SYNTAX, why="it has no domain", domain=home)
    elif fold_domain(mailbox.domain) not in {fold_domain(domain) for domain in by.fax_domains}:
        return refusal(Cause.FOREIGN_DOMAIN, domain=home)
    if postmaster:
        return OUR_POSTMASTER
    if by.subject_mailbox and mailbox.local.casefold() == by.subject_mailbox.casefold():
        return Destination(in_subject=True)
    if mailbox.local.casefold() == MAILBOX:
        return Destination(in_list=True)
    asked = _PREVIEW.match(mailbox.local)
    local, preview = (mailbox.local[asked.end() :], (PREVIEW,)) if asked else (mailbox.local, ())
    if asked and not local:
        return Destination((), preview)
    written = take_apart(local)
    if isinstance(written, Unfit):
        return refusal(written.cause, why=written.why, domain=home, example=example(by.default_country))
    cover = (*written.cover.items(), *preview)
    if numbers := by.aliases.get(written.number.casefold()):
        return Destination(numbers, cover)
    found = read_number(written.number, default_country=by.default_country)
    if isinstance(found, Unfit):
        return refusal(found.cause, why=found.why, domain=home, example=example(by.default_country))
    before_at = text[: text.rfind("@")] if mailbox.domain else text
    return Destination((FaxNumber(found.dialled, before_at, found.region),), cover)


def take_apart(local: str) -> Written | Unfit:
    """The number (or alias) and the cover fields of a local part, or why it has neither."""
    if "=" not in local and "/" not in local:
        return Written(local, {})
    slashed = local.startswith("/")
    first, *others = local.removeprefix("/").removesuffix("/").split("/")
    before, equals, number = first.partition("=")
    cover: dict[str, str] = {}
    if equals and before.upper() == "FAX":
        pass
    elif slashed:
        return Unfit(Cause.NUMBER_SYNTAX, "only /FAX= may begin with a slash")
    elif equals:
        name = _recipient_name(before)
        if isinstance(name, Unfit):
            return name
        cover["to"] = name
    else:
        number = before
    for other in others:
        field = _cover_field(other, cover)
        if isinstance(field, Unfit):
            return field
        cover[field[0]] = field[1]
    return Written(number, cover)


def _recipient_name(written: str) -> str | Unfit:
    """The name in ``name=number``."""
    key = written.casefold()
    if key in _SELECTORS:
        return Unfit(Cause.NUMBER_SYNTAX, f"{written}= is not known here, only FAX=")
    if key in COVER_FIELDS:
        return Unfit(Cause.COVER_FIELD, f"the number stands first, and {key}= behind it")
    name = _value(written.replace(".", " "), "the name")
    if isinstance(name, str) and not any(char.isalpha() for char in name):
        return Unfit(Cause.COVER_FIELD, "the name before = has no letters, so it could be a number, too")
    if isinstance(name, str) and (found := _NO_NAME.search(name)):
        return Unfit(
            Cause.COVER_FIELD, f'"{found[0]}" before = is no part of a name, and only one number may stand here'
        )
    return name


def _cover_field(written: str, seen: Mapping[str, str]) -> tuple[str, str] | Unfit:
    """(key, value) of one ``key=value``."""
    name, equals, value = written.partition("=")
    key = name.casefold()
    if not equals:
        return Unfit(Cause.COVER_FIELD, f'"{written}" is no field (key=value)' if written else "a field is empty")
    if key == "t33s":
        return Unfit(Cause.NUMBER_SYNTAX, "subaddresses (/T33S=) can't be dialled by the fax service")
    if key not in COVER_FIELDS:
        known = ", ".join(f"{field}=" for field in COVER_FIELDS)
        return Unfit(Cause.COVER_FIELD, f"/{name}= is not known here, only {known}")
    if key in seen:
        return Unfit(Cause.COVER_FIELD, f"{key}= is given twice")
    text = _value(value, f"{key}=")
    if key == "cover" and isinstance(text, str):
        text = text.casefold()
        if text not in ("yes", "no"):
            return Unfit(Cause.COVER_FIELD, "cover= is yes or no")
    if key == "at" and isinstance(text, str):
        try:
            text = f"{time_of_day(text):%H:%M}"
        except ValueError as wrong:
            return Unfit(Cause.COVER_FIELD, str(wrong))
    return text if isinstance(text, Unfit) else (key, text)


def _value(written: str, what: str) -> str | Unfit:
    """The text that a field means: "_" is a space, %XX is an octet of UTF-8."""
    if _BAD_ESCAPE.search(written):
        return Unfit(Cause.COVER_FIELD, f"in {what} stands a % that is not %XX")
    try:
        text = unquote_to_bytes(written.replace("_", " ")).decode("utf-8")
    except UnicodeDecodeError:
        return Unfit(Cause.COVER_FIELD, f"{what} is not UTF-8")
    if not text.isprintable():
        return Unfit(Cause.COVER_FIELD, f"{what} contains a character that can't be printed")
    return " ".join(text.split()) or Unfit(Cause.COVER_FIELD, f"{what} is empty")


def accepted(found: Destination) -> str:
    """The reply to a recipient that is taken: it says what will be dialled (RFC 5321 4.5.3.1.5: in 512 octets)."""
    if found.in_subject:
        return "250 2.1.5 Ok: the number at the beginning of the subject will be dialled"
    if found.in_list:
        return "250 2.1.5 Ok: the numbers in the attached CSV file will be dialled"
    if found.is_preview:
        return "250 2.1.5 Ok: the pages will be mailed back, and nothing will be faxed"
    if not found.numbers:
        return "250 2.1.5 Ok"
    shown = ", ".join(number.dialled for number in found.numbers[:_SHOWN])
    more = f" and {len(found.numbers) - _SHOWN} more" if len(found.numbers) > _SHOWN else ""
    at = dict(found.cover).get("at", "")
    return f"250 2.1.5 Ok: {shown}{more} will be dialled{f', not before {at}' if at else ''}"
