"""The pages of a received fax, in the forms that its account wants, or in the other one where those are damaged.

In: a fax id. Out: files that can be opened, and their pages, counted here. Raises what the client and the renderer
raise: of a damaged fax ``Unreadable`` or ``CannotRender``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mailfax import letters
from mailfax.config import Account
from mailfax.faxcore.client import FaxCore
from mailfax.faxcore.download import FileType
from mailfax.faxcore.errors import NotKnown, Unreadable
from mailfax.render import CannotRender, Renderer

#: What FaxCore calls each form; the one that is asked for first where nothing else is wanted.
FORMS: dict[letters.Form, FileType] = {letters.PDF: "PDF", letters.TIFF: "TIF"}
#: The forms of each ``deliver_as``.
WANTED = {"pdf": (letters.PDF,), "tiff": (letters.TIFF,), "both": (letters.PDF, letters.TIFF)}


@dataclass(frozen=True, slots=True)
class Fetched:
    """``instead``: the form that was wanted and is damaged. ``pages`` are those of the first file."""

    files: tuple[tuple[letters.Form, Path], ...]
    pages: int
    instead: letters.Form | None = None


async def fetch(client: FaxCore, renderer: Renderer, fax_id: str, deliver_as: str, folder: Path) -> Fetched:
    """Into ``folder``. What is not wanted is asked for only where nothing else can be read."""
    wanted = WANTED[deliver_as]
    good: list[tuple[letters.Form, Path, int]] = []
    damaged: tuple[letters.Form, Exception] | None = None
    for form in (*wanted, *(form for form in FORMS if form not in wanted)):
        if good and form not in wanted:
            break
        path = folder / f"fax{form.suffix}"
        try:
            good.append((form, path, await _download(client, renderer, fax_id, form, path)))
        except (Unreadable, NotKnown, CannotRender) as error:
            if damaged is None:
                if isinstance(error, NotKnown) or (isinstance(error, CannotRender) and error.later):
                    raise
                damaged = (form, error)
    if not good:
        assert damaged is not None
        raise damaged[1] from None
    return Fetched(tuple((form, path) for form, path, _ in good), good[0][2], damaged[0] if damaged else None)


@dataclass(frozen=True, slots=True)
class Brought:
    """What people get: the files, and the first page as a picture; none of one that is locked with a password."""

    files: tuple[tuple[letters.Form, Path], ...]
    picture: bytes = b""
    locked: bool = False


async def as_brought(
    renderer: Renderer, account: Account, files: Sequence[tuple[letters.Form, Path]], folder: Path
) -> Brought:
    """The files, or one PDF that opens with the account's password alone, where it has one."""
    first = files[0][1]
    if not account.pdf_password:
        return Brought(tuple(files), await renderer.thumbnail(first, into=folder))
    made = await renderer.lock(first, account.pdf_password, into=folder)
    return Brought(((letters.PDF, made),), locked=True)


async def _download(client: FaxCore, renderer: Renderer, fax_id: str, form: letters.Form, path: Path) -> int:
    """The pages, counted."""
    with await asyncio.to_thread(path.open, "wb") as file:
        await client.download_fax(fax_id, filetype=FORMS[form], to=file)
    # We count ourselves: the service may count otherwise, or not at all (A20).
    return await renderer.count_pages(path)
