"""Killed at the commits of the pages: nobody is let in by half, and nothing is shown that was not written down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.deaths import MOMENTS, command, dies
from tests.support.pages import PagesSite, Visitor
from tests.support.site import listens, until


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[PagesSite]:
    here = PagesSite(tmp_path)
    here.start_sandbox()
    try:
        yield here
    finally:
        here.close()


def opened(pages: PagesSite, *dying: str) -> object:
    bridge = pages.start(*dying)
    until(lambda: listens(pages.pages_port) or bridge.poll() is not None, "the pages", pages.log)
    return bridge


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("commit", ["bearer-added", "bearer-removed", "bearer-used", "viewed"])
def test_dead_at_a_commit_of_the_pages(pages: PagesSite, commit: str, moment: str) -> None:
    bridge = opened(pages)
    fax = pages.send("15555550100", sender="anna@example.com") + "-1"
    pages.answers(1, "anna@example.com")
    anna = pages.visitor("anna")
    pages.stop(bridge)  # type: ignore[arg-type]
    pages.change("UPDATE bearer SET used_at = used_at - 120")
    if commit != "bearer-used":
        pages.change("UPDATE bearer SET used_at = used_at + 120")
    bridge = opened(pages, moment, commit)
    with pytest.raises(httpx.TransportError):
        match commit:
            case "bearer-added":
                pages.visitor("bob")
            case "bearer-removed":
                anna.submit("/", "/sign-out")
            case "bearer-used":
                anna.get("/")
            case "viewed":
                anna.get(f"/faxes/{fax}/pages/1.png")
    dies(pages, bridge, f"{moment} {commit}")  # type: ignore[arg-type]
    opened(pages)
    signed_out = commit == "bearer-removed" and moment == "after"
    assert anna.get("/").status_code == (303 if signed_out else 200)
    seen = pages.rows("SELECT COUNT(*) FROM history WHERE event = 'viewed'")
    assert seen == [(int(commit == "viewed" and moment == "after"),)]
    if commit == "viewed":
        assert anna.get(f"/faxes/{fax}/pages/1.png").status_code == 200
    assert isinstance(pages.visitor("bob"), Visitor)
    assert len(pages.faxes()) == 1


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_token_is_there_whole_or_not_at_all(pages: PagesSite, moment: str) -> None:
    pages.stop(opened(pages))  # type: ignore[arg-type]
    command(pages, moment, "bearer-added", "token", "add", "invoices", "--user", "anna")
    assert len(pages.rows("SELECT 1 FROM bearer")) == (moment == "after")
