"""Every sign is equally likely, and the kernel is asked seldom."""

from __future__ import annotations

from collections import Counter

import pytest

from mailfax.offramp.signs import STOCK, Signs


@pytest.mark.parametrize("number", [1, 2, 10, 28, 31, 128, 255, 256])
def test_every_sign_is_equally_likely(number: int) -> None:
    """Of all bytes, each once, every sign is drawn as often as every other, and as often as can be."""
    alphabet = "".join(chr(256 + n) for n in range(number))
    asked = []

    def draw(wanted: int) -> bytes:
        asked.append(wanted)
        if len(asked) > 1:
            raise EOFError
        return bytes(range(256))

    signs = Signs(draw)
    drawn: Counter[str] = Counter()
    with pytest.raises(EOFError):
        while True:
            drawn[signs(alphabet)] += 1
    assert set(drawn.values()) == {256 // number} and len(drawn) == number
    assert asked == [STOCK, STOCK]


def test_two_of_them_draw_differently() -> None:
    one, other = Signs(), Signs()
    assert [one("0123456789") for _ in range(40)] != [other("0123456789") for _ in range(40)]
