"""Whether a fax gets a cover page, and what the fax service's own can't show.

In: the sender's mode, what the mail or the address asks for, whether there is text to see. Out: yes or no, and the
rule that decided, for people. ``docs/reference/cover.md`` is the table.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

#: ``cover_page`` of a sender's rule.
MODES = ("none", "on-demand", "always", "with-text")
#: What an address or a tag may ask for; "" asks for nothing.
WISHES = ("", "yes", "no")
#: Writing systems that every Windows font has: the fax service's cover page is taken to show them, and no other.
_SHOWN = ("LATIN", "GREEK", "CYRILLIC", "MODIFIER", "FEMININE", "MASCULINE", "COMBINING")


def covered(mode: str, wish: str, has_text: bool) -> bool:
    """Whether there is a cover page. A wish counts in every mode but "none", where nobody may have one."""
    if mode == "none":
        return False
    if wish:
        return wish == "yes"
    return mode == "always" or (mode == "with-text" and has_text)


def why_covered(mode: str, wish: str, has_text: bool) -> str:
    """The rule that decided, as the end of the sentence "cover page: …"."""
    if mode == "none":
        return "none for this sender"
    if wish:
        return "as the mail asks" if wish == "yes" else "none, as the mail asks"
    if mode == "with-text":
        return "with the text of the mail" if has_text else "none, since the mail has no text"
    return "on every fax of this sender" if mode == "always" else "none, since the mail does not ask for one"


def not_shown(texts: Iterable[str]) -> list[str]:
    """The writing systems in ``texts`` that the fax service's cover page may not show, each once, in their order."""
    found: dict[str, None] = {}
    for char in "".join(texts):
        if unicodedata.category(char)[0] in "LM" or char >= "\U00010000":
            writing = unicodedata.name(char, "UNKNOWN").split()[0]
            if writing not in _SHOWN and char not in "\u200d\ufe0f":
                sign = unicodedata.category(char)[0] == "S"
                found["emoji" if sign else writing.replace("CJK", "Chinese").capitalize()] = None
    return list(found)
