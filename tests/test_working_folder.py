"""What a killed process left behind goes when the next one starts; what a live one has stays."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path

import pytest

from mailfax.working_folder import PREFIX, working_folder


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_everything_temporary_lies_in_it_and_goes_with_it(tmp_path: Path) -> None:
    with working_folder() as folder:
        assert Path(tempfile.mkdtemp()).parent == folder
    assert list(tmp_path.iterdir()) == []
    assert tempfile.tempdir == str(tmp_path)


def test_folders_of_dead_processes_are_removed_and_those_of_live_ones_stay(tmp_path: Path) -> None:
    dead, alive, other = tmp_path / f"{PREFIX}dead", tmp_path / f"{PREFIX}alive", tmp_path / "mailfax-other"
    for folder in (dead, alive, other):
        folder.mkdir()
        (folder / "fax.pdf").write_text("pages")
    (tmp_path / f"{PREFIX}link").symlink_to(other)
    held = os.open(alive, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    with working_folder():
        assert not dead.exists()
        assert (alive / "fax.pdf").exists() and (other / "fax.pdf").exists()
    os.close(held)


@pytest.mark.parametrize("moment", ["open", "flock"])
def test_another_that_starts_at_the_same_moment_takes_nothing_away(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between making and locking it, a folder looks like a dead process's."""
    real, taken = getattr(os if moment == "open" else fcntl, moment), []

    def late(*values: object) -> object:
        if not taken:
            [folder] = tmp_path.iterdir()
            folder.rmdir()
            taken.append(folder)
        return real(*values)

    monkeypatch.setattr(os if moment == "open" else fcntl, moment, late)
    with working_folder() as folder:
        monkeypatch.undo()
        assert folder.is_dir() and folder not in taken
