"""The judge of pages: every planted loss is caught, and what is no loss is not taken for one."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import replace

import pikepdf
import pytest
from pikepdf import Dictionary, Name, Pdf, Stream
from PIL import Image, ImageChops

from mailfax.render.compare import LOSS, Place, difference, looks, opened, same, view
from mailfax.render.pdf import Document
from mailfax.rules.submission import NotFaxable
from tests.render.paper import letter
from tests.render.samples import (
    LETTER,
    STAMPED,
    WORDS,
    field,
    form,
    layers,
    lines,
    note,
    page,
    photo,
    picture_of,
    saved,
    with_picture,
)  # fmt: skip

SHEET = Place(LETTER, 0, 0, *LETTER)


def everything() -> Pdf:
    """Words, a photograph, a filled-in field, a stamp."""
    pdf = form(field("Jane Q. Sample"), flag=True, content=lines(WORDS, "Total 815.00 Euro until Friday"))
    with_picture(picture_of(pdf, photo(words="PHOTO 27")), pdf)
    return note(pdf, "Stamp", drawn=STAMPED, Rect=pikepdf.Array([180, 300, 450, 330]))


def plain() -> Pdf:
    pdf = page()
    return with_picture(picture_of(pdf, photo(words="PHOTO 27")), pdf)


def lettered() -> Pdf:
    """With a font of its own."""
    return pikepdf.open(io.BytesIO(letter(1)))


Loss = Callable[[pikepdf.Page, Pdf], None]


def operators(page: pikepdf.Page) -> bytes:
    contents = page.obj.Contents
    every = list(contents) if isinstance(contents, pikepdf.Array) else [contents]
    return b"\n".join(each.read_bytes() for each in every)


def rewritten(change: Callable[[bytes], bytes]) -> Loss:
    def lose(page: pikepdf.Page, pdf: Pdf) -> None:
        before = operators(page)
        after = change(before)
        assert after != before, "the loss has to do something"
        page.obj.Contents = Stream(pdf, after)

    return lose


def blank(page: pikepdf.Page, pdf: Pdf) -> None:
    page.obj.Contents = Stream(pdf, b"")


def drop(page: pikepdf.Page, pdf: Pdf) -> None:
    del pdf.pages[0]


def forget_pictures(page: pikepdf.Page, pdf: Pdf) -> None:
    del page.obj.Resources.XObject["/Im0"]


def forget_fonts(page: pikepdf.Page, pdf: Pdf) -> None:
    page.obj.Resources.Font = Dictionary()


def repaint(change: Callable[[Image.Image], Image.Image]) -> Loss:
    def lose(page: pikepdf.Page, pdf: Pdf) -> None:
        image = Image.open(io.BytesIO(page.obj.Resources.XObject.Im0.read_raw_bytes()))
        page.obj.Resources.XObject.Im0 = pdf.make_indirect(picture_of(pdf, change(image)))

    return lose


def half(image: Image.Image) -> Image.Image:
    """What a decoder leaves that stopped in the middle."""
    image.paste("grey", (0, image.height // 2, image.width, image.height))
    return image


def empty_forms(which: bytes) -> Loss:
    """Forms, and forms within them (so the viewer flattens fields), that draw ``which`` draw nothing."""

    def emptied(resources: Dictionary, pdf: Pdf) -> int:
        count = 0
        for key, thing in dict(resources.get("/XObject", {})).items():
            if thing.Subtype != "/Form":
                continue
            if which in thing.read_bytes():
                empty = Stream(pdf, b"", Type=Name.XObject, Subtype=Name.Form, BBox=thing.BBox)
                resources.XObject[key] = pdf.make_indirect(empty)
                count += 1
            else:
                count += emptied(thing.get("/Resources", Dictionary()), pdf)
        return count

    def lose(page: pikepdf.Page, pdf: Pdf) -> None:
        assert emptied(page.obj.Resources, pdf) >= 1

    return lose


def turn(page: pikepdf.Page, pdf: Pdf) -> None:
    page.obj.Rotate = 180


def cropped(page: pikepdf.Page, pdf: Pdf) -> None:
    page.cropbox = page.mediabox = pikepdf.Array([0, 0, 612, 700])


#: name -> how a page of the document is harmed after it was made. Two words are the least that has to be seen.
LOSSES: dict[str, tuple[Callable[[], Pdf], Loss]] = {
    "a page is dropped": (plain, drop),
    "a page is blank": (plain, blank),
    "a line is lost": (plain, rewritten(lambda old: old.replace(WORDS.encode(), b""))),
    "two words are lost": (plain, rewritten(lambda old: old.replace(b"northern region", b""))),
    "text runs off the page": (plain, rewritten(lambda old: old.replace(b"72 700 Td", b"592 700 Td"))),
    "text moves by a line": (plain, rewritten(lambda old: old.replace(b"72 700 Td", b"72 718 Td"))),
    "the font is missing": (lettered, forget_fonts),
    "a picture is removed": (plain, forget_pictures),
    "half a picture": (plain, repaint(half)),
    "a picture is a negative": (plain, repaint(ImageChops.invert)),
    "a picture is blank": (plain, repaint(lambda image: Image.new("RGB", image.size, "white"))),
    "clipped": (plain, rewritten(lambda old: b"0 0 200 792 re W n " + old)),
    "white is laid over": (plain, rewritten(lambda old: old + b" 1 g 60 690 200 40 re f")),
    "black is laid over": (plain, rewritten(lambda old: old + b" 0 g 72 700 60 12 re f")),
    "shrunk": (plain, rewritten(lambda old: b"0.9 0 0 0.9 0 0 cm " + old)),
    "upside down": (plain, turn),
    "cut at the top": (plain, cropped),
    "a field is empty": (everything, empty_forms(b"Jane")),
    "a stamp is lost": (everything, empty_forms(b"STAMPED")),
    "a layer is on": (layers, rewritten(lambda old: old)),
}  # fmt: skip


@pytest.mark.parametrize("judge", ["drawing", "picture"])
@pytest.mark.parametrize("name", LOSSES)
def test_every_planted_loss_is_caught(name: str, judge: str) -> None:
    make, lose = LOSSES[name]
    document = Document("letter", 30)
    document.add(saved(make()), "file.pdf")
    document.add(letter(1), "letter.pdf")
    if judge == "picture":
        document._given = [replace(given, fingerprint=b"") for given in document._given]
    good = document._written()
    if name != "a layer is on":  # copying loses that it is off: no need to plant it
        assert document._differing(good) == []
        with pikepdf.open(io.BytesIO(good)) as pdf:
            lose(pdf.pages[0], pdf)
            good = saved(pdf)
    if name == "a page is dropped":
        with pytest.raises(NotFaxable, match="1 of 2 pages"):
            document._differing(good)
    else:
        assert document._differing(good) == [0]


def test_a_loss_that_stays_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Document._written

    def emptied(document: Document) -> bytes:
        with pikepdf.open(io.BytesIO(whole(document))) as pdf:
            blank(pdf.pages[1], pdf)
            return saved(pdf)

    monkeypatch.setattr(Document, "_written", emptied)
    document = Document("letter", 30)
    document.add(letter(1), "first.pdf")
    document.add(letter(2), "second.pdf")
    with pytest.raises(NotFaxable, match=r'"second\.pdf" can\'t be faxed: its page 1 comes out differently'):
        document.save()


def test_a_loss_in_copying_makes_the_page_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_font(document: Document, pdf: Pdf, page: pikepdf.Page, fit: object) -> None:
        page.obj.Resources = Dictionary()
        document._pdf.pages.append(page)

    monkeypatch.setattr(Document, "_place", without_font)
    document = Document("letter", 30)
    document.add(saved(page()), "file.pdf")
    with opened(saved(page())) as source, opened(document.save()) as made:
        assert same(looks(source[0], SHEET), looks(made[0], SHEET))


# --- what is no loss ---------------------------------------------------------------------------------------------


def dense(size: float = 10) -> bytes:
    words = "the quick brown fox 4711 jumps over the lazy dog again and again, says 0815"
    return saved(page(lines(*[words] * int(680 / size / 1.3), size=size, y=740)))


SAMPLES = {
    "10 pt": dense,
    "6 pt": lambda: dense(6),
    "photograph": lambda: saved(plain()),
    "letter": lambda: letter(1),
}


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("drawn", [150, 204, 300, 400])
def test_another_fineness_is_no_loss(sample: str, drawn: float) -> None:
    """A page drawn for a fax, or by another program, has its letters' edges elsewhere within a dot."""
    with opened(SAMPLES[sample]()) as pdf:
        assert difference(looks(pdf[0], SHEET), looks(pdf[0], SHEET, drawn)) < LOSS


