"""What happens inside a cell: one stranger's mail becomes one document, and then the process ends.

In: the path of a mail and a directory. Out: one JSON object for the foreman: ``rendered`` or ``refused``. Everything
here may be killed at any moment; nothing here is shared with anybody.

LIMITS: set before the first byte is read: memory, processor time, file size, open files, no core files.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mailfax.render.glyphs import missing_glyphs, unbearable
from mailfax.render.html import clean, draw_html, draw_text, far_pictures, text_of
from mailfax.render.kinds import PICTURES, Kind
from mailfax.render.pdf import Document, count_pages
from mailfax.render.picture import draw_picture
from mailfax.render.plan import Plan, Source, plan, safe_filename, visible
from mailfax.render.terms import Terms
from mailfax.rules.job import Status
from mailfax.rules.pictures import behind_text_in
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable, Part, understand

#: Address space of a cell in bytes: a mail of 50 MB needs 400 MB here.
MEMORY = 1536 * 1024 * 1024
OPEN_FILES = 64
PR_SET_PDEATHSIG = 1


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


def die_with_parent() -> None:
    """The kernel ends this process when its parent dies: nobody else would."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


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
            made = render(Path(task["source"]), Path(task["into"]), terms, task["notes_bytes"], say_at)
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


def render(source: Path, into: Path, terms: Terms, notes_bytes: int, say_at: Callable[[str], None]) -> dict[str, Any]:
    """Make the document of one mail in ``into``."""
    submission = understand(source.read_bytes())
    decided = plan(submission, notes_bytes)
    if decided.untouched is not None:
        content, filename, pages = decided.untouched.part.content, safe_filename(decided.untouched), None
        contents: tuple[str, ...] = (f"{decided.untouched.name}: sent as it is",)
        skipped: tuple[str, ...] = ()
    else:
        content, pages, contents, skipped = _drawn(decided, submission.images, terms, say_at)
        filename = "fax.pdf"
    if len(content) > terms.document_bytes:
        raise NotFaxable(status(Cause.DOCUMENT_TOO_BIG, size=len(content), limit=terms.document_bytes))
    path = into / filename
    path.write_bytes(content)
    return {
        "filename": filename,
        "pages": pages,
        "notes": decided.notes,
        "contents": (*(("text of the mail: on the cover page",) if decided.notes else ()), *contents),
        "skipped": (*decided.skipped, *skipped),
    }


def _drawn(
    decided: Plan, images: dict[str, Part], terms: Terms, say_at: Callable[[str], None]
) -> tuple[bytes, int, tuple[str, ...], tuple[str, ...]]:
    document = Document(terms.paper, terms.pages)
    contents: list[str] = []
    skipped: list[str] = []
    for source in decided.sources:
        say_at(source.name)
        first = document.pages + 1
        skipped += _draw(source, images, document, terms)
        last = document.pages
        contents.append(f"{source.name}: page {first}" if first == last else f"{source.name}: pages {first}-{last}")
    return document.save(), document.pages, tuple(contents), tuple(skipped)


def _draw(source: Source, images: dict[str, Part], document: Document, terms: Terms) -> list[str]:
    """Append the pages of one source; what was left out of it."""
    content = source.part.content
    if source.kind is Kind.PDF:
        document.add(content, source.name)
    elif source.kind in PICTURES:
        for page in draw_picture(content, source.kind, source.name, terms.paper, terms.pages):
            document.add(page, source.name)
    elif source.kind is Kind.HTML:
        return _draw_html(source, images, document, terms)
    else:
        return _draw_text(source.name, visible(_text(source)), document, terms)
    return []


def _draw_html(source: Source, images: dict[str, Part], document: Document, terms: Terms) -> list[str]:
    """HTML as it looks; as its text where the engine fails, hangs or dies."""
    page = _text(source)
    pdf = _tried(lambda: draw_html(clean(page), images, terms.paper), terms.seconds / 3)
    text = visible(text_of(page))
    if pdf is None:
        left_out = _draw_text(source.name, text, document, terms)
        return [f"{source.name}: its layout and pictures (only its text could be drawn)", *left_out]
    left_out = _glyphs(source.name, text)
    document.add(pdf, source.name)
    if images:
        lost = behind_text_in(page) & images.keys()
        left_out += [f"{images[cid].name}: a picture behind the text of the mail" for cid in sorted(lost)]
    if far := far_pictures(page):
        left_out.append(
            f"{source.name}: {far} picture{'s' * (far != 1)} kept on the internet (nothing is fetched from there)"
        )
    return left_out


def _draw_text(name: str, text: str, document: Document, terms: Terms) -> list[str]:
    left_out = _glyphs(name, text)
    document.add(draw_text(text, terms.paper), name)
    return left_out


def _glyphs(name: str, text: str) -> list[str]:
    """Tell which characters will be boxes; raises ``NotFaxable`` where they are most of the text."""
    missing = missing_glyphs(text)
    if not missing:
        return []
    writings = ", ".join(missing)
    if unbearable(text, missing):
        why = f"there is no font for its writing here ({writings}). Send it as a PDF"
        raise NotFaxable(status(Cause.UNSUPPORTED, name=name, why=why))
    count = sum(missing.values())
    return [f"{name}: {count} character{'s' * (count != 1)} for which there is no font here ({writings})"]


def _text(source: Source) -> str:
    if source.part.text is not None:
        return source.part.text
    content = source.part.content
    for charset in ("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "cp1252"):
        try:
            return content.decode(charset)
        except ValueError:
            continue
    return content.decode("latin-1")


def _tried(draw: Callable[[], bytes], seconds: float) -> bytes | None:
    """Draw in a process of its own; None if it failed, died, or took longer than ``seconds``."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            die_with_parent()
            os.close(out)
            with os.fdopen(into, "wb") as pipe:
                pipe.write(draw())
            code = 0
        finally:
            os._exit(code)
    os.close(into)
    deadline = time.monotonic() + seconds
    pdf = bytearray()
    os.set_blocking(out, False)
    while time.monotonic() < deadline:
        try:
            block = os.read(out, 1 << 20)
        except BlockingIOError:
            time.sleep(0.002)
            continue
        if not block:
            break
        pdf += block
    else:
        os.kill(child, signal.SIGKILL)
    os.close(out)
    _, result = os.waitpid(child, 0)
    return bytes(pdf) if result == 0 and pdf else None


def _refused(why: Status, *, later: bool = False) -> dict[str, Any]:
    return {"refused": asdict(why), "later": later}
