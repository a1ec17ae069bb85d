"""What happens inside a cell: one stranger's mail becomes one document, and then the process ends.

In: descriptors of a mail and of an empty file. Out: the document in that file, and one JSON object for the foreman:
``rendered`` or ``refused``. Everything here may be killed at any moment; nothing here is shared with anybody. The
cell was closed (``jail``) before the first byte is read.

LIMITS: ``SHARE`` of the time for the engine that lays out HTML; then the cell ends.
"""

from __future__ import annotations

import errno
import faulthandler
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from mailfax.render.compose import compose
from mailfax.render.converters import ConverterClient
from mailfax.render.drawing import planned, render
from mailfax.render.locked import locked
from mailfax.render.programs import NotConverted
from mailfax.render.received import count_pages
from mailfax.render.screen import as_pdf, picture
from mailfax.render.terms import ORDINARY, Order, Terms, Wishes
from mailfax.rules.job import Status
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable

STANDARD_ERROR = 2
#: The part of the time of a document that the engine for HTML may take for one text.
SHARE = 1 / 3
Say = Callable[[dict[str, Any]], None]


def work(task: dict[str, Any], files: Sequence[int], terms: Terms, say: Say, converter: ConverterClient) -> None:
    """Do what the foreman was asked to, and say how it ended; before each file its name, for the case of death.

    ``files`` are descriptors: of the mail, of its document where one is wanted, of the order where one is composed.
    """
    at = "the mail"

    def say_at(name: str, *, engine: bool = False) -> None:
        nonlocal at
        at = name
        say({"at": name, "engine": engine})
        faulthandler.cancel_dump_traceback_later()
        if engine:
            # A thread that needs no interpreter: it ends the cell whatever the engine is at.
            faulthandler.dump_traceback_later(terms.seconds * SHARE, exit=True, file=STANDARD_ERROR)

    try:
        with os.fdopen(files[0], "rb") as source:
            raw = source.read()
        if task["do"] == "count":
            say({"pages": count_pages(raw, "the received fax")})
        elif task["do"] == "examine":
            planned(raw, terms, ORDINARY, converter)
            say({"examined": True})
        elif task["do"] == "compose":
            with os.fdopen(files[2], "rb") as order:
                content, pages = compose(raw, Order.of(json.load(order)))
            with os.fdopen(files[1], "wb") as document:
                document.write(content)
            say({"pages": pages})
        elif task["do"] == "picture":
            content, pages = picture(raw, task["page"], task["width"])
            with os.fdopen(files[1], "wb") as png:
                png.write(content)
            say({"pages": pages})
        elif task["do"] == "as pdf":
            with os.fdopen(files[1], "wb") as pdf:
                pdf.write(as_pdf(raw))
            say({"pages": 0})
        elif task["do"] == "lock":
            with os.fdopen(files[1], "wb") as pdf:
                pdf.write(locked(raw, task["password"]))
            say({"pages": 0})
        else:
            as_words = frozenset(task.get("as_words", ()))
            content, made = render(raw, terms, Wishes(**task["wishes"]), say_at, converter, as_words)
            with os.fdopen(files[1], "wb") as document:
                document.write(content)
            say({"rendered": made})
    except NotFaxable as refused:
        say(_refused(refused.status))
    except NotConverted as failed:
        say(_refused(status(Cause.RENDER_FAILED, why=f'"{at}": {failed}'), later=failed.later))
    except (MemoryError, RecursionError):
        why = f'"{at}" needs more memory than a document may have'
        say(_refused(status(Cause.RENDER_FAILED, why=why)))
    except PermissionError:
        # A library wanted what a cell does not have: it would again.
        diagnostic = "x-mailfax; something was asked for that a cell does not have"
        say(_refused(status(Cause.RENDER_FAILED, diagnostic, why=f'"{at}" could not be read')))
    except OSError as failed:
        if failed.errno == errno.EFBIG:
            size = f"more than {2 * terms.document_bytes}"
            say(_refused(status(Cause.DOCUMENT_TOO_BIG, size=size, limit=terms.document_bytes)))
        else:
            diagnostic = f"x-mailfax; {errno.errorcode.get(failed.errno or 0, 'error')} in the converter"
            say(_refused(status(Cause.RENDER_FAILED, diagnostic, why="the machine had no room"), later=True))
    except Exception as unknown:
        # A parser met something that nobody foresaw: it would again.
        diagnostic = f"x-mailfax; {type(unknown).__name__} in the converter"
        say(_refused(status(Cause.RENDER_FAILED, diagnostic, why=f'"{at}" could not be read')))


def _refused(why: Status, *, later: bool = False) -> dict[str, Any]:
    return {"refused": asdict(why), "later": later}
