"""What users read is in their language, whole: no English is left but what FaxCore and converters said."""

from __future__ import annotations

import email
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from babel.messages.pofile import read_po
from hypothesis import given, settings
from hypothesis import strategies as st

from mailfax.config.values import LANGUAGES
from mailfax.letters import texts
from mailfax.letters.blocks import Listing
from mailfax.letters.language import Language, _catalogue, language
from mailfax.letters.plain import COLUMNS
from mailfax.rules.status import Cause
from tests.structure import notifications
from tests.structure.packages import PACKAGE

OTHERS = [code for code in LANGUAGES if code != "en"]
FILES = PACKAGE / "letters/languages"
#: What the postmaster reads stays English.
OF_THE_POSTMASTER = re.compile(
    r"ALARM|FAX_ALARM|ALL_CLEAR|APPROVAL_(TEXT|NEXT)|CEILING|QUIET|HEARD|DISK|RECOVERED|DAMAGED|LEFT_OUT|UNDELIVERABLE|REFUSED"
    r"|RELAY|KINDS|TEST_SUBJECT|ROW_(SAID|WAITED|KIND|RECIPIENTS|ABOUT|LETTER)|OPEN_FAX|INBOUND_AND|VEILED_FILE"
)

#: Why something failed stays as converters say it.
REASONS = ("its end is missing", "the file has no pages")
ENGLISH_WORDS = re.compile(r"\b(the|has|have|been|fax service|queue|you|your|Nov 2026)\b")


def said_by(value: object) -> Iterator[str]:
    """The texts in a constant."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, texts.Outcome):
        yield from (getattr(value, name) for name in ("subject", "headline", "ended", "next", "several", "section"))
    elif isinstance(value, tuple | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from said_by(each)


def english() -> set[str]:
    """All that a user may read."""
    names = [name for name in vars(texts) if name.isupper() and not OF_THE_POSTMASTER.match(name)]
    causes = list(Cause)
    outcomes = causes[causes.index(Cause.UNREADABLE_MAIL) :]
    return {text for name in names for text in said_by(vars(texts)[name]) if text} | {
        each.value[2] for each in outcomes
    }


@pytest.mark.parametrize("code", OTHERS)
def test_a_catalogue_has_every_text_with_its_values(code: str) -> None:
    known = dict(_catalogue(code))
    assert english() - known.keys() == set()
    assert known.keys() == dict(_catalogue("de")).keys(), "all languages have the same texts"
    for said, translated in known.items():
        assert translated.strip() == translated != "", said
        assert set(re.findall(r"\{\w+\}", said)) == set(re.findall(r"\{\w+\}", translated)), said
        assert all(unicodedata.category(sign)[0] != "C" for sign in translated), said
        assert said.endswith(".") == translated.endswith("."), said


@pytest.mark.parametrize("file", sorted(FILES.glob("*.po")), ids=lambda file: file.stem)
def test_a_catalogue_is_what_programs_for_translators_read(file: object) -> None:
    with FILES.joinpath(str(getattr(file, "name", ""))).open("rb") as stream:
        catalogue = read_po(stream, abort_invalid=True)
    assert not [message.id for message in catalogue if message.id and (message.fuzzy or list(message.check()))]


def mails(code: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, EmailMessage]]:
    monkeypatch.setattr(notifications, "SITE", replace(notifications.SITE, language=code))
    for title, letter in notifications.all_notifications():
        mail = email.message_from_bytes(letter.content, policy=SMTP)
        assert isinstance(mail, EmailMessage)
        if letter.recipients != ("postmaster@example.com",) or "copier" in title:
            yield title, mail


@pytest.mark.parametrize("code", OTHERS)
def test_no_notification_has_english_left(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(_catalogue(code))
    # Words that are the same in both languages say nothing.
    left = {text for text, other in known.items() if len(text) > 12 and "{" not in text and text != other}
    for title, mail in mails(code, monkeypatch):
        body = mail.get_body(("plain",))
        assert body is not None
        text = body.get_content()
        flat = " ".join(text.split())
        assert not [each for each in left if each in flat], title
        assert all(len(line) <= COLUMNS or " " not in line.strip() for line in text.splitlines()), title
        page = mail.get_body(("html",))
        assert page is not None and f'<html lang="{code}">' in page.get_content()
        for reason in REASONS:
            flat = flat.replace(reason, "")
        assert not ENGLISH_WORDS.search(flat), title


def test_a_time_is_written_as_its_reader_writes_it() -> None:
    english_time = "Mon 23 Nov 2026, 21:04 (UTC+01:00)"
    assert [language(code).say(english_time) for code in LANGUAGES] == [
        english_time,
        "Mo., 23. Nov. 2026, 21:04 (UTC+01:00)",
        "lun. 23 nov. 2026, 21:04 (UTC+01:00)",
        "lun, 23 nov 2026, 21:04 (UTC+01:00)",
        "seg., 23 de nov. de 2026, 21:04 (UTC+01:00)",
    ]


def test_what_strangers_wrote_stays_as_it_is() -> None:
    german = language("de")
    assert german.say(
        '"Failed" is encrypted or protected by a password; remove the protection and send it again'
    ).startswith("„Failed“ ist verschlüsselt")
    assert german.say("Delivered: page 3") == "Delivered: Seite 3", "a file of this name"
    assert german.say("text of the mail: pages 1-2") == "Text der Nachricht: Seiten 1-2"
    assert german.say("Fax from Cancelled") == "Fax von Cancelled"
    assert german.say("Fax from an unknown number") == "Fax von einer unbekannten Nummer"
    assert german.say("Fax from " * 500 + "x") == "Fax from " * 500 + "x", "no text is searched for ever"
    [listed] = german.of([Listing("Left out of the fax:", ("none", "Delivered", "A file"))])
    assert listed == Listing("Nicht im Fax enthalten:", ("none", "Delivered", "Eine Datei"))
    assert german.say("Something that nobody has foreseen.") == "Something that nobody has foreseen."


@pytest.mark.parametrize("code", OTHERS)
@settings(deadline=None, max_examples=50)
@given(value=st.text(min_size=1))
def test_a_value_comes_through_whole(code: str, value: str) -> None:
    template = Cause.FAILED_THERE.value[2]
    said = language(code).say(template.format(word=value))
    assert value in said and said == dict(_catalogue(code))[template].format(word=value)


def test_english_costs_nothing_and_knows_nothing() -> None:
    assert Language("en").say("Delivered") == "Delivered" and not Language("en")._known
