"""A fax in a folder is whole or not there, once, and takes nobody's place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mailfax.rules.failure import NotSent, Refused
from mailfax.targets import Parcel, Targets
from mailfax.targets.folder import Folder
from mailfax.targets.parcel import File, opened
from tests.targets.parcels import content, parcel

pytestmark = pytest.mark.anyio
NAME = "fax-2026-11-23-2059-15557654321-CINB000001"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_the_documents_and_a_json_beside_them(tmp_path: Path) -> None:
    await Targets().hand_over("", [f"folder:{tmp_path}"], content(b"%PDF-1.7", b"II*\0"))
    assert names(tmp_path) == [f"{NAME}.json", f"{NAME}.pdf", f"{NAME}.tif"]
    assert (tmp_path / f"{NAME}.pdf").read_bytes() == b"%PDF-1.7"
    assert (tmp_path / f"{NAME}.tif").read_bytes() == b"II*\0"
    facts = json.loads((tmp_path / f"{NAME}.json").read_text())
    assert facts["caller_name"] == "Müller" and facts["queue_id"] == "CINB000001"


async def test_a_second_writing_of_the_same_fax_changes_nothing(tmp_path: Path) -> None:
    await Folder().take(str(tmp_path), parcel())
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    await Folder().take(str(tmp_path), parcel())
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


async def test_another_file_of_that_name_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.pdf").write_bytes(b"somebody's")
    with pytest.raises(Refused, match="is another file"):
        await Folder().take(str(tmp_path), parcel())
    assert (tmp_path / f"{NAME}.pdf").read_bytes() == b"somebody's" and names(tmp_path) == [f"{NAME}.pdf"]


async def test_without_hard_links_it_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    await Folder().take(str(tmp_path), parcel())
    await Folder().take(str(tmp_path), parcel())
    assert names(tmp_path) == [f"{NAME}.json", f"{NAME}.pdf"]


async def test_a_folder_that_is_not_there_is_waited_for_and_never_made(tmp_path: Path) -> None:
    place = tmp_path / "mounted later"
    with pytest.raises(NotSent, match="is not there"):
        await Folder().take(str(place), parcel())
    with pytest.raises(NotSent, match="is not there"):
        await Targets().probe(f"folder:{place}")
    assert not place.exists()


async def test_a_full_disk_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotSent, match="No space left"):
        await Folder().take(str(tmp_path), parcel())
    assert names(tmp_path) == []


WRITER = """
import asyncio, sys
from mailfax.targets.folder import Folder
from tests.targets.parcels import parcel
print("ready", flush=True)
while True:
    asyncio.run(Folder().take(sys.argv[1], parcel(b"x" * 3_000_000)))
    for path in __import__("pathlib").Path(sys.argv[1]).iterdir():
        path.unlink(missing_ok=True)
"""


def test_killed_at_any_moment_no_file_is_half_and_the_next_writing_makes_it_whole(tmp_path: Path) -> None:
    for turn in range(8):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"
        time.sleep(0.02 + 0.017 * turn)
        writer.kill()
        writer.wait()
        writer.stdout.close()
        for path in tmp_path.glob("[!.]*.pdf"):
            assert path.stat().st_size == 3_000_000
    import asyncio

    asyncio.run(Folder().take(str(tmp_path), parcel(b"x" * 3_000_000)))
    assert names(tmp_path) == [f"{NAME}.json", f"{NAME}.pdf"], "and nothing is left of the writers that died"


def test_what_is_no_such_mail_is_refused() -> None:
    with pytest.raises((ValueError, TypeError)):
        opened(b"Subject: x\r\n\r\nhello")
    assert opened(content(b"%PDF")).files == (File(f"{NAME}.pdf", "application/pdf", b"%PDF"),)
    assert isinstance(opened(content(b"%PDF")), Parcel)
