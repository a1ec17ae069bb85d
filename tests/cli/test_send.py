"""``mailfax send`` over every kind of listener, with numbers as people write them."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator

import pytest

from mailfax.cli import main
from tests.support.gate import Gate, gate
from tests.support.ports import free_port

USER, PASSWORD = "alice", "correct horse battery"
LISTENERS = """
[[listener]]
name = "plain"
address = "127.0.0.1:{plain}"
networks = ["127.0.0.0/8"]

[[listener]]
name = "login"
address = "127.0.0.1:{login}"
networks = ["127.0.0.0/8"]
proof = "auth"
tls = "starttls"
{{pem}}

[[listener]]
name = "secure"
address = "127.0.0.1:{secure}"
networks = ["127.0.0.0/8"]
tls = "implicit"
{{pem}}

[[listener]]
name = "local"
address = "127.0.0.1:{local}"
networks = ["127.0.0.0/8"]
protocol = "lmtp"

[[sender]]
from = ["alice@example.com"]
account = "main"

[[sender]]
login = ["alice"]
from = ["alice@example.com"]
account = "main"
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    ports = {name: free_port() for name in ("plain", "login", "secure", "local")}
    written = LISTENERS.format(**ports)
    with gate(tmp_path_factory.mktemp("send"), written, {USER: PASSWORD}) as opened:
        yield opened


def send(site: Gate, *options: str) -> int:
    return main(["send", "--text", "Hello", "--no-wait", "--config", str(site.folder / "mailfax.toml"), *options])


@pytest.mark.parametrize(
    "options", [(), ("--listener", "secure"), ("--login", USER), ("--listener", "login", "--login", USER)]
)
def test_numbers_are_taken_as_people_write_them(
    site: Gate, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}{os.linesep}"))
    assert send(site, "--to", "+1 (555) 765-1001", "--to", "555.765.1002", *options) == 0, capsys.readouterr()
    [arrival] = site.arrivals()
    assert sorted(job["number"] for job in arrival.jobs) == ["15557651001", "15557651002"]
    assert arrival.message["login"] == (USER if "--login" in options else "")
    assert capsys.readouterr().out.startswith(f"queued as {arrival.message['queue_id']}")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--to", "555-CALL"], "--to 555-CALL: "),
        (["--to", "5557651001", "--listener", "local"], "--listener local: it speaks LMTP"),
        (["--to", "5557651001", "--listener", "nobody"], "--listener nobody: there is none of that name"),
        (["--to", "5557651001", "--listener", "login", "--login", USER], "refused: 535 "),
    ],
)
def test_what_cant_be_done_is_one_sentence(
    site: Gate, options: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("wrong\n"))
    assert send(site, *options) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"mailfax send: {said}") and told.count("\n") == 1, told
    assert site.arrivals() == []
