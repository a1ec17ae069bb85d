"""``mailfax passwd`` as people type it, on a terminal and in a pipe; and what ``mailfax check`` says of users."""

from __future__ import annotations

import asyncio
import fcntl
import io
import os
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from mailfax.cli import main
from mailfax.config import read_users
from mailfax.passwords import Passwords
from tests.support.site import ROOT

CONFIGURATION = """\
fax_domains = ["fax.local"]
default_country = "US"
postmaster = "postmaster@example.com"
hostname = "fax.example.com"

[spool]
url = "sqlite:///spool.db"

[[listener]]
name = "people"
address = "127.0.0.1:0"
tls = "starttls"
certificate = "fax.crt"
key = "fax.key"
proof = "auth"

[[listener]]
name = "old copiers"
address = "127.0.0.1:0"
networks = ["127.0.0.0/8"]
device = true
proof = "auth"

[[account]]
name = "main"
base_url = "http://127.0.0.1:9/api/"
username = "5557152222"

[[sender]]
login = ["alice"]
account = "main"

[[sender]]
login = ["copier"]
account = "main"
notify = "office@example.com"

[relay]
maildir = "mail"
"""

Passwd = Callable[..., tuple[int, str, str]]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    issued = trustme.CA().issue_cert("fax.example.com")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "fax.crt")
    issued.private_key_pem.write_to_path(tmp_path / "fax.key")
    path = tmp_path / "mailfax.toml"
    path.write_text(CONFIGURATION)
    monkeypatch.setenv("MAILFAX_ACCOUNT_MAIN_PASSWORD", "secret")
    return path


@pytest.fixture
def passwd(config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Passwd:
    """Runs the verb with a line in its pipe: exit status, stdout, stderr."""

    def run(*arguments: str, typed: str = "correct horse\n") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        status = main(["passwd", *arguments, "--config", str(config)])
        out, err = capsys.readouterr()
        return status, out, err

    return run


def names(config: Path) -> list[tuple[str, str]]:
    return [(user.name, user.listener) for user in read_users(config.with_name("passwords"))]


def is_good(config: Path, user: str, password: str, listener: str = "people") -> bool:
    users = Passwords(config.with_name("passwords"), ["old copiers"])
    try:
        return asyncio.run(users.authenticate(user, password, listener)) is not None
    finally:
        users.close()


def test_a_user_is_registered_although_the_configuration_is_still_refused_for_want_of_them(
    passwd: Passwd, config: Path
) -> None:
    status, out, err = passwd("alice")
    assert (status, out) == (0, 'user "alice" is registered, good on "people"\n')
    assert "that is done; but the service would not start" in err
    assert "run: mailfax passwd NAME --listener 'old copiers'" in err
    status, out, err = passwd("copier", "--listener", "old copiers")
    assert (status, out, err) == (0, 'user "copier" is registered, good on listener "old copiers" alone\n', "")
    assert config.with_name("passwords").stat().st_mode & 0o777 == 0o600
    assert is_good(config, "ALICE", "correct horse")
    assert is_good(config, "copier", "correct horse", "old copiers")
    assert not is_good(config, "copier", "correct horse")


def test_a_new_password_takes_the_old_one_s_place_and_binding_stays(passwd: Passwd, config: Path) -> None:
    passwd("alice")
    passwd("Copier", "--listener", "old copiers")
    status, out, _ = passwd("copier", typed="battery staple\n")
    assert (status, out) == (0, 'user "Copier" has a new password, good on listener "old copiers" alone\n')
    assert names(config) == [("alice", ""), ("Copier", "old copiers")]
    assert is_good(config, "copier", "battery staple", "old copiers")
    assert not is_good(config, "copier", "correct horse", "old copiers")


def test_a_user_is_struck_off_and_what_that_means_is_told(passwd: Passwd, config: Path) -> None:
    passwd("alice")
    passwd("copier", "--listener", "old copiers")
    status, out, err = passwd("ALICE", "--delete", typed="")
    assert (status, out) == (0, 'user "alice" is deleted; a running service knows it already\n')
    assert "has no user for it; run: mailfax passwd NAME" in err
    assert names(config) == [("copier", "old copiers")]


@pytest.mark.parametrize(
    ("arguments", "typed", "sentence"),
    [
        (["bob"], "short\n", "a password of 5 signs is too easily guessed; nothing was changed: take 8 or more"),
        (["bob"], "", "a password of 0 signs is too easily guessed; nothing was changed: take 8 or more"),
        (["bob"], "\n", "a password of 0 signs is too easily guessed; nothing was changed: take 8 or more"),
        (["bob"], "tab\tis no sign\n", "a password has 1 to 1024 signs, and none of them is a control character; "
                                       "nothing was changed"),
        (["bob"], "a" * 1025, "a password has 1 to 1024 signs, and none of them is a control character; "
                              "nothing was changed"),
        (["b:ob"], "correct horse\n", '"b:ob" is not a user name: ":" and a leading "#" have a meaning in the '
                                      "password file"),
        (["#bob"], "correct horse\n", '"#bob" is not a user name: ":" and a leading "#" have a meaning in the '
                                      "password file"),
        ([" "], "correct horse\n", 'a user name without a sign; write it like "alice"'),
        (["b\nob"], "correct horse\n", "text with control characters; write one line of plain text"),
        (["b" * 256], "correct horse\n", "a user name of 256 signs; write at most 255"),
        (["bob", "--listener", "poeple"], "correct horse\n", 'no [[listener]] called "poeple" has proof = "auth"; '
                                                             'those that have: "people", "old copiers"'),
        (["bob", "--delete"], "", '{file} has no user "bob"; nothing was changed'),
        (["alice", "--delete", "--listener", "x"], "", "--delete strikes a user off wholly: leave --listener out"),
    ],
)  # fmt: skip
def test_what_can_not_be_done_is_told_in_a_sentence_and_changes_nothing(
    passwd: Passwd, config: Path, arguments: list[str], typed: str, sentence: str
) -> None:
    passwd("alice")
    before = config.with_name("passwords").read_text()
    status, out, err = passwd(*arguments, typed=typed)
    told = sentence.replace("{file}", str(config.with_name("passwords")))
    assert (status, out, err) == (1, "", f"mailfax passwd: {told}\n")
    assert config.with_name("passwords").read_text() == before


def test_where_all_listeners_are_for_copiers_a_binding_is_asked_for(passwd: Passwd, config: Path) -> None:
    people, copiers = (
        CONFIGURATION.index('[[listener]]\nname = "people"'),
        CONFIGURATION.index('[[listener]]\nname = "o'),
    )
    config.write_text(CONFIGURATION[:people] + CONFIGURATION[copiers:])
    status, _, err = passwd("copier")
    assert status == 1
    assert 'every listener with proof = "auth" is for copiers: bind the user with --listener "old copiers"' in err


def test_a_user_may_be_registered_before_there_is_a_listener_for_them(passwd: Passwd, config: Path) -> None:
    config.write_text(CONFIGURATION.replace('proof = "auth"\n', "").replace('login = ["', 'from = ["x@'))
    status, out, _ = passwd("bob")
    assert (status, out) == (0, 'user "bob" is registered, good nowhere yet: no [[listener]] has proof = "auth"\n')


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda file: file.write_text("bob:secret\n"), "line 1: neither NAME:HASH nor NAME:HASH:LISTENER"),
        (lambda file: file.chmod(0o644), "others can read or change the passwords (mode 0644); run: chmod 600"),
        (lambda file: (file.unlink(), file.mkdir()), "can't be read (Is a directory)"),
    ],
)
def test_a_file_that_is_not_understood_is_not_written_over(
    passwd: Passwd, config: Path, spoil: Callable[[Path], object], sentence: str
) -> None:
    passwd("alice")
    spoil(config.with_name("passwords"))
    status, _, err = passwd("bob")
    assert status == 1
    assert sentence in err


