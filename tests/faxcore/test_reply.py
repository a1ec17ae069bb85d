"""What may be shown of a foreign text."""

from __future__ import annotations

import pytest

from mailfax.faxcore.reply import EXCERPT, excerpt


@pytest.mark.parametrize(
    "text, shown",
    [
        ("Your fax to 15551234567 has been queued as 209608080375", "Your fax to …4567 has been queued as …0375"),
        ("Call +1 (555) 123-4567 or 555.123.4567", "Call +…4567 or …4567"),
        ("1 555\r\n123\t4567", "…4567"),
        ("1\u200b5551234567", "…4567"),
        ("Error 123456 at 10:54:18", "Error 123456 at 10:54:18"),
        ("text/xml; charset=utf-8", "text/xml; charset=utf-8"),
    ],
)
def test_no_whole_fax_number_gets_into_a_diagnostic(text, shown):
    assert excerpt(text) == shown


def test_a_number_at_the_cut_is_not_whole_either():
    assert "15551234567" not in excerpt("x" * (EXCERPT - 11) + "15551234567")
    assert len(excerpt("x y" * 9999)) == EXCERPT
