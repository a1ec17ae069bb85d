"""The one table of answers agrees with itself."""

from __future__ import annotations

import string

import pytest

from mailfax.rules.status import Cause, refusal, status

NAMES = "why domain example sender ip postmaster limit name syntax pages size attempts word delivered"
NAMES += " payer number login used left first second third more code"
FACTS = dict.fromkeys(NAMES.split(), "7")


@pytest.mark.parametrize("cause", Cause)
def test_first_digits_agree(cause: Cause) -> None:
    """RFC 2034 4: the class of the enhanced code is the first digit of the reply (421 goes with 4.x.x)."""
    if cause.reply_code:
        assert cause.code[0] == str(cause.reply_code)[0]


@pytest.mark.parametrize("cause", Cause)
def test_every_sentence_can_be_filled_and_says_something(cause: Cause) -> None:
    names = {name for _, name, _, _ in string.Formatter().parse(cause.value[2]) if name}
    assert names <= FACTS.keys()
    told = status(cause, **FACTS)
    assert len(told.sentence) > 5 and told.diagnostic.startswith("x-mailfax; ")
    assert "{" not in told.sentence


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause.reply_code])
def test_a_reply_is_one_short_printable_line_whatever_a_stranger_wrote(cause: Cause) -> None:
    reply = refusal(cause, **dict.fromkeys(FACTS, "ü\r\n250 Ok\x00" * 500)).reply
    assert reply.isprintable() and reply.isascii() and len(reply) <= 510
