"""The words of the service, and numbers that are the same line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.faxcore.values import PROGRESS, Progress, is_test_number, progress_of, same_number


@pytest.mark.parametrize(
    "word, progress",
    [
        ("In Queue", Progress.PENDING),
        ("InQueue", Progress.PENDING),
        ("in-queue", Progress.PENDING),
        ("IN_QUEUE", Progress.PENDING),
        ("Completed", Progress.SUCCESS),
        ("Awaiting Approval", Progress.WAITING_FOR_PERSON),
        ("No Answer", Progress.FAILURE),
        ("Failed: busy", Progress.FAILURE),
        ("Error 17", Progress.FAILURE),
        ("Canceled", Progress.CANCELLED),
        ("Cancelled", Progress.CANCELLED),
        ("Received", Progress.RECEIVED),
        ("Receiving", Progress.PENDING),
        ("", Progress.UNKNOWN),
        ("Levitating", Progress.UNKNOWN),
        ("Not failed", Progress.UNKNOWN),
    ],
)
def test_a_status_word_is_read_without_case_blanks_hyphens_and_underscores(word, progress):
    assert progress_of(word) is progress


@given(st.text())
def test_a_word_in_no_table_is_never_a_failure(word):
    folded = "".join(letter for letter in word.casefold() if letter not in "-_" and not letter.isspace())
    if folded not in PROGRESS and not folded.startswith(("failed", "error")):
        assert progress_of(word) is Progress.UNKNOWN


@pytest.mark.parametrize(
    "a, b, same",
    [
        ("15551234567", "5551234567", True),
        ("+1 (555) 123-4567", "15551234567", True),
        ("72088884441", "2088884441", True),
        ("5551234", "15551234", True),
        ("15551234567", "15551234568", False),
        ("", "", False),
        ("anonymous", "", False),
        ("911", "15551234911", False),
    ],
)
def test_two_numbers_are_the_same_line(a, b, same):
    assert same_number(a, b) is same_number(b, a) is same


@pytest.mark.parametrize("number", ["5550100", "5550199", "2125550123", "12125550123"])
def test_numbers_kept_for_fiction_are_numbers_for_trials(number):
    assert is_test_number(number)


@pytest.mark.parametrize("number", ["5550099", "5550200", "15551234567", "011495555501234", "01149305550123"])
def test_other_numbers_are_not(number):
    assert not is_test_number(number)
