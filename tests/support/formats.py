"""One letter in every format that can be faxed: the same words in each, by the programs that people use.

In: nothing. Out: ``made(folder)``: file name -> content. LibreOffice writes the old Office files and the
OpenDocument ones from flat OpenDocument, Ghostscript the XPS, libheif the HEIC, Pillow the other pictures.
"""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import documents
import docx
import openpyxl
import pptx
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import letter
from reportlab.pdfgen.canvas import Canvas

LINES = (
    "Delivery note for the northern region",
    "Forty boxes of green tea, two of paper",
    "Total of 815 Euro to be paid until Friday",
    "With kind regards from Hamburg",
)
TEXT = "\n".join(LINES)
PARAGRAPHS = "".join(f"<p>{line}</p>" for line in LINES)
PAGE = f"<!DOCTYPE html>\n<html><head><title>Note</title></head><body>{PARAGRAPHS}</body></html>\n"
XHTML = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" '
    '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">\n<html xmlns="http://www.w3.org/1999/xhtml">'
    f"<head><title>Note</title></head><body>{PARAGRAPHS}</body></html>\n"
)
MHTML = (
    'MIME-Version: 1.0\nContent-Type: multipart/related; type="text/html"; boundary="page"\n\n--page\n'
    f"Content-Type: text/html; charset=utf-8\nContent-Location: http://example.com/\n\n{PAGE}\n--page--\n"
)
XML = "<?xml version='1.0'?><note>" + "".join(f"<line>{line}</line>" for line in LINES) + "</note>"
RTF = r"{\rtf1\ansi\deff0{\fonttbl{\f0 Liberation Sans;}}\f0\fs24 " + "\\par ".join(LINES) + r"\par}"
POSTSCRIPT = (
    "%!PS-Adobe-3.0\n/Helvetica findfont 18 scalefont setfont\n"
    + "".join(f"72 {700 - 30 * at} moveto ({line}) show\n" for at, line in enumerate(LINES))
    + "showpage\n"
)
#: Text typed for a LaserJet: reset, portrait, a fixed font of twelve points.
PCL = b"\x1bE\x1b&l0O\x1b(s0p10h12v0s0b3T" + b"\r\n".join(line.encode() for line in LINES) + b"\f\x1bE"
#: Formats that LibreOffice writes, by the kind of document it starts from.
OFFICE = {"fodt": ("doc", "odt"), "fods": ("xls", "ods"), "fodp": ("ppt", "odp")}


def made(folder: Path) -> dict[str, bytes]:
    """All of them, made in ``folder``."""
    texts = {"html": PAGE, "htm": PAGE, "xhtml": XHTML, "mhtml": MHTML, "xml": XML, "txt": TEXT, "ps": POSTSCRIPT}
    files = {f"note.{extension}": text.encode() for extension, text in texts.items()}
    files |= {
        "written.rtf": RTF.encode(),
        "note.csv": "\n".join(f'{n};"{line}"' for n, line in enumerate(LINES, 1)).encode(),
    }
    files |= {"note.pdf": _pdf(), "note.pcl": PCL} | _pictures() | _office(folder) | _new_office()
    return files | {"note.xps": _xps(folder), "note.heic": _heic(folder)}


def _pdf() -> bytes:
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=letter)
    canvas.setFont("Helvetica", 18)
    for at, line in enumerate(LINES):
        canvas.drawString(72, 700 - 30 * at, line)
    canvas.save()
    return file.getvalue()


def drawn() -> Image.Image:
    """The letter as a picture in colour, black on cream."""
    image = Image.new("RGB", (1000, 700), "#fffdf0")
    pen = ImageDraw.Draw(image)
    for at, line in enumerate(LINES):
        pen.text((60, 60 + 110 * at), line, fill="black", font=ImageFont.load_default(44))
    return image


def _pictures() -> dict[str, bytes]:
    files = {"scan.tif": documents.tiff(1, TEXT)}
    for extension, form in {
        "bmp": "BMP",
        "gif": "GIF",
        "jpg": "JPEG",
        "png": "PNG",
        "webp": "WEBP",
        "tiff": "TIFF",
    }.items():
        file = io.BytesIO()
        drawn().save(file, form)
        files[f"picture.{extension}"] = file.getvalue()
    return files


def _office(folder: Path) -> dict[str, bytes]:
    spaces = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
        for short, long in {
            "office": "office",
            "text": "text",
            "table": "table",
            "draw": "drawing",
            "svg": "svg-compatible",
        }.items()
    )
    paragraphs = "".join(f"<text:p>{line}</text:p>" for line in LINES)
    rows = "".join(
        f'<table:table-row><table:table-cell office:value-type="string"><text:p>{line}</text:p></table:table-cell>'
        "</table:table-row>"
        for line in LINES
    )
    bodies = {
        "fodt": ("text", paragraphs),
        "fods": ("spreadsheet", f'<table:table table:name="Note">{rows}</table:table>'),
        "fodp": (
            "presentation",
            '<draw:page draw:name="one"><draw:frame svg:x="2cm" svg:y="2cm" svg:width="24cm" '
            f'svg:height="12cm"><draw:text-box>{paragraphs}</draw:text-box></draw:frame></draw:page>',
        ),
    }
    for flat, (kind, body) in bodies.items():
        (folder / f"office.{flat}").write_text(
            f'<?xml version="1.0"?><office:document {spaces} office:version="1.2" office:mimetype='
            f'"application/vnd.oasis.opendocument.{kind}"><office:body><office:{kind}>{body}</office:{kind}>'
            "</office:body></office:document>"
        )
    with ThreadPoolExecutor(2) as two:
        return dict(two.map(lambda job: _converted(folder, *job), [(f, e) for f in OFFICE for e in OFFICE[f]]))


def _converted(folder: Path, flat: str, extension: str) -> tuple[str, bytes]:
    profile = f"-env:UserInstallation=file://{folder}/profile-{extension}"
    source = str(folder / f"office.{flat}")
    _run("soffice", profile, "--headless", "--convert-to", extension, "--outdir", str(folder), source)
    return f"office.{extension}", (folder / f"office.{extension}").read_bytes()


def _new_office() -> dict[str, bytes]:
    text, book, talk = docx.Document(), openpyxl.Workbook(), pptx.Presentation()
    slide = talk.slides.add_slide(talk.slide_layouts[1])
    slide.placeholders[1].text = TEXT
    for line in LINES:
        text.add_paragraph(line)
        book.active.append([line])
    return {f"office.{name}": _saved(each.save) for name, each in {"docx": text, "xlsx": book, "pptx": talk}.items()}


def _saved(save: Callable[[io.BytesIO], None]) -> bytes:
    file = io.BytesIO()
    save(file)
    return file.getvalue()


def _xps(folder: Path) -> bytes:
    source, target = folder / "note.ps", folder / "note.xps"
    source.write_text(POSTSCRIPT)
    _run("gs", "-q", "-dSAFER", "-dBATCH", "-dNOPAUSE", "-sDEVICE=xpswrite", f"-sOutputFile={target}", str(source))
    return target.read_bytes()


def _heic(folder: Path) -> bytes:
    source, target = folder / "drawn.png", folder / "note.heic"
    drawn().save(source)
    _run("heif-enc", "-q", "60", "-o", str(target), str(source))
    return target.read_bytes()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)
