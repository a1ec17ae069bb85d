"""Whatever a mail asks for, nothing is fetched: neither from the network nor from this machine's files."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from tests.render.conftest import Render
from tests.render.paper import mail, text_of

pytestmark = pytest.mark.anyio

#: Every way of asking for something that was found in mails and in lists of attacks. U is the canary's address.
LURES = [
    '<img src="U/img" width=99>',
    '<img srcset="U/srcset 2x" alt="">',
    '<link rel=stylesheet href="U/link">',
    '<style>@import "U/import";</style>',
    "<style>@import url(U/import2);</style>",
    "<style>@im/**/port 'U/import3'; @\\69mport 'U/import4'</style>",
    '<style>@font-face{font-family:F;src:url("U/font")} body{font-family:F}</style>',
    "<style>body{background:url('U/css')} p{list-style-image:u\\72l(U/escaped)}</style>",
    '<div style="background-image:url(U/style);content:url(U/content)">x</div>',
    "<div style=\"background-image:image-set('U/set' 1x)\">x</div>",
    '<body background="U/body"><table background="U/table"><tr><td background="U/td">x</table>',
    '<iframe src="U/iframe"></iframe><object data="U/object"></object><embed src="U/embed">',
    '<video src="U/video" poster="U/poster"></video><audio src="U/audio"></audio>',
    '<svg><image href="U/svg" xlink:href="U/svg2"/><use href="U/use#x"/></svg>',
    "<img src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='U/datasvg'/></svg>\">",
    '<base href="U/"><img src="relative">',
    '<meta http-equiv=refresh content="0;url=U/refresh">',
    '<input type=image src="U/input"><img src="cid:../../U/cid">',
    '<img src="file:///etc/passwd"><iframe src="file:///etc/passwd"></iframe><link rel=stylesheet href="file:///etc/passwd">',
    '<script src="U/script">document.body.textContent="SCRIPT"</script><img src=x onerror="fetch(\'U/onerror\')">',
]


@pytest.fixture
def canary() -> Iterator[tuple[str, list[str]]]:
    """A web server, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join()


async def test_nothing_is_fetched(render: Render, canary: tuple[str, list[str]]) -> None:
    address, asked = canary
    for lure in LURES:
        made = await render(mail(None, html=f"<p>Hello</p>{lure.replace('U', address)}<p>world</p>"))
        text = " ".join(text_of(made.content))
        assert text.startswith("Hello")
        assert "root:" not in text
        assert "SCRIPT" not in text
    assert asked == []


async def test_the_canary_sings_when_it_is_asked(canary: tuple[str, list[str]]) -> None:
    """Else the test above proves nothing: the same page, with the engine's own fetcher."""
    import plutoprint

    from mailfax.render.fonts import load_fonts

    load_fonts()
    address, asked = canary
    book = plutoprint.Book()
    book.load_html(f'<img src="{address}/img">')
    book.get_page_count()
    assert asked == ["/img"]


async def test_pictures_on_the_internet_are_told(render: Render) -> None:
    html = (
        '<p>Hello</p><img src="https://example.com/a.png"><img src="http://example.com/p.gif" width="1" height="1">'
    )
    made = await render(mail(None, html=html))
    assert made.skipped == ("text of the mail: 1 picture kept on the internet (nothing is fetched from there)",)
