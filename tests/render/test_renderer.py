"""The renderer survives everything that happens to its processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pypdfium2
import pytest

from mailfax.config import Limits
from mailfax.render import CannotRender, Renderer
from mailfax.render.programs import drawn_by_programs
from tests.render.conftest import Render
from tests.render.paper import mail

pytestmark = pytest.mark.anyio

#: HTML that takes the engine seconds.
SLOW = b"<p>word</p>" * 60_000


async def test_many_at_once_each_get_their_own(renderer: Renderer, tmp_path: Path) -> None:
    async def one(number: int) -> str:
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "mail").write_bytes(mail("x", (f"{number}.txt", "text/plain", b"text")))
        made = await renderer.render(folder / "mail", into=folder)
        assert made.content.parent == folder
        return made.contents[1]

    assert await asyncio.gather(*map(one, range(12))) == [f"{number}.txt: page 1" for number in range(12)]


async def test_a_dead_foreman_is_tried_again_later_and_replaced(renderer: Renderer, tmp_path: Path) -> None:
    source = tmp_path / "mail"
    source.write_bytes(b"Content-Type: text/html\n\n" + SLOW)
    rendering = asyncio.create_task(renderer.render(source, into=tmp_path))
    await asyncio.sleep(0)
    foreman = renderer._foreman
    assert foreman is not None
    foreman.kill()
    with pytest.raises(CannotRender) as refused:
        await rendering
    assert refused.value.later
    source.write_bytes(mail("Hello"))
    assert (await renderer.render(source, into=tmp_path)).pages == 1


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in tasks.read_text().split()] if tasks.exists() else []


def cells(foreman: int) -> list[int]:
    """Its children at work: not the converter server (the first, where there is one), nor the waiting one (last)."""
    return children(foreman)[1 if drawn_by_programs() else 0 : -1]


def worked(pid: int) -> float:
    """Seconds of processor time."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def until(condition: object) -> None:
    async with asyncio.timeout(10):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.01)


async def test_a_killed_cell_is_tried_again_later_and_named(renderer: Renderer, tmp_path: Path) -> None:
    source = tmp_path / "mail"
    source.write_bytes(mail("x", ("slow.html", "text/html", SLOW)))
    rendering = asyncio.create_task(renderer.render(source, into=tmp_path))
    foreman = renderer._foreman
    assert foreman is not None
    await until(lambda: any(worked(cell) > 0.5 for cell in cells(foreman.pid)))
    os.kill(cells(foreman.pid)[0], signal.SIGKILL)
    with pytest.raises(CannotRender, match=r"unexpectedly at .slow\.html.") as refused:
        await rendering
    assert refused.value.later
    assert "signal 9" in refused.value.status.diagnostic


async def test_a_cell_that_died_before_it_had_a_mail_is_replaced(renderer: Renderer, tmp_path: Path) -> None:
    """The kernel takes one first where memory is short."""
    source = tmp_path / "mail"
    source.write_bytes(mail("Hello"))
    foreman = renderer._foreman
    assert foreman is not None
    await until(lambda: not cells(foreman.pid))
    waiting = children(foreman.pid)[-1]
    os.kill(waiting, signal.SIGKILL)
    await until(lambda: ") Z " in Path(f"/proc/{waiting}/stat").read_text())
    assert (await renderer.render(source, into=tmp_path)).pages == 1
    await until(lambda: not cells(foreman.pid))
    assert waiting not in children(foreman.pid)


async def test_what_is_not_wanted_any_more_is_ended(renderer: Renderer, tmp_path: Path) -> None:
    source = tmp_path / "mail"
    source.write_bytes(mail("x", ("slow.html", "text/html", SLOW)))
    rendering = asyncio.create_task(renderer.render(source, into=tmp_path))
    foreman = renderer._foreman
    assert foreman is not None
    await until(lambda: cells(foreman.pid))
    rendering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await rendering
    await until(lambda: not cells(foreman.pid))


async def test_a_document_that_takes_too_long_is_ended_and_named(tmp_path: Path) -> None:
    renderer = Renderer(paper="letter", limits=Limits(render_seconds=1))
    source = tmp_path / "mail"
    source.write_bytes(b"Content-Type: text/plain\n\n" + b"so many words\n" * 1_500_000)
    await renderer.start()
    assert renderer._foreman is not None
    with contextlib.suppress(PermissionError):  # its cells inherit it: they must get half of a busy machine's time
        os.setpriority(os.PRIO_PROCESS, renderer._foreman.pid, -19)
    try:
        for _ in range(10):
            with pytest.raises(CannotRender, match="took longer than 1 second\\.") as refused:
                await renderer.render(source, into=tmp_path)
            if not refused.value.later:  # else others kept the processor busy meanwhile
                break
        assert refused.value.status.code == "5.6.3"
    finally:
        await renderer.close()


async def test_no_process_is_left(tmp_path: Path) -> None:
    renderer = Renderer(paper="letter", limits=Limits())
    await renderer.start()
    foreman = renderer._foreman
    assert foreman is not None
    environment = Path(f"/proc/{foreman.pid}/environ").read_bytes()
    await renderer.close()
    assert environment == b""
    assert not Path(f"/proc/{foreman.pid}").exists()


SCRIPT = """
import asyncio, sys, pathlib
from mailfax.config import Limits
from mailfax.render import Renderer
async def main():
    renderer = Renderer(paper="letter", limits=Limits())
    made = await renderer.render(pathlib.Path("mail"), into=pathlib.Path("."))
    print(made.pages, made.content.name)
    await renderer.close()
if sys.argv[1] == "uvloop":
    import uvloop
    uvloop.run(main())
else:
    asyncio.run(main())
"""


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
async def test_it_works_under_any_event_loop_and_without_an_environment(tmp_path: Path, loop: str) -> None:
    (tmp_path / "mail").write_bytes(mail("Hello"))
    made = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, loop],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (made.stdout, made.stderr) == ("1 fax.pdf\n", "")


async def test_a_drawing_is_drawn_whole_and_what_it_would_fetch_is_named(render: Render) -> None:
    """``use`` of its own shapes, its own style; HTML within it is not lost."""
    made = await render(
        mail(
            None,
            html='<p>words</p><svg width="300" height="100"><style>.a{fill:none;stroke:black}</style>'
            '<defs><rect id="g" width="60" height="60" fill="black"/></defs><use href="#g" x="100" y="10"/>'
            '<text class="b" x="9" y="90">drawn</text><image href="http://example.com/a.png" width="9" height="9"/>'
            "<foreignObject width='100' height='20'><p>inside</p></foreignObject></svg>",
        )
    )
    assert made.skipped == ("text of the mail: 1 picture within a drawing, which would have to be fetched",)
    with pypdfium2.PdfDocument(made.content) as shown:
        text = shown[0].get_textpage().get_text_bounded()
        dark = shown[0].render(scale=1).to_pil().convert("L").histogram()
    assert [word for word in ("words", "drawn", "inside") if word in text] == ["words", "drawn", "inside"]
    assert sum(dark[:50]) > 1500, "the shape that is used stands there"
