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


@pytest.mark.parametrize(
    ("argument", "path", "rest"),
    [
        ("FROM:a@b", "a@b", ""),
        ("from:  a@b  SIZE=1 X=2", "a@b", "SIZE=1 X=2"),
        ("FROM:", "", ""),
        ("FROM:<a@b> X", "a@b", "X"),
    ],
)
def test_copiers_leave_the_brackets_out(argument: str, path: str, rest: str) -> None:
    assert split_path(argument, "FROM:", syntax="x", device=True) == (path, rest)


@pytest.mark.parametrize("argument", ["FROM:555 1234567", "FROM:a@b>", "FROM:a<b@c", "FROM:<a@b", "FROM:a b=c d"])
def test_what_stands_without_brackets_is_not_guessed_at(argument: str) -> None:
    with pytest.raises(Malformed) as problem:
        split_path(argument, "FROM:", syntax="x", device=True)
    assert problem.value.cause is Cause.COMMAND_SYNTAX


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("ORCPT=rfc822;a+2Bb@c", "rfc822;a+b@c"),
        ("ORCPT=X.400;/c+3Dde/", None),
        ("ORCPT=x400;/c+3Dde/", "x400;/c=de/"),
        ("ORCPT=utf-8;j\u00fcrgen@example.de", "utf-8;j\\x{FC}rgen@example.de"),
        ("ORCPT=UTF-8;j\\x{FC}rgen\\x{2B}x@example.de", "UTF-8;j\\x{FC}rgen\\x{2B}x@example.de"),
        ("ORCPT=utf-8;\U0001f4e0@example.de", "utf-8;\\x{1F4E0}@example.de"),
        ("ORCPT=utf-8;a+b", None),
        ("ORCPT=utf-8;a\\b", None),
        ("ORCPT=utf-8;a\\x{fc}b", None),
        ("ORCPT=rfc822;\u00fc@c", None),
        ("ORCPT=rfc822;a+2bb", None),
        ("ORCPT=;a", None),
        ("ORCPT=rfc822;" + "x" * 494, None),
    ],
)
def test_original_recipients_are_read_by_their_type(said: str, kept: str | None) -> None:
    if kept is not None:
        assert rcpt_parameters(said).orcpt == kept
        return
    with pytest.raises(Malformed) as problem:
        rcpt_parameters(said)
    assert problem.value.cause is Cause.PARAMETER


@pytest.mark.parametrize("said", ["RET", "ENVID", "SIZE", "AUTH", "BODY", "SMTPUTF8=", "RET=FULL ret=HDRS", "ENVID="])
@pytest.mark.parametrize("device", [False, True])
def test_a_parameter_without_value_or_given_twice_is_501(said: str, device: bool) -> None:
    with pytest.raises(Malformed) as problem:
        mail_parameters(said, device=device)
    assert problem.value.cause is Cause.PARAMETER


@given(st.text(max_size=60))
def test_any_text_is_read_or_has_a_row_of_the_table(text: str) -> None:
    readers = (
        mail_parameters,
        rcpt_parameters,
        lambda text: split_path(text, "FROM:", syntax="x"),
        lambda text: split_path(f"FROM:{text}", "FROM:", syntax="x", device=True),
        lambda text: mail_parameters(text, device=True),
    )
    for reader in readers:
        try:
            reader(text)
        except Malformed as problem:
            assert refusal(problem.cause, **problem.facts).reply.isascii()
