"""Arguments of MAIL and RCPT: what is read, and what is refused with which row of the table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.rules.envelope import Notify
from mailfax.rules.status import Cause, refusal
from mailfax.smtpd.syntax import Malformed, mail_parameters, rcpt_parameters, split_path


@pytest.mark.parametrize(
    ("argument", "path", "rest"),
    [
        ("FROM:<a@b>", "a@b", ""),
        ("from: <a@b>  SIZE=1 ", "a@b", "SIZE=1"),
        ("FROM:<>", "", ""),
        ('FROM:<"a>b"@c> X=1', '"a>b"@c', "X=1"),
        (r'FROM:<"a\">b"@c>', r'"a\">b"@c', ""),
    ],
)
def test_paths_are_split(argument: str, path: str, rest: str) -> None:
    assert split_path(argument, "FROM:", syntax="x") == (path, rest)


@pytest.mark.parametrize(
    "argument", ["", "FROM", "FROM:", "FROM:a@b", "FROM:<a@b", 'FROM:<"a@b>', "TO:<a@b>", "FROM:<a>b"]
)
def test_broken_paths_are_refused(argument: str) -> None:
    with pytest.raises(Malformed) as problem:
        split_path(argument, "FROM:", syntax="x")
    assert problem.value.cause is Cause.COMMAND_SYNTAX


def test_case_is_kept_and_xtext_is_decoded() -> None:
    said = mail_parameters("ret=hdrs EnvId=AbC+2B+3Dd size=10 SMTPUTF8 BODY=8bitmime AUTH=<>")
    assert (said.ret, said.envid, said.size, said.smtputf8) == ("HDRS", "AbC+=d", 10, True)
    wanted = rcpt_parameters("orcpt=rfc822;Fax+2B1@Example.ORG NOTIFY=Success,DELAY")
    assert wanted.orcpt == "rfc822;Fax+1@Example.ORG"
    assert wanted.notify == {Notify.SUCCESS, Notify.DELAY}
    assert rcpt_parameters("").notify is None


@given(st.text(max_size=60))
def test_any_text_is_read_or_has_a_row_of_the_table(text: str) -> None:
    for reader in (mail_parameters, rcpt_parameters, lambda text: split_path(text, "FROM:", syntax="x")):
        try:
            reader(text)
        except Malformed as problem:
            assert refusal(problem.cause, **problem.facts).reply.isascii()
