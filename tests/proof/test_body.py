"""The streamed body hash is dkimpy's, wherever the blocks are cut."""

from __future__ import annotations

import hashlib
import itertools

import pytest
from dkim.canonicalization import Relaxed, Simple
from hypothesis import given, settings
from hypothesis import strategies as st

from mailfax.proof.body import BodyHash

PIECES = st.lists(
    st.sampled_from([b"a", b"bc", b" ", b"\t", b"\r\n", b"\r\n\r\n", b"  \r\n", b"\r", b"\n"]), max_size=30
)


def streamed(body: bytes, cuts: list[int], *, relaxed: bool) -> tuple[bytes, int]:
    found = BodyHash(relaxed=relaxed)
    for start, end in itertools.pairwise([0, *sorted(cuts), len(body)]):
        found.update(body[start:end])
    return found.finish(), found.length


@settings(max_examples=1500, deadline=None)
@given(pieces=PIECES, cuts=st.lists(st.integers(0, 60), max_size=8), relaxed=st.booleans())
def test_a_stream_hashes_as_the_whole(pieces: list[bytes], cuts: list[int], relaxed: bool) -> None:
    body = b"".join(pieces) + b"\r\n"  # SMTP data ends a line (RFC 5321 4.1.1.4)
    canonical = (Relaxed if relaxed else Simple).canonicalize_body(body)
    found = streamed(body, [min(cut, len(body)) for cut in cuts], relaxed=relaxed)
    assert found == (hashlib.sha256(canonical).digest(), len(canonical))


@pytest.mark.parametrize(("relaxed", "canonical"), [(True, b""), (False, b"\r\n")])
@pytest.mark.parametrize("body", [b"", b"\r\n", b"\r\n\r\n\r\n"])
def test_an_empty_body_is_what_rfc_6376_says(body: bytes, relaxed: bool, canonical: bytes) -> None:
    assert streamed(body, [], relaxed=relaxed) == (hashlib.sha256(canonical).digest(), len(canonical))


@pytest.mark.parametrize("piece", [b" ", b"\t", b"\r\n", b" \r\n", b"\r", b"\n", b"\r\r\n"])
@pytest.mark.parametrize("relaxed", [True, False])
def test_a_body_made_to_hurt_is_read_in_a_moment_and_held_by_nobody(piece: bytes, relaxed: bool) -> None:
    """dkimpy takes the square of the length of a run of blanks: minutes for a megabyte."""
    found = BodyHash(relaxed=relaxed)
    block = (piece * 65_536)[:65_536]
    for _ in range(64):
        found.update(block)
    found.update(b"x")
    assert len(found._held) <= 2
    found.finish()
