"""Whether a fax gets a cover page: the whole table."""

from __future__ import annotations

import pytest

from mailfax.rules.cover import MODES, WISHES, covered, not_shown

#: mode -> what comes of (asks for nothing, yes, no), each without and with text.
TABLE = {
    "none": ("no no", "no no", "no no"),
    "on-demand": ("no no", "yes yes", "no no"),
    "always": ("yes yes", "yes yes", "no no"),
    "with-text": ("no yes", "yes yes", "no no"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wish", WISHES)
def test_mode_wish_and_text_decide(mode: str, wish: str) -> None:
    said = TABLE[mode][WISHES.index(wish)].split()
    assert [covered(mode, wish, has_text) for has_text in (False, True)] == [word == "yes" for word in said]


@pytest.mark.parametrize(
    ("text", "writings"),
    [
        ("Grüße, Łódź, Ağrı, Việt Nam, №5 – 12 €", []),
        ("Счёт, Τιμολόγιο", []),
        ("חשבונית 12", ["Hebrew"]),
        ("请见附件", ["Chinese"]),
        ("ご確認ください 12", ["Hiragana", "Chinese"]),
        ("फ़ैक्स", ["Devanagari"]),
        ("Thanks 👍", ["emoji"]),
        ("Invoice → 12 “quoted” ™", []),
    ],
)
def test_what_the_service_s_cover_page_may_not_show(text: str, writings: list[str]) -> None:
    found = not_shown((text,))
    assert set(writings) <= set(found) and bool(found) is bool(writings)
