"""The style sheet and the script of the pages: files of ours, and no other.

In: the name of a file, with its hash. Out: the file; browsers may keep it: once it changes, it has
another address.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from mailfax.pages.looks import ASSETS, STATIC
from mailfax.pages.visit import NotThere

TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


async def icon(request: Request) -> Response:
    """What browsers ask for beside a picture."""
    return FileResponse(STATIC / "icon.svg", media_type=TYPES[".svg"], headers={"cache-control": "public"})


async def asset(request: Request) -> Response:
    """One of ``ASSETS``: nothing is looked for on the disk that is not in that table."""
    name = request.path_params["name"]
    if ASSETS.get(name) is None:
        raise NotThere(name)
    headers = {"cache-control": "public, max-age=31536000, immutable"}
    return FileResponse(STATIC / name, media_type=TYPES["." + name.rpartition(".")[2]], headers=headers)
