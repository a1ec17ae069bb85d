"""What became of a SendFax: the table of ``verdict``, row by row, and the invariant behind it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.faxcore.errors import AccountTrouble, Failure, InDoubt, NotSent, PerhapsTooLarge, Refused, Trouble
from mailfax.faxcore.reply import Reply
from mailfax.faxcore.verdict import DANGEROUS, REFUSED, TOO_LARGE, Attempt, fax_id

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def judged(
    status: int,
    body: str | bytes = b"",
    *,
    headers: dict[str, str] | None = None,
    finished: bool = True,
    proven: bool = True,
    length: int = 20_000,
) -> str:
    octets = body.encode() if isinstance(body, str) else body
    attempt = Attempt(number="15551234567", length=length, finished=finished, address_proven=proven)
    return fax_id(Reply(status, headers or {}, octets, NOW), attempt)


def api(inside: str) -> str:
    return f'<?xml version="1.0" encoding="utf-8"?>\r\n<ApiResponse>\r\n  {inside}\r\n</ApiResponse>'


def results(text: str) -> str:
    return api(f"<SendFax><Results>{text}</Results></SendFax>")


@pytest.mark.parametrize("text", ["209608080375", " 209608080375\r\n", "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}", "1"])
def test_an_id_in_results_is_a_success(text):
    assert judged(200, results(text)) == text.strip()


def test_an_id_counts_beside_a_message():
    assert judged(201, api("<Message>OK</Message><Results>209608080375</Results>")) == "209608080375"


@pytest.mark.parametrize(
    "sentence",
    [
        "Invalid fax number",
        "File format not supported.",
        "Password protected document",
        "The document is too large",
        "The fax was not accepted: no such country",
        "Your fax could not be sent",
        "No fax was sent",
    ],
)
def test_a_sentence_in_results_is_a_refusal_in_the_service_s_words(sentence):
    with pytest.raises(Refused) as raised:
        judged(200, results(sentence))
    assert (raised.value.sentence, raised.value.diagnostic) == (REFUSED, sentence)


def test_a_refusal_that_repeats_our_number_does_not_carry_it_into_the_diagnostic():
    with pytest.raises(Refused) as raised:
        judged(200, results("Invalid fax number 15551234567"))
    assert raised.value.diagnostic == "Invalid fax number …4567"


@pytest.mark.parametrize(
    "sentence",
    [
        "Fax was queued",
        "The fax is being sent to 15551234567",
        "Your fax has been queued as a new message",
        "Fax accepted. Warning: authentication of the sender name failed",
        "Submitted successfully; the notes were too long and have been cut",
        "The fax was not sent immediately, it is queued",
        "Not yet sent",
        "Held: approval is required",
        "Thank you for using our service",
        "An error occurred",
        "Object reference not set to an instance of an object.",
        "Факс поставлен в очередь",
    ],
)
def test_a_sentence_that_tells_of_doing_or_is_not_understood_is_in_doubt(sentence):
    with pytest.raises(InDoubt):
        judged(200, results(sentence))


@pytest.mark.parametrize(
    "body", [api("<Error>No such format</Error>"), api("<SendFax><Fault>No such format</Fault></SendFax>")]
)
def test_an_error_element_is_a_refusal(body):
    with pytest.raises(Refused, match="refused"):
        judged(200, body)


@pytest.mark.parametrize(
    "sentence",
    [
        "Invalid username or password",
        "Authentication failed.",
        "Access is denied",
        "User name or password not accepted",
    ],
)
def test_a_login_error_hidden_in_a_200_is_trouble_with_the_account(sentence):
    with pytest.raises(AccountTrouble) as raised:
        judged(200, results(sentence))
    assert raised.value.trouble is Trouble.LOGIN


@pytest.mark.parametrize(
    "body",
    [
        b"",
        "<html><body>Server Error</body></html>",
        '{"SendFax": {"Results": "209608080375"}}',
        "<ApiResponse><SendFax><Results>2096080",
        api(""),
        results(""),
        results("OK"),
        results("0"),
        results("-1"),
        results("Fax 209608080375 has been queued"),
        results("Accepted for delivery"),
        api("<Results>209608080375</Results><Results>209608080376</Results>"),
        "<Other><Results>209608080375</Results></Other>",
        '<!DOCTYPE x [<!ENTITY y "209608080375">]><ApiResponse><Results>&y;</Results></ApiResponse>',
    ],
)
def test_a_200_that_names_no_id_and_no_refusal_is_in_doubt(body):
    with pytest.raises(InDoubt):
        judged(200, body)


PAGE = "<html><title>{}</title></html>"


@pytest.mark.parametrize(
    "status, settings, kind",
    [
        *[(status, {}, AccountTrouble) for status in (401, 402, 403, 407, 405, 415)],
        *[(status, {}, Refused) for status in (400, 411, 413, 414, 422, 431)],
        *[(status, {}, NotSent) for status in (408, 429)],
        (503, {"headers": {"retry-after": "120"}}, NotSent),
        (503, {}, InDoubt),
        *[(status, {}, InDoubt) for status in (101, 409, 418, 500, 502, 504, 599)],
        *[(status, {"proven": False}, AccountTrouble) for status in (404, 410, 421)],
        *[(status, {"proven": True}, InDoubt) for status in (404, 410, 421)],
        *[(status, {"proven": False}, AccountTrouble) for status in (301, 302, 303, 307, 308)],
        *[(status, {"proven": True}, InDoubt) for status in (301, 302, 303, 307, 308)],
        (302, {"headers": {"location": "/Login.aspx?ReturnUrl=%2fapi%2fSendFax"}}, AccountTrouble),
        (302, {"headers": {"location": "https://x.example/account/sign-in"}}, AccountTrouble),
        (302, {"headers": {"location": "/faxes/209608080375?login=5557152222"}}, InDoubt),
        (302, {"headers": {"location": "http://[::1/login"}}, InDoubt),
        (302, {"finished": False}, NotSent),
        (404, {"length": 30_000_001}, Refused),
        (404, {"body": PAGE.format("HTTP Error 404.13 - Not Found")}, Refused),
        (404, {"body": PAGE.format("HTTP Error 404.15 - Not Found")}, Refused),
        (500, {"body": PAGE.format("Maximum request length exceeded.")}, Refused),
        (500, {"body": PAGE.format("A potentially dangerous Request.QueryString value was detected")}, Refused),
        (422, {"body": api("<Error>bad number given</Error>")}, Refused),
        (404, {"body": api("<Results>bad number given</Results>")}, Refused),
        (409, {"body": api("<Error>You sent this one before</Error>")}, InDoubt),
    ],
)
def test_the_status_table(status, settings, kind):
    with pytest.raises(Failure) as raised:
        judged(status, settings.pop("body", ""), **settings)
    assert type(raised.value) is kind


def test_a_refusal_says_whether_size_or_text_was_the_reason():
    with pytest.raises(Refused, match="too large"):
        judged(413)
    with pytest.raises(Refused) as raised:
        judged(500, PAGE.format('potentially dangerous Request.QueryString value (notes="&lt;secret")'))
    assert raised.value.sentence == DANGEROUS != TOO_LARGE
    assert "secret" not in raised.value.diagnostic


@pytest.mark.parametrize(
    "header, seconds",
    [
        ("120", 120.0),
        ("Mon, 23 Nov 2026 12:02:00 GMT", 120.0),
        ("Mon, 23 Nov 2020 12:02:00 GMT", 0.0),
        ("soon", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(header, seconds):
    with pytest.raises(NotSent) as raised:
        judged(503, headers={"retry-after": header})
    assert raised.value.retry_after == seconds


def test_the_server_s_own_clock_counts_for_its_dates():
    with pytest.raises(NotSent) as raised:
        judged(429, headers={"retry-after": "Mon, 23 Nov 2026 09:00:30 GMT", "date": "Mon, 23 Nov 2026 09:00:00 GMT"})
    assert raised.value.retry_after == 30.0


@pytest.mark.parametrize("status", [404, 409, 500, 502, 503])
def test_without_the_last_bytes_nothing_is_in_doubt(status):
    with pytest.raises(NotSent):
        judged(status, finished=False)


def test_an_id_for_half_a_document_is_in_doubt():
    with pytest.raises(InDoubt):
        judged(200, results("209608080375"), finished=False)


def test_a_login_refused_early_is_still_trouble_with_the_account():
    with pytest.raises(AccountTrouble):
        judged(401, finished=False)


@given(
    status=st.integers(100, 999),
    body=st.binary() | st.text().map(results) | st.text().map(api),
    finished=st.booleans(),
    proven=st.booleans(),
    retry_after=st.none() | st.text(),
)
def test_any_answer_is_an_id_or_one_of_the_three_kinds(status, body, finished, proven, retry_after):
    """Invariant: an id comes only out of a 2xx whose Results hold it; everything else raises one of ours."""
    headers = {} if retry_after is None else {"retry-after": retry_after}
    try:
        given_id = judged(status, body, headers=headers, finished=finished, proven=proven)
    except (NotSent, Refused, InDoubt) as failure:
        assert failure.sentence and len(failure.diagnostic) < 400
    else:
        octets = body.encode("utf-8", "replace") if isinstance(body, str) else body
        assert 200 <= status < 300 and finished and given_id.encode() in octets


@pytest.mark.parametrize("status", [404, 500])
def test_a_large_document_may_be_why_the_service_failed(status):
    with pytest.raises(PerhapsTooLarge) as raised:
        judged(status, "<html>Server Error in '/' Application</html>", length=4_194_305)
    assert raised.value.diagnostic == f"HTTP {status}: perhaps too large, 4.2 MB"
    with pytest.raises(InDoubt) as small:
        judged(status, "<html>Server Error in '/' Application</html>", length=4_194_304)
    assert not isinstance(small.value, PerhapsTooLarge)
    with pytest.raises(NotSent) as half:
        judged(status, "", length=4_194_305, finished=False)
    assert "perhaps too large" in half.value.diagnostic