def test_a_folder_that_is_not_there_is_told(passwd: Passwd, config: Path) -> None:
    config.write_text('password_file = "gone/passwords"\n' + CONFIGURATION)
    status, _, err = passwd("alice")
    assert status == 1
    assert "gone/passwords can't be written (No such file or directory); nothing was changed" in err


def test_a_pipe_is_read_by_the_line_and_the_password_is_shown_nowhere(config: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "mailfax", "passwd", "alice", "--config", str(config)],
        input="caf\u00e9 au lait\r\nsecond line\n", cwd=ROOT, capture_output=True, encoding="utf-8",
        env=os.environ | {"PYTHONUTF8": "1"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "lait" not in ran.stdout + ran.stderr + config.with_name("passwords").read_text()
    assert is_good(config, "alice", "caf\u00e9 au lait")


def at_a_terminal(config: Path, *typed: str) -> tuple[int, str]:
    """Run the verb with a terminal of its own and type a line at each prompt: exit status and what was to be seen."""
    ours, theirs = os.openpty()

    def take_terminal() -> None:
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [sys.executable, "-m", "mailfax", "passwd", "alice", "--config", str(config)],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, preexec_fn=take_terminal,
    )  # fmt: skip
    os.close(theirs)
    seen, lines, deadline = b"", list(typed), time.monotonic() + 30
    try:
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 0.2)[0]:
                continue
            try:
                heard = os.read(ours, 4096)
            except OSError:  # Linux says EIO where the other side has hung up
                break
            if not heard:
                break
            seen += heard
            if lines and seen.count(b": ") > len(typed) - len(lines):
                os.write(ours, f"{lines.pop(0)}\n".encode())
        return process.wait(10), seen.decode()
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_a_terminal_asks_twice_and_shows_nothing(config: Path) -> None:
    status, seen = at_a_terminal(config, "correct horse", "correct horse")
    assert status == 0, seen
    assert "Password: " in seen
    assert "The same again: " in seen
    assert "horse" not in seen
    assert is_good(config, "alice", "correct horse")


def test_two_that_are_not_the_same_change_nothing(config: Path) -> None:
    status, seen = at_a_terminal(config, "correct horse", "correct site")
    assert status == 1
    assert "the two are not the same; nothing was changed" in seen
    assert not config.with_name("passwords").exists()


def test_check_names_users_and_listeners_what_they_prove_and_what_is_weak(
    passwd: Passwd, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    passwd("alice")
    passwd("Bob")
    passwd("copier", "--listener", "old copiers")
    status = main(["check", "--config", str(config)])
    told = capsys.readouterr().out
    assert status == 1, "there is no fax service to ask"
    assert (
        f'ok     users: 3 in {config.with_name("passwords")}: alice, Bob, copier (on "old copiers" alone)\n' in told
    )
    assert "weak   user Bob: no [[sender]] rule has them in login, so they may not fax\n" in told
    assert "weak   listener old copiers: copiers' passwords are sent in clear" in told
    assert "listener people: 127.0.0.1 port 0 can be opened; senders are proven by login\n" in told
    assert "listener old copiers: 127.0.0.1 port 0 can be opened; copiers' senders are proven by login\n" in told


def test_check_refuses_an_alias_that_leads_in_a_circle(
    passwd: Passwd, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    passwd("alice")
    passwd("copier", "--listener", "old copiers")
    config.write_text(CONFIGURATION + '\n[aliases]\nsales = "law"\nlaw = "sales"\n')
    assert main(["check", "--config", str(config)]) == 1
    assert f"mailfax check: {config}: [aliases]" in capsys.readouterr().err
