"""XML as .NET services really send it."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.faxcore.xml import ANSWER_LIMIT, LeafStream, NotXml, TextStream, read_answer

PLAIN = '<?xml version="1.0" encoding="utf-8"?>\r\n<ApiResponse><Results>Zoë</Results></ApiResponse>'


@pytest.mark.parametrize(
    "octets",
    [
        PLAIN.encode(),
        codecs.BOM_UTF8 + PLAIN.encode(),
        b"\r\n \t" + PLAIN.encode(),
        PLAIN.replace("utf-8", "utf-16").encode(),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"),
        PLAIN.encode("cp1252"),
        PLAIN.replace("<ApiResponse>", '<ApiResponse xmlns="http://tempuri.org/">').encode(),
        PLAIN.replace("Results", "x:RESULTS")
        .replace("<ApiResponse>", '<apiresponse xmlns:x="u">')
        .replace("</Api", "</api")
        .replace("apiResponse", "apiresponse")
        .encode(),
    ],
    ids=[
        "plain",
        "bom",
        "blank first",
        "utf-16 declared",
        "utf-16",
        "utf-16 without bom",
        "utf-16-be",
        "cp1252",
        "namespace",
        "prefix and case",
    ],
)
def test_the_same_answer_in_every_coat(octets):
    answer = read_answer(octets)
    assert (answer.root, answer.text("results")) == ("apiresponse", "Zoë")


@pytest.mark.parametrize(
    "inside, text",
    [
        ("Smith & Sons", "Smith & Sons"),
        ("a&nbsp;b", "a&nbsp;b"),
        ("a&#x0B;b&#xD800;c&#0;d", "abcd"),
        ("a\x0bb", "ab"),
        ("&lt;a&gt; & b", "<a> & b"),
    ],
)
def test_careless_writing_is_repaired_and_owned_up_to(inside, text):
    answer = read_answer(f"<ApiResponse><Results>{inside}</Results></ApiResponse>".encode())
    assert answer.text("results") == text
    assert answer.repaired


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"<",
        b"<ApiResponse>",
        b"<a/><b/>",
        b'{"a": 1}',
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b"<!DOCTYPE html><html></html>",
        b'<?xml version="1.0"?><!DOCTYPE a SYSTEM "http://example.com/x.dtd"><a/>',
        b"<a>" + b"x" * ANSWER_LIMIT + b"</a>",
    ],
)
def test_what_is_not_a_whole_plain_document_is_refused(octets):
    with pytest.raises(NotXml):
        read_answer(octets)


def test_a_list_refuses_an_element_without_end():
    stream = LeafStream()
    with pytest.raises(NotXml):
        for _ in range(3):
            stream.feed("<a>" + "x" * 5_000)


@given(st.lists(st.binary(max_size=6)))
def test_text_in_pieces_is_the_text_of_the_whole(pieces):
    """Invariant: where the bytes are cut never shows in the text."""
    stream = TextStream()
    text = "".join([stream.feed(piece) for piece in pieces]) + stream.feed(b"", last=True)
    assert text == TextStream().feed(b"".join(pieces), last=True)


@given(st.binary() | st.text().map(str.encode) | st.text("<>/ab&;#x0![]-?'\"= ").map(str.encode))
def test_any_bytes_are_an_answer_or_not_xml(octets):
    try:
        answer = read_answer(octets)
    except NotXml:
        return
    assert answer.root