@pytest.mark.parametrize("sample", ["10 pt", "6 pt", "letter"])
def test_black_and_white_is_no_loss_of_text(sample: str) -> None:
    with opened(SAMPLES[sample]()) as pdf:
        fine = view(pdf[0], SHEET, 204).point([0] * 128 + [255] * 128)
        seen = looks(pdf[0], SHEET)
        assert difference(seen, fine.resize(seen.size, Image.Resampling.BOX)) < LOSS


def test_a_photograph_compressed_anew_is_no_loss() -> None:
    before, after = plain(), page()
    with_picture(picture_of(after, photo(words="PHOTO 27"), quality=50), after)
    with opened(saved(before)) as one, opened(saved(after)) as other:
        assert same(looks(one[0], SHEET), looks(other[0], SHEET))


def test_pictures_of_different_sizes_are_different() -> None:
    assert difference(Image.new("L", (10, 10)), Image.new("L", (10, 11))) == 255


def test_the_scale_goes_from_nothing_to_everything() -> None:
    white, black = Image.new("L", (400, 500), 255), Image.new("L", (400, 500), 0)
    assert difference(white, white.copy()) == 0
    assert difference(white, black) > 230
    assert difference(black, white) > 230


def test_a_page_of_text_is_compared_in_a_few_milliseconds() -> None:
    with opened(dense()) as pdf, opened(dense(9.9)) as other:
        best = 9.0
        for _ in range(5):
            began = time.perf_counter()
            difference(looks(pdf[0], SHEET), looks(other[0], SHEET))
            best = min(best, time.perf_counter() - began)
    assert best < 0.1, f"{best:.3f} s; 0.012 measured"
