"""text/enriched is read as its words."""

from __future__ import annotations

import pytest

from mailfax.rules.enriched import plain
from mailfax.rules.submission import understand


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<bold>Now</bold> is\nthe time", "Now is the time"),
        ("one\n\ntwo\n\n\nthree", "one\ntwo\n\nthree"),
        ("<color><param>red</param>red</color> a << b", "red a < b"),
        ("a\nb<nofill>\n  c\n  d</nofill>e\nf", "a b\n  c\n  de f"),
        ("<nofill>never\nclosed", "never\nclosed"),
        ("5 < 6 and 7 > 4", "5 < 6 and 7 > 4"),
    ],
)
def test_commands_go_and_words_stay(text: str, words: str) -> None:
    assert plain(text) == words


def test_a_mail_of_it() -> None:
    raw = b"Content-Type: text/enriched; charset=iso-8859-1\r\n\r\n<bold>Gr\xfc\xdfe</bold> an\r\nalle\r\n"
    [part] = understand(raw).parts
    assert part.text.strip() == "Gr\xfc\xdfe an alle"
