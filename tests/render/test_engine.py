"""The engine for HTML dies or hangs: another cell draws the words of that HTML."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from mailfax.config import Limits
from mailfax.render import CannotRender, Renderer
from tests.render.paper import mail, text_of

pytestmark = pytest.mark.anyio

SECONDS = 6
#: Put into the foreman before its first cell.
PLANTED = """
import os
from mailfax.render import html
whole = html.draw_html
def draw_html(page, *rest, **more):
    if "die here" in page:
        os.abort()
    return whole(page, *rest, **more)
html.draw_html = draw_html
main()
"""
AS_WORDS = "its layout and pictures (only its text could be drawn)"


@pytest.fixture(scope="module")
async def planted() -> AsyncIterator[Renderer]:
    renderer = Renderer(paper="letter", limits=Limits(render_seconds=SECONDS))
    start = asyncio.create_subprocess_exec

    async def with_plant(python: str, isolated: str, command: str, code: str, *rest: Any, **more: Any) -> Any:
        return await start(python, isolated, command, code.removesuffix("main()") + PLANTED, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "create_subprocess_exec", with_plant)
        await renderer.start()
    yield renderer
    await renderer.close()


def page(name: str, words: str) -> tuple[str, str, bytes]:
    return name, "text/html", f"<p>{words}</p><hr><p>Kind regards</p>".encode()


async def test_html_that_the_engine_dies_of_is_drawn_as_its_words(planted: Renderer, tmp_path: Path) -> None:
    (tmp_path / "mail").write_bytes(mail("See.", page("a.html", "die here"), page("b.html", "whole")))
    made = await planted.render(tmp_path / "mail", into=tmp_path)
    assert made.skipped == (f"a.html: {AS_WORDS}",)
    assert text_of(made.content) == ["die here Kind regards", "whole Kind regards"]


async def test_html_that_the_engine_does_not_come_back_from_is_drawn_as_its_words(
    planted: Renderer, tmp_path: Path
) -> None:
    (tmp_path / "mail").write_bytes(mail(None, html="<table><tr><td>" * 60 + "Kind regards"))
    began = time.monotonic()
    made = await planted.render(tmp_path / "mail", into=tmp_path)
    assert time.monotonic() - began < SECONDS
    assert made.skipped == (f"text of the mail: {AS_WORDS}",)
    assert text_of(made.content) == ["Kind regards"]


async def test_each_of_several_that_end_it_is_drawn_as_its_words(planted: Renderer, tmp_path: Path) -> None:
    (tmp_path / "mail").write_bytes(mail("See.", *(page(f"{n}.html", f"die here {n}") for n in range(4))))
    made = await planted.render(tmp_path / "mail", into=tmp_path)
    assert made.skipped == tuple(f"{n}.html: {AS_WORDS}" for n in range(4))


async def test_a_mail_that_ends_it_again_and_again_is_tried_later(planted: Renderer, tmp_path: Path) -> None:
    (tmp_path / "mail").write_bytes(mail("See.", *(page(f"{n}.html", f"die here {n}") for n in range(5))))
    with pytest.raises(CannotRender, match=r'ended unexpectedly at "4\.html"') as refused:
        await planted.render(tmp_path / "mail", into=tmp_path)
    assert refused.value.later
