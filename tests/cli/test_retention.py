"""What a person says about keeping and deleting, and a month as a table: by commands alone, on a real spool."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mailfax.cli import main
from mailfax.rules.states import InboundEvent, JobEvent, LetterEvent
from mailfax.spool import Spool
from tests.spool.conftest import Clock, Mails
from tests.spool.test_retention import STATUS

REFERENCE = Path(__file__).parents[2] / "config/mailfax.toml"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    config = tmp_path / "mailfax.toml"
    config.write_text(REFERENCE.read_text().replace("sqlite:////var/lib/mailfax/spool.db", "sqlite:///spool.db"))

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main([*words, "--config", str(config)])
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def names(tmp_path: Path) -> dict[str, str]:
    """A fax that has ended with its answer, one that waits, a received one."""

    async def fill() -> dict[str, str]:
        clock = Clock()
        spool, mails = await Spool.open("sqlite:///spool.db", tmp_path, clock=clock), Mails(clock)
        [job] = await mails.ready(spool, subject="=SUM(A1)")
        over = job.after(JobEvent.CANCEL, ended_at=clock() + 60, status=STATUS)
        await spool.jobs.advance(
            job, over, JobEvent.CANCEL, letters=[mails.letter(kind="cancelled", about=job.queue_id)]
        )
        letter = await spool.outbox.claim(60)
        assert letter
        await spool.outbox.advance(letter, letter.after(LetterEvent.TAKEN), LetterEvent.TAKEN)
        [waits] = await mails.ready(spool)
        await spool.inbound.listed("main", [mails.received("R1")])
        [fax] = await spool.inbound.due("main")
        await spool.inbound.advance(fax, fax.after(InboundEvent.FETCHED), InboundEvent.FETCHED, content=b"%PDF")
        await spool.close()
        return {"ended": job.queue_id, "mail": job.message, "waits": waits.queue_id, "received": fax.queue_id}

    return asyncio.run(fill())


def test_keep_and_purge_say_what_they_do(run: Run, names: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    ended, mail, waits, received = names.values()
    assert run("keep")[1] == "nothing is kept beyond its time\n"
    assert run("keep", ended, received)[1].splitlines() == [
        f"{mail}: kept, until mailfax keep --release",
        f"{received}: kept, until mailfax keep --release",
    ]
    assert run("keep", "--sender", "Alice@Example.COM")[0] == 0
    assert [line.partition(":")[0] for line in run("keep")[1].splitlines()] == [mail, received, "alice@example.com"]
    assert run("keep", "NOSUCHID42")[:2] == (1, "NOSUCHID42: no message, fax or notification has this queue ID\n")
    assert "is no address" in run("keep", "--sender", "alice")[2]
    assert "say which" in run("keep", "--release")[2]

    status, out, _ = run("purge", "--yes", ended, waits, received)
    assert status == 1
    assert out.splitlines() == [
        f"{ended}: is kept (mailfax keep), or has not ended; nothing was deleted",
        f"{waits}: {waits} has not ended (ready); nothing was deleted",
        f"{received}: is kept (mailfax keep), or has not ended; nothing was deleted",
    ]
    assert "never deleted: kept since" in run("show", mail)[1]
    assert run("keep", "--release", mail, received, "--sender", "alice@example.com")[0] == 0

    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert "give --yes" in run("purge", ended)[2], "nobody is there to be asked"
    assert run("purge", "--yes", ended, received)[:2] == (
        0,
        f"{ended}: its content is deleted\n{received}: its content is deleted\n",
    )
    assert run("purge", "--yes", ended)[1] == f"{ended}: its content was deleted before\n"
    assert "content: deleted" in run("show", ended)[1] and "content: deleted" in run("show", received)[1]
    assert "content: deleted" not in run("show", waits)[1]
    assert json.loads(run("show", ended, "--json")[1])["content"] == "deleted"
    assert run("resend", ended)[:2] == (
        1,
        f"{ended}: can't be sent again: its content was deleted; send its message again\n",
    )
    assert run("purge", "--yes")[1] == "deleted: content of 0, records of 0\n"


def test_a_month_as_a_table(run: Run, names: dict[str, str]) -> None:
    [header, ended, waits, received] = csv.reader(
        run("export", "--since", "2020-01-01", "--until", "2030-01-01")[1].splitlines()
    )
    row = dict(zip(header, ended, strict=True))
    assert row | {"detail": ""} == {
        "direction": "sent", "queue_id": names["ended"], "accepted_at": "2027-01-15T08:00:00+00:00",
        "ended_at": "2027-01-15T08:01:00+00:00", "account": "main", "sender": "alice@example.com",
        "number": "15551234567", "subject": "'=SUM(A1)", "pages": "", "outcome": "cancelled", "detail": "",
        "code": "", "cost": "",
    }  # fmt: skip
    assert waits[1] == names["waits"] and waits[3] == ""
    assert received[:2] == ["received", names["received"]] and received[5] == "15557654321"
    both = json.loads(run("export", "--json", "--since", "2020-01-01", "--until", "2030-01-01")[1])
    assert [each["queue_id"] for each in both] == [names["ended"], names["waits"], names["received"]]
    assert both[0]["subject"] == "=SUM(A1)"
    for options, number in {
        ("--sender", "@example.com"): 2, ("--sender", "alice@EXAMPLE.com"): 2, ("--sender", "bob@example.com"): 0,
        ("--direction", "received"): 1, ("--direction", "sent"): 2,
    }.items():  # fmt: skip
        out = run("export", "--json", "--since", "2020-01-01", "--until", "2030-01-01", *options)[1]
        assert len(json.loads(out)) == number, options
    assert run("export", "--json", "--since", "2029-01-01", "--until", "2030-01-01")[1] == "[]\n"
    assert run("export", "--direction", "received", "--sender", "a@b")[0] == 1


def test_the_history_is_verified(run: Run, names: dict[str, str]) -> None:
    status, out, _ = run("verify")
    assert status == 0 and "lines have no seal yet" in out
    status, _, err = run("verify", "--from", "17")
    assert status == 1 and "is no seal" in err
    unknown = f"17:{'0' * 64}"
    status, out, _ = run("verify", "--from", unknown)
    assert status == 1 and out.startswith(f"seal {unknown} is not in the chain")
    status, out, _ = run("verify", "--json")
    assert status == 0 and json.loads(out)["newest_seal"] is None and json.loads(out)["whole"]
