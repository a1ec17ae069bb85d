"""Every file in tests/dialogs is one oddity of some client, said and answered word for word.

``C: `` is a line the client sends (CRLF is added), ``C\\ `` sends exactly the bytes of a Python bytes literal, and
``C: <tls>`` is the client's handshake, at once or after STARTTLS. ``S: `` is one line of a reply ("…" is anything),
``S: <offers>`` a whole reply to EHLO or LHLO, ``S: <closed>`` the end of the connection. Nothing else may be said.

The head chooses the SMTP server (``# listener: device``, ``# from: 127.0.0.9``) and what is behind it (``# limits:
recipients=2``, ``# pace: errors=3``, ``# proven: alice@example.com``, ``# answer: QUOTA_FAXES`` instead of taking the
mail), and says what came of it: ``# accepted: 2`` mails (0 without it), the ``# numbers: …`` dialled by all of them,
and ``# contains: …``, the bytes of a Python literal that the last one holds.
"""

from __future__ import annotations

import ast
import asyncio
import re
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from mailfax.config import Limits, SenderRule
from mailfax.config.values import Destinations
from mailfax.rules.envelope import Proven
from mailfax.rules.status import Cause, Refusal, refusal
from mailfax.smtpd import Pace
from tests.smtpd.conftest import LISTENERS, POLICY, Backend, Line, OpenServer

pytestmark = pytest.mark.anyio
DIALOGS = sorted((Path(__file__).parents[1] / "dialogs").glob("*.dialog"))
#: Beside those of every test: a mail server in front of a network that is not this machine.
LISTENERS_BY_NAME = LISTENERS | {
    "mta": replace(LISTENERS["relay"], name="mta", networks=(ip_network("192.168.1.0/24"),))
}
#: Behind POLICY's senders: somebody who may not call abroad, and whom the site denies.
RULES = replace(
    POLICY,
    senders=(*POLICY.senders, SenderRule(senders=("bob@example.com",), account="main", allow=("home",))),
    destinations=Destinations(deny=("premium", "+1876")),
    listeners=tuple(LISTENERS_BY_NAME.values()),
    aliases=(("reception", ("15551234567",)), ("branches", ("15551230001", "15551230002", "reception"))),
)
_HEAD = re.compile(r"^# (listener|from|limits|pace|proven|answer|accepted|numbers|contains): (.+)$", re.MULTILINE)


@pytest.mark.parametrize("path", DIALOGS, ids=lambda path: path.stem)
async def test_dialog(path: Path, open_server: OpenServer) -> None:
    text = path.read_text("utf-8")
    told = dict(_HEAD.findall(text))
    listener = LISTENERS_BY_NAME[told.get("listener", "submission")]
    backend = backend_for(told)
    limits, pace = Limits(**settings(told.get("limits", ""))), Pace(**settings(told.get("pace", "")))
    opened = await open_server(listener, backend=backend, limits=limits, pace=pace)
    rows = [row for row in text.splitlines() if row and not row.startswith("#")]
    begins_with_tls = rows[0] == "C: <tls>"
    line = await opened.connect(listener.name, told.get("from", "127.0.0.1"), tls=begins_with_tls)
    for row in rows[begins_with_tls:]:
        if row.startswith("S: "):
            await asyncio.wait_for(expect(line, row[3:]), 10)
        elif row == "C: <tls>":
            await opened.encrypt(line)
        elif row.startswith(("C: ", "C\\ ")) or row == "C:":
            await line.send(ast.literal_eval(f'b"{row[3:]}"') if row[1] == "\\" else row[3:].encode() + b"\r\n")
        else:
            raise AssertionError(f"not a line of a dialog: {row}")
    if "S: <closed>" not in text:
        await nothing_more(line)
    assert len(backend.mails) == int(told.get("accepted", "0"))
    numbers = [one.number.dialled for mail in backend.mails for one in mail.envelope.faxes if one.number]
    assert numbers == told["numbers"].split() if "numbers" in told else True
    assert ast.literal_eval(f'b"{told["contains"]}"') in backend.mails[-1].data if "contains" in told else True


def settings(text: str) -> dict[str, int | float]:
    return {name: ast.literal_eval(value) for name, value in (word.split("=") for word in text.split())}


def backend_for(told: dict[str, str]) -> Backend:
    """What is behind the SMTP server; where ``answer`` names a cause, no mail is taken."""
    backend = Backend(RULES, proven=Proven(told.get("proven", ""), "nothing passed"))
    if "answer" in told:
        facts = {"limit": 5, "used": 4, "payer": "alice@example.com", "postmaster": RULES.postmaster}

        async def answer() -> Refusal:
            return refusal(Cause[told["answer"]], **facts)

        backend.before_accept = answer
    return backend


async def expect(line: Line, wanted: str) -> None:
    if wanted == "<closed>":
        assert await line.reader.read() == b""
    elif wanted == "<offers>":
        assert (await line.hear()).startswith("250-gate.example.com\n250-SIZE ")
    else:
        heard = (await line.reader.readline()).decode("ascii").removesuffix("\r\n")
        pattern = ".*".join(map(re.escape, wanted.split("…")))
        assert re.fullmatch(pattern, heard), f'heard "{heard}", expected "{wanted}"'


async def nothing_more(line: Line) -> None:
    """The client leaves without QUIT; nothing may have been said that the dialog does not show."""
    line.writer.write_eof()
    assert await asyncio.wait_for(line.reader.read(), 10) == b""


def test_there_are_dialogs() -> None:
    assert len(DIALOGS) >= 80
