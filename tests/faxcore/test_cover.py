"""What goes out with a fax: always within IIS's limits, and never altered without ``fits`` saying so."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.faxcore.cover import CoverFields, FaxUpload, as_sent, encoded_octets, fits, notes_budget, query_for


def upload(filename: str = "fax.pdf", number: str = "15551234567", **cover: str) -> FaxUpload:
    return FaxUpload(number, CoverFields(**cover), filename, 1_000)


def decoded(query: str) -> dict[str, str]:
    return dict(parse_qsl(query, keep_blank_values=True, strict_parsing=True))


def test_the_parameters_stand_in_the_order_of_the_reference():
    query = query_for(upload(sender_name="a", sender_company="b", subject="c", notes="d", recipient_name="e"))
    assert query == "sendername=a&sendercompany=b&subject=c&notes=d&recpname=e&recpfax=15551234567&filename=fax.pdf"


def test_without_cover_fields_none_is_sent():
    assert query_for(upload()) == "recpfax=15551234567&filename=fax.pdf"


@pytest.mark.parametrize(
    "text, encoded",
    [
        ("a b", "a%20b"),
        ("1+1", "1%2B1"),
        ("one\r\ntwo", "one%0Atwo"),
        ("Zoë", "Zo%C3%AB"),
        ("a&b=c#d%20", "a%26b%3Dc%23d%2520"),
        ("<alice@example.com>", "%E2%80%B9alice%40example.com%E2%80%BA"),
        ("&#39;", "%26%20%2339%3B"),
        ("&\x00#", "%26%20%23"),
        ("a\x07b\x9fc\ud800d\uffffe", "abcde"),
        ("tab\there", "tab%20here"),
    ],
)
def test_notes_are_encoded_and_made_harmless(text, encoded):
    assert query_for(upload(notes=text)).startswith(f"notes={encoded}&")


def test_a_line_break_in_a_name_or_subject_is_a_blank():
    assert decoded(query_for(upload(subject="a\r\n b")))["subject"] == "a b"


def test_a_long_subject_keeps_the_reference_at_its_end():
    sent = as_sent(upload(subject="word " * 60 + "(Ref 7K3Q2M)")).subject
    assert len(sent) <= 128 and "…" in sent and sent.endswith("(Ref 7K3Q2M)")


def test_long_notes_are_cut_at_a_word_and_say_so():
    cut = upload(notes="Straße " * 400)
    assert not fits(cut)
    assert as_sent(cut).notes.endswith("Straße (continued)")


def test_fits_is_true_up_to_the_last_byte_of_the_budget():
    budget = notes_budget(upload(subject="Invoice", sender_name="Zoë"))
    for notes, whole in (("x" * budget, True), ("x" * (budget + 1), False)):
        made = upload(subject="Invoice", sender_name="Zoë", notes=notes)
        assert fits(made) is whole
        assert len(query_for(made)) <= 1_999
    assert len(query_for(upload(subject="Invoice", sender_name="Zoë", notes="x" * budget))) == 1_999


@pytest.mark.parametrize(
    "name, sent",
    [
        ("scan.PDF", "scan.pdf"),
        ("C:\\Users\\bob\\scan.pdf", "scan.pdf"),
        ("../../etc/pass.pdf", "pass.pdf"),
        ("Größe 1.tiff", "Groe_1.tiff"),
        ("書類.pdf", "document.pdf"),
        ("x" * 300 + ".pdf", "x" * 60 + ".pdf"),
    ],
)
def test_a_filename_goes_out_plain(name, sent):
    assert decoded(query_for(upload(filename=name)))["filename"] == sent


@pytest.mark.parametrize("number", ["", "12", "+15551234567", "555 1234", "1555123456a", "１２３４５", "1" * 21])
def test_a_number_is_digits_or_a_mistake(number):
    with pytest.raises(ValueError, match="digits"):
        upload(number=number)


def test_an_upload_needs_an_extension_and_bytes():
    with pytest.raises(ValueError, match="extension"):
        upload(filename="fax")
    with pytest.raises(ValueError, match="empty"):
        FaxUpload("15551234567", CoverFields(), "fax.pdf", 0)


anything = st.text() | st.text(st.characters(), min_size=100) | st.text("🐟<&#\n é", min_size=200)


@given(anything, anything, anything, anything, anything)
def test_any_cover_gives_a_query_under_2000_bytes_that_decodes_to_what_was_sent(a, b, c, d, e):
    """Invariant: within IIS's limit, no ``+``, no markup, and nothing is lost between as_sent and the far end."""
    made = upload(sender_name=a, sender_company=b, subject=c, notes=d, recipient_name=e)
    query, sent = query_for(made), as_sent(made)
    assert len(query) < 2_000 and query.isascii() and "+" not in query
    assert notes_budget(made) >= 600
    fields = decoded(query)
    assert fields.get("subject", "") == sent.subject
    assert fields.get("notes", "") == sent.notes
    assert (fields.get("sendername", ""), fields.get("recpname", "")) == (sent.sender_name, sent.recipient_name)
    assert "<" not in unquote(query) and "&#" not in sent.notes + sent.subject
    assert encoded_octets(sent.notes) <= notes_budget(made)
    again = upload(
        sender_name=sent.sender_name,
        sender_company=sent.sender_company,
        subject=sent.subject,
        notes=sent.notes,
        recipient_name=sent.recipient_name,
    )
    assert fits(again) and as_sent(again) == sent
