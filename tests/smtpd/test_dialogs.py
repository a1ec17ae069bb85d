"""Every file in tests/dialogs is one oddity of some client, said and answered word for word.

``C: `` is a line the client sends (CRLF is added), ``C\\ `` sends exactly the bytes of a Python bytes literal,
``S: `` is a reply ("…" stands for anything), ``S: <closed>`` the end of the connection. ``# listener: device`` in the
head chooses the door, ``# accepted: 2`` says how many mails were taken (0 without it).
"""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.smtpd.conftest import PLAIN, OpenHouse

pytestmark = pytest.mark.anyio
DIALOGS = sorted((Path(__file__).parents[1] / "dialogs").glob("*.dialog"))
LISTENERS = {"submission": PLAIN, "device": replace(PLAIN, name="device", device=True)}


@pytest.mark.parametrize("path", DIALOGS, ids=lambda path: path.stem)
async def test_dialog(path: Path, open_house: OpenHouse) -> None:
    text = path.read_text("utf-8")
    settings = dict(re.findall(r"^# (listener|accepted|from): (\S+)$", text, re.MULTILINE))
    listener = LISTENERS[settings.get("listener", "submission")]
    opened = await open_house(listener)
    line = await opened.connect(listener.name, settings.get("from", "127.0.0.1"))
    expected: list[str] = []

    async def hear() -> None:
        """Replies are compared as a whole, when the client speaks next."""
        if expected:
            wanted = "\n".join(expected)
            heard = []
            while len("\n".join(heard).splitlines()) < len(expected):
                heard.append(await line.hear() or "<closed>")
                if heard[-1] == "<closed>":
                    break
            pattern = ".*".join(map(re.escape, wanted.split("…")))
            assert re.fullmatch(pattern, "\n".join(heard)), f"heard {heard}, expected {expected}"
            expected.clear()

    for row in text.splitlines():
        if row.startswith("S: "):
            expected.append(row[3:])
        elif row.startswith(("C: ", "C\\ ")) or row == "C:":
            await hear()
            said = ast.literal_eval(f'b"{row[3:]}"') if row[1] == "\\" else row[3:].encode() + b"\r\n"
            await line.send(said)
        else:
            assert not row or row.startswith("#"), f"not a line of a dialog: {row}"
    await hear()
    line.close()
    assert len(opened.desk.mails) == int(settings.get("accepted", "0"))


def test_there_are_dialogs() -> None:
    assert len(DIALOGS) >= 30
