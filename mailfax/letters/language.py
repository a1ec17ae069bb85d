"""What is said, in the language of its reader.

In: text in English, in which everything is written, also what the spool keeps of an outcome. Out: the same in another
language, by a gettext catalogue whose keys are the English texts (``languages/*.po``). A sentence with values in it
is known by its template: what stands at the placeholders is taken over into the translation. Times, counts and other
values of ours are translated as well; what strangers wrote never is.

What no catalogue knows stays English: the alarms to the postmaster, what FaxCore said, and why a converter failed.
"""

from __future__ import annotations

import functools
import pkgutil
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from babel import Locale
from babel.dates import format_skeleton
from babel.messages.pofile import read_po

from mailfax.letters import texts
from mailfax.letters.blocks import Block, Facts, Headline, Listing, Paragraph, Picture, Results
from mailfax.letters.plain import DAYS, MONTHS

#: Values that are ours, and have entries of their own in the catalogue.
_OURS = frozenset({"counts", "faxes", "pages", "announced", "form", "number", "why"})
#: Placeholders that stand for digits: else "page {page}" would fit too much.
_DIGITS = frozenset({"n", "m", "page"})
#: Rows whose values strangers wrote.
_OF_STRANGERS = frozenset(
    {texts.ROW_SUBJECT, texts.ROW_RECIPIENT, texts.ROW_ADDRESS, texts.ROW_SENDER, texts.ROW_CALLER}
)
#: Names of files and callers that are ours; all others are those of strangers.
_OUR_NAMES = frozenset({"text of the mail", texts.VEILED_FILE, texts.INBOUND_UNKNOWN})
#: What is longer than this, and no text of ours as it stands, is a stranger's: nobody tries templates on it.
_LONGEST = 1500
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
#: A time as ``plain.moment`` writes it.
_MOMENT = re.compile(rf"(?:{'|'.join(DAYS)}) (\d{{1,2}}) ({'|'.join(MONTHS)}) (\d{{4}})(, \d\d:\d\d \(UTC[^)]*\))")


class Language:
    """One language. ``code`` is one of ``config.values.LANGUAGES``."""

    def __init__(self, code: str) -> None:
        self.code = code
        self._known = dict(_catalogue(code)) if code != "en" else {}
        with_values = [template for template in self._known if _PLACEHOLDER.search(template)]
        with_values.sort(key=lambda template: -len(_PLACEHOLDER.sub("", template)))  # what says more is tried first
        self._templates = [(_pattern(template), self._known[template]) for template in with_values]

    def say(self, text: str) -> str:
        """``text`` in this language, or as it is where no entry fits."""
        return text if self.code == "en" else self._said(text) or text

    def of(self, said: Sequence[Block]) -> tuple[Block, ...]:
        """Blocks in this language."""
        return tuple(said) if self.code == "en" else tuple(map(self._block, said))

    def _said(self, text: str) -> str:
        if text in self._known:
            return self._known[text]
        if moment := _MOMENT.fullmatch(text):
            day, month, year, time = moment.groups()
            return self._date(date(int(year), MONTHS.index(month) + 1, int(day))) + time
        for pattern, translation in self._templates if len(text) <= _LONGEST else ():
            if found := pattern.fullmatch(text):
                return translation.format_map({name: self._value(name, v) for name, v in found.groupdict().items()})
        if text.endswith(".") and (sentence := self._said(text[:-1])):
            return f"{sentence}."
        return ""

    def _value(self, name: str, value: str) -> str:
        if name == "counts":
            return ", ".join(map(self.say, value.split(", ")))
        return self.say(value) if name in _OURS or value in _OUR_NAMES else value

    def _date(self, day: date) -> str:
        return format_skeleton("yMMMEd", day, locale=Locale.parse(self.code))

    def _block(self, block: Block) -> Block:
        match block:
            case Headline():
                return replace(block, text=self.say(block.text))
            case Paragraph():
                return Paragraph(tuple(map(self.say, block.sentences)))
            case Listing():
                return Listing(self.say(block.heading), tuple(map(self._entry, block.entries)))
            case Facts():
                rows = (
                    (self.say(name), value if name in _OF_STRANGERS and value not in _OUR_NAMES else self.say(value))
                    for name, value in block.rows
                )
                return Facts(tuple(rows))
            case Results():
                told = ((self.say(title), tuple(map(self._note, notes))) for title, notes in block.rows)
                return Results(tuple(told))
            case Picture():
                return replace(block, caption=self.say(block.caption))

    def _entry(self, entry: str) -> str:
        """What is in a fax: a name alone is that of a file."""
        is_sentence = ": " in entry or (" " in entry and entry.endswith("."))
        return self.say(entry) if is_sentence or entry in _OUR_NAMES else entry

    def _note(self, note: str) -> str:
        """A text, or a label with its value."""
        label, colon, value = note.partition(": ")
        return f"{self.say(label)}: {self.say(value)}" if colon and label in self._known else self.say(note)


def _pattern(template: str) -> re.Pattern[str]:
    """What fits an English text in which the placeholders have values."""
    pieces, seen = [], set[str]()
    for place, piece in enumerate(_PLACEHOLDER.split(template)):
        if place % 2 == 0:
            pieces.append(re.escape(piece))
        elif piece in seen:
            pieces.append(f"(?P={piece})")
        else:
            seen.add(piece)
            pieces.append(f"(?P<{piece}>[0-9]+)" if piece in _DIGITS else f"(?P<{piece}>.+?)")
    return re.compile("".join(pieces), re.DOTALL)


def _catalogue(code: str) -> Iterator[tuple[str, str]]:
    file = pkgutil.get_data("mailfax.letters", f"languages/{code}.po")
    assert file is not None
    for message in read_po(file.splitlines(keepends=True), locale=code):
        if message.id:
            yield str(message.id), str(message.string)


@functools.cache
def language(code: str) -> Language:
    """The language of this code; English where there is none of that name."""
    return Language(code)


ENGLISH = language("en")
