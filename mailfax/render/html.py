"""HTML becomes pages as its sender saw it: read, drawn without network, files or scripts, and read back.

In: HTML as text and the pictures it refers to by Content-ID. Out: pages, and what was left out of them. The pages
that the engine made must have every word of the mail; where they don't, or where it fails, the words are drawn as
text, and the sender is told. Where it dies, or takes more than its share of the time, the cell ends, and the foreman
has the mail drawn by another one, with the words of this HTML.

STANDARDS: RFC 2392 (cid).
LIMITS: a share of the time of the whole document (``cell.SHARE``).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from html import unescape
from urllib.parse import unquote

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image

from mailfax.render.engine import TooManyPages, draw_html
from mailfax.render.language import language_of
from mailfax.render.markup import Markup, read_markup
from mailfax.render.pasted import is_whole
from mailfax.render.picture import ink_of_white
from mailfax.render.plan import Source, visible
from mailfax.render.readback import lost_characters
from mailfax.render.text import add_words, read_text, tell_missing
from mailfax.render.words import text_of
from mailfax.render.work import Work
from mailfax.rules.pictures import DRAWING, behind_text_in
from mailfax.rules.submission import Part

#: The part of the shape of a picture that width and height may differ from its own and still mean it.
SAME_SHAPE = 0.1
#: A picture told to be wider than the text (CSS px) is as wide as the text.
WIDEST_PICTURE = 680
SIZED = re.compile(r'<img src="cid:([^"]*)" width="(\d+)" height="(\d+)"')


LANG = re.compile(r' lang="([^"]+)"')


#: PNG with transparency of its own (grey or colour), GIF, WebP; a palette may have it, too.
LARGEST_LOGO = 4_000_000
TRANSPARENT = re.compile(rb"\x89PNG.{21}[\x03\x04\x06]|GIF8|RIFF....WEBP", re.DOTALL)


def add_html(source: Source, work: Work) -> list[str]:
    """Append the pages of HTML as it looks; as its text where that can't be had."""
    page, guessed = read_text(source)
    markup = read_markup(page)
    images = {cid: _on_white(image) for cid, image in {**work.images, **markup.pasted}.items() if is_whole(image)}
    left_out = [*guessed, *(f"{source.name}: {what}" for what in markup.left_out)]
    left_out += _pictures_left_out(source, page, markup, work)
    if not markup.shows(images):
        return [*left_out, f"{source.name}: it has nothing that can be seen"]
    told = tell_missing(source.name, visible(markup.words))
    pdf = None
    if not markup.plain and source.name not in work.as_words:
        with overseen(source.name, work):
            pdf = _drawn(markup, images, work, checked=not told)
    if pdf is None:
        told = add_words(source.name, visible(text_of(page)), work)
        return [f"{source.name}: its layout and pictures (only its text could be drawn)", *told, *left_out]
    work.document.add(pdf, source.name)
    wanted = sum(cid in images and images[cid].label != DRAWING for cid in markup.pictures)
    if undrawn := wanted - _pictures_on(pdf, wanted):
        told.append(f"{source.name}: {undrawn} picture{'s' * (undrawn != 1)} in the text that could not be drawn")
    return [*told, *left_out]


def _pictures_on(pdf: bytes, wanted: int) -> int:
    """How many of the pictures that are wanted are on the pages, each as often as it is shown."""
    found = 0
    with pypdfium2.PdfDocument(pdf) as document:
        for page in document:
            if found >= wanted:
                break
            found += sum(1 for _ in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=4))
    return min(found, wanted)


@contextmanager
def overseen(name: str, work: Work) -> Iterator[None]:
    """The engine is at work: where it does not come back, the foreman knows why."""
    work.say_at(name, engine=True)
    try:
        yield
    finally:
        work.say_at(name)


def _drawn(markup: Markup, images: Mapping[str, Part], work: Work, *, checked: bool) -> bytes | None:
    """Pages that have every word of the mail; None where the engine fails or loses some. Raises ``NotFaxable``."""
    body = SIZED.sub(lambda found: _shaped(found, images), markup.body)
    language = language_of(markup.words, LANG.findall(markup.body))
    try:
        pdf = draw_html(body, images, work.terms.paper, sheet=markup.sheet, language=language, most_pages=work.room)
        return None if checked and lost_characters(markup.words, pdf) else pdf
    except TooManyPages as too_many:
        raise work.too_many(too_many.pages) from None
    except Exception:  # whatever the engine finds wrong with a page, its words can be drawn
        return None


def _shaped(found: re.Match[str], images: Mapping[str, Part]) -> str:
    """A picture with its own shape where that is meant: a page narrower than the mail would stretch it."""
    cid, width, height = unquote(unescape(found[1])), int(found[2]), int(found[3])
    try:
        across, down = Image.open(io.BytesIO(images[cid].content)).size
    except (KeyError, OSError, ValueError):
        return found[0]
    if abs(width * down / (height * across) - 1) < SAME_SHAPE:
        return f'{found[0]} class="natural"'
    shrunk = min(1.0, WIDEST_PICTURE / width)
    return f'<img src="cid:{found[1]}" width="{width * shrunk:.0f}" height="{height * shrunk:.0f}"'


def _on_white(part: Part) -> Part:
    """A logo that is white on nothing stands on a coloured ground in the mail, which is not drawn: its ink is."""
    if not TRANSPARENT.match(part.content[:64]):
        return part
    try:
        picture = Image.open(io.BytesIO(part.content))
        ink = ink_of_white(picture) if picture.width * picture.height < LARGEST_LOGO else None
    except (OSError, ValueError, SyntaxError):
        return part
    if ink is None:
        return part
    file = io.BytesIO()
    ink.save(file, "PNG")
    return replace(part, content=file.getvalue(), label="image/png")


def _pictures_left_out(source: Source, page: str, markup: Markup, work: Work) -> list[str]:
    name, shown = source.name, set(markup.pictures)
    told = [f"{work.images[cid].name}: a picture behind the text of the mail" for cid in sorted(_behind(page, work))]
    broken = sorted(cid for cid in shown & work.images.keys() if not is_whole(work.images[cid]))
    told += [f"{work.images[cid].name}: a picture in the text, which is damaged" for cid in broken]
    if harmed := sum(not is_whole(picture) for picture in markup.pasted.values()):
        told.append(
            f"{name}: {harmed} picture{'s' * (harmed != 1)} in the text that {'are' if harmed > 1 else 'is'} damaged"
        )
    if missing := len(shown - work.images.keys() - markup.pasted.keys()):
        told.append(f"{name}: {missing} picture{'s' * (missing != 1)} that the mail does not have")
    return told


def _behind(page: str, work: Work) -> set[str]:
    return behind_text_in(page) & work.images.keys() if work.images else set()
