"""The page for people at ``/_sandbox/``: every account's seven folders, with pictures of the pages.

No scripts, nothing from anywhere else: the Content-Security-Policy allows this origin's pictures and one style
sheet inside the page.
"""

from __future__ import annotations

import secrets
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import HTMLResponse

from mailfax.sandbox import VERSION, clock, life
from mailfax.sandbox.exchange import Exchange
from mailfax.sandbox.life import Folder

if TYPE_CHECKING:
    from jinja2 import Template

FAXES_A_PAGE = 12
PICTURES_A_FAX = 4


@cache
def _template() -> Template:
    from jinja2 import Environment

    source = (Path(__file__).parent / "templates" / "index.html").read_text(encoding="utf-8")
    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)


async def front_page(exchange: Exchange, request: Request) -> HTMLResponse:
    """One folder of one account (``account``, ``folder``, ``from`` in the query), and the way to all the others."""
    await exchange.settle()
    accounts = tuple(exchange.passwords)
    account = request.query_params.get("account", "")
    account = account if account in exchange.passwords else accounts[0]
    folders = {folder.value: folder for folder in Folder}
    counts = await exchange.kept(exchange.store.counts)
    fullest = next((each for each in Folder if counts.get((account, each))), Folder.INBOX)
    folder = folders.get(request.query_params.get("folder", ""), fullest)
    start = request.query_params.get("from", "0")
    offset = int(start) if start.isascii() and start.isdigit() and len(start) < 10 else 0
    store = exchange.store
    faxes = [
        await exchange.counted(fax)
        for fax in await exchange.kept(lambda: store.faxes(account, folder, limit=FAXES_A_PAGE, offset=offset))
    ]
    nonce = secrets.token_urlsafe(16)
    html = _template().render(
        version=VERSION,
        nonce=nonce,
        accounts=accounts,
        account=account,
        folders=list(Folder),
        folder=folder,
        counts=counts,
        faxes=faxes,
        offset=offset,
        step=FAXES_A_PAGE,
        pictures=PICTURES_A_FAX,
        fax_date=clock.fax_date,
        now=exchange.now(),
        speed=exchange.clock.speed,
        sentence=lambda fax: life.MAGIC[fax.code].sentence if fax.code else "",
    )
    policy = (
        f"default-src 'none'; img-src 'self'; style-src 'nonce-{nonce}';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"})
