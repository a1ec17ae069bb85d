"""What the asking calls bring home, from answers as the reference prints them and from all others."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.faxcore import answers
from mailfax.faxcore.errors import AccountTrouble, Failure, NotKnown, NotRead, Unavailable, Unreadable
from mailfax.faxcore.reply import Reply
from mailfax.faxcore.values import Progress

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PACIFIC = ZoneInfo("America/Los_Angeles")

DETAILS = """<?xml version="1.0" encoding="utf-8"?>
<ApiResponse>
  <GetFaxDetails>
    <Results>
      <FaxID>209208083966</FaxID>
      <Type>Outbound</Type>
      <FaxNumber>72088884441</FaxNumber>
      <Subject>Test Subject</Subject>
      <CreatedDate>10/26/2013 10:54:18 PM</CreatedDate>
      <CompleteDate>10/26/2013 10:54:50 PM</CompleteDate>
      <Status>Completed</Status>
      <PageCount>1</PageCount>
      <PageDelivered>1</PageDelivered>
    </Results>
  </GetFaxDetails>
</ApiResponse>"""


def reply(body: str | bytes, status: int = 200, **headers: str) -> Reply:
    return Reply(status, headers, body.encode() if isinstance(body, str) else body, NOW)


def results(text: str) -> str:
    return f"<ApiResponse><X><Results>{text}</Results></X></ApiResponse>"


def details_of(body: str, fax_id: str = "209208083966"):
    return answers.details(answers.read_whole(reply(body)), fax_id, PACIFIC)


@pytest.mark.parametrize(
    ("reported", "caller"),
    [
        ("9725550100WTF TOT 3", "9725550100WTF TOT 3"),
        ("+1 (972) 555-0100", "19725550100"),
        ("972.555.0100", "9725550100"),
        ("Anonymous", "Anonymous"),
        ("---", "---"),
        ("", ""),
    ],
)
def test_a_caller_is_a_number_only_if_the_whole_field_reads_as_one(reported, caller):
    found = details_of(DETAILS.replace("72088884441", reported))
    assert found.caller == caller
    # What faxes of ours are found by has digits, whatever stands between them.
    assert found.number == "".join(filter(str.isdigit, reported))


def test_the_details_of_the_reference():
    found = details_of(DETAILS)
    assert (found.fax_id, found.inbound, found.number, found.subject) == (
        "209208083966",
        False,
        "72088884441",
        "Test Subject",
    )
    assert found.created == datetime(2013, 10, 27, 5, 54, 18, tzinfo=UTC)
    assert found.completed == datetime(2013, 10, 27, 5, 54, 50, tzinfo=UTC)
    assert (found.status, found.progress, found.page_count, found.pages_delivered) == (
        "Completed",
        Progress.SUCCESS,
        1,
        1,
    )


def test_whatever_is_missing_from_details_is_none():
    found = details_of("<ApiResponse><Status>In Queue</Status></ApiResponse>")
    assert (found.inbound, found.created, found.completed, found.page_count) == (None, None, None, None)
    assert (found.number, found.subject, found.progress) == ("", "", Progress.PENDING)


def test_details_of_another_fax_are_not_taken():
    with pytest.raises(Unreadable):
        details_of(DETAILS, "209208083967")


@pytest.mark.parametrize("count", ["", "-1", "many", "9" * 30])
def test_an_unreadable_page_count_is_none(count):
    assert details_of(DETAILS.replace("<PageCount>1<", f"<PageCount>{count}<")).page_count is None


@pytest.mark.parametrize(
    "sentence, failure",
    [
        ("Fax not found", NotKnown),
        ("The specified message does not exist.", NotKnown),
        ("Invalid Fax ID", NotKnown),
        ("Access denied", Unreadable),
        ("Access denied: no such fax", NotKnown),
        ("Invalid password", Unreadable),
        ("Object reference not set to an instance of an object, and a long story about it follows here.", Unreadable),
        ("", Unreadable),
    ],
)
def test_a_sentence_where_a_value_belongs(sentence, failure):
    answer = answers.read_whole(reply(results(sentence)))
    for read in (
        lambda: answers.status_word(answer),
        lambda: answers.details(answer, "1", PACIFIC),
        lambda: answers.check_deleted(answer),
    ):
        with pytest.raises(failure):
            read()


@pytest.mark.parametrize("word", ["In Queue", "Zapped", "Completed"])
def test_a_status_word_comes_as_reported(word):
    assert answers.status_word(answers.read_whole(reply(results(f" {word}\r\n")))) == word


@pytest.mark.parametrize("word", ["OK", "ok", " Ok "])
def test_a_deletion_is_confirmed_in_any_case(word):
    answers.check_deleted(answers.read_whole(reply(results(word))))


@pytest.mark.parametrize(
    "status, about_fax, proven, failure",
    [
        *[(status, True, True, AccountTrouble) for status in (401, 407, 302, 405)],
        *[(status, True, True, Unreadable) for status in (402, 403)],
        *[(status, True, False, AccountTrouble) for status in (402, 403)],
        *[(status, False, True, AccountTrouble) for status in (402, 403)],
        (404, True, True, NotKnown),
        (404, True, False, AccountTrouble),
        (404, False, True, AccountTrouble),
        *[(status, False, True, Unavailable) for status in (408, 429, 500, 502, 503, 504)],
        (400, True, True, Unreadable),
        (101, True, True, Unreadable),
    ],
)
def test_the_status_table(status, about_fax, proven, failure):
    with pytest.raises(Failure) as raised:
        answers.check_status(reply("<html/>", status), about_fax=about_fax, address_proven=proven)
    assert type(raised.value) is failure


def test_a_fax_that_may_not_be_read_is_no_trouble_of_the_account():
    """One fax that a person locked over there must not pause all others."""
    with pytest.raises(Unreadable):
        answers.check_status(reply(results("Access denied"), 403), about_fax=True, address_proven=True)
    assert isinstance(answers.no_file("the answer is not base64", "Access is denied."), Unreadable)


def test_a_refused_login_shows_in_a_list():
    with pytest.raises(AccountTrouble):
        listed(results("Invalid user name or password").encode())


def test_404_in_the_service_s_own_words_needs_no_proof_of_the_address():
    with pytest.raises(NotKnown):
        answers.check_status(reply(results("no fax"), 404), about_fax=True, address_proven=False)


def listed(*pieces: bytes) -> list[str]:
    ids = answers.IdList()
    return [fax_id for piece in pieces for fax_id in ids.feed(piece)] + ids.close()


LIST = (
    b'\xef\xbb\xbf\r\n<?xml version="1.0" encoding="utf-16"?>\r\n<ApiResponse xmlns="urn:x"><GetFaxList>'
    b"<FaxId>208107838349</FaxId>\r\n  <FaxID> 208107838241 </FaxID></GetFaxList></ApiResponse>\r\n"
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 4096])
def test_a_list_reads_the_same_in_pieces_of_any_size(size):
    assert listed(*(LIST[i : i + size] for i in range(0, len(LIST), size))) == ["208107838349", "208107838241"]


@pytest.mark.parametrize("cut", range(1, LIST.index(b"</ApiResponse>") + 14, 9))
def test_a_list_cut_anywhere_raises(cut):
    with pytest.raises(Unreadable):
        listed(LIST[:cut])


@given(st.binary() | st.text().map(results), st.integers(100, 999))
def test_any_bytes_give_a_value_or_one_of_our_failures(body, status):
    """Invariant: no answer whatever raises anything else, and no broken one reads as an empty list."""
    for read in (
        lambda r: answers.check_status(r, about_fax=True, address_proven=True),
        lambda r: answers.status_word(answers.read_whole(r)),
        lambda r: answers.details(answers.read_whole(r), "1", PACIFIC),
        lambda r: answers.check_deleted(answers.read_whole(r)),
        lambda r: listed(r.body),
    ):
        try:
            read(reply(body, status))
        except (NotRead, AccountTrouble) as failure:
            assert failure.sentence
