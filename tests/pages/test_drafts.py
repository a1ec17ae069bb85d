"""What is looked at before it is sent: bounded, of one user alone, and gone after a while."""

from __future__ import annotations

import pytest

from mailfax.pages import drafts
from mailfax.pages.drafts import Drafts
from mailfax.pages.sending import Upload, Wish


def wish(key: str, size: int = 10) -> Wish:
    return Wish(key, "anna@example.com", "15555550100", files=(Upload("a.pdf", "application/pdf", b"x" * size),))


def test_a_draft_is_of_who_made_it_and_leaves_nothing_behind() -> None:
    kept = Drafts()
    draft = kept.begin("anna", wish("one"))
    (draft.folder / "page").write_text("x")
    assert kept.find("anna", "one") is draft and kept.find("bob", "one") is None
    kept.forget(draft)
    assert kept.find("anna", "one") is None and not draft.folder.exists()


def test_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "BYTES", 100)
    kept = Drafts()
    folders = [kept.begin("anna", wish(str(number))).folder for number in range(drafts.EACH + 2)]
    assert [folder.exists() for folder in folders] == [False] * 2 + [True] * drafts.EACH
    assert kept.find("anna", "2") and kept.begin("bob", wish("large", 90))
    assert kept.find("anna", str(drafts.EACH + 1)) and not kept.find("anna", "2"), "files in memory are bounded"
    monkeypatch.setattr(drafts, "LIFETIME", -1.0)
    assert kept.find("bob", "large") is None, "its time is over"
    kept.close()
    assert not any(folder.exists() for folder in folders)
