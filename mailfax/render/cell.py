"""What happens inside a cell: one stranger's mail becomes one document, and then the process ends.

In: the path of a mail and a directory. Out: one JSON object for the foreman: ``rendered`` or ``refused``. Everything
here may be killed at any moment; nothing here is shared with anybody.

LIMITS: set before the first byte is read: memory, processor time, file size, open files, no core files.
"""

from __future__ import annotations

import errno
import resource
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mailfax.render.attempt import die_with_parent
from mailfax.render.drawing import render
from mailfax.render.pdf import count_pages
from mailfax.render.terms import Terms, Wishes
from mailfax.rules.job import Status
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable

#: Address space of a cell in bytes: a mail of 50 MB needs 400 MB here.
MEMORY = 1536 * 1024 * 1024
OPEN_FILES = 64
Say = Callable[[dict[str, Any]], None]


def confine(terms: Terms) -> None:
    """Take away what a document does not need."""
    die_with_parent()
    # Python ignores SIGXFSZ: a file that grows too large is an OSError, and that is an answer.
    for what, limit in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, int(terms.seconds) + 1),
        (resource.RLIMIT_FSIZE, 2 * terms.document_bytes + 1_000_000),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (limit, limit))


def work(task: dict[str, Any], terms: Terms, say: Say) -> None:
    """Do what the foreman was asked to, and say how it ended; before each file its name, for the case of death."""
    at = "the mail"

    def say_at(name: str) -> None:
        nonlocal at
        at = name
        say({"at": name})

    try:
        if task["do"] == "count":
            say({"pages": count_pages(Path(task["source"]).read_bytes(), "the received fax")})
        else:
            made = render(Path(task["source"]), Path(task["into"]), terms, Wishes(**task["wishes"]), say_at)
            say({"rendered": made})
    except NotFaxable as refused:
        say(_refused(refused.status))
    except (MemoryError, RecursionError):
        why = f'"{at}" needs more memory than a document may have'
        say(_refused(status(Cause.RENDER_FAILED, why=why)))
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
