"""The fonts that pages are drawn with: from wheels, then whatever the system has.

A bare Debian has neither fonts nor ``/etc/fonts``; so the whole font configuration is ours, written to a private
directory. The wheels have Noto Sans for every script of ``SCRIPTS``, emoji as outlines and Chinese, Japanese and
Korean; fonts of the system come after them, for what they lack. Colour fonts are left out: on a fax they are blots.

Out: the font configuration of the engine, and which characters the fonts have (read from their own tables).
"""

from __future__ import annotations

import functools
import io
import tempfile
from importlib.util import find_spec
from pathlib import Path
from xml.sax.saxutils import escape

import plutoprint
import uharfbuzz

SYSTEM = ("/usr/share/fonts", "/usr/local/share/fonts")
#: Wheels with fonts, and the folder inside of each.
WHEELS = {"fontpkg_noto_sans": "files", "manimgx_fonts": ".", "manimgx_fonts_cjk": "."}
#: Families that mails ask for, and what stands in for them where they are missing.
SANS = ("sans-serif", "system-ui", "Arial", "Helvetica", "Calibri", "Aptos", "Verdana", "Tahoma", "Segoe UI")
STANDINS = {
    **dict.fromkeys(SANS, ("Noto Sans",)),
    **dict.fromkeys(("serif", "Times New Roman", "Cambria", "Georgia"), ("Noto Serif", "DejaVu Serif", "Noto Sans")),
    **dict.fromkeys(("monospace", "Courier New", "Consolas"), ("Noto Sans Mono", "DejaVu Sans Mono", "Noto Sans")),
}
#: What `mailfax check` asks for: a text of each script.
SCRIPTS = {
    "Latin": "Aßčő",
    "Greek": "Αθώ",
    "Cyrillic": "Жїў",
    "Hebrew": "שלום",
    "Arabic": "سلامپ",
    "Devanagari": "नमस्ते",
    "Bengali": "বাংলা",
    "Tamil": "தமிழ்",
    "Thai": "สวัสดี",
    "Georgian": "ქართ",
    "Armenian": "Հայ",
    "Chinese": "简體龍",
    "Japanese": "かなカナ漢",
    "Korean": "한글",
    "symbols": "☐☑✓→≠€■",
    "emoji": "😀👍🏽",
}


@functools.cache
def load_fonts() -> None:
    """Make the fonts known to the engine, once a process."""
    with tempfile.TemporaryDirectory(prefix="mailfax-fonts-") as folder:
        Path(folder, "fonts.conf").write_text(_configuration(), encoding="utf-8")
        plutoprint.plutobook_set_fontconfig_path(folder)
        # The configuration is read with the first page, and never again (rescan 0): the directory can go.
        # Every script and style once, down to the PDF: what is opened before the cells are forked is open in each of
        # them (a first page takes 14 ms, a second one 4 ms).
        book = plutoprint.Book()
        styles = "<p>{0} <b>{0}</b> <i>{0}</i></p><pre>{0}</pre><p style='font-family: serif'>{0}</p>"
        book.load_html("".join(styles.format(text) for text in SCRIPTS.values()))
        book.write_to_pdf_stream(io.BytesIO())


def has_glyph(char: str) -> bool:
    """Whether a font here has this character."""
    return ord(char) in _in_wheels() or ord(char) in _in_system()


def covered_scripts() -> dict[str, bool]:
    """The writing systems that pages may need, and whether there is a font for each; a text without is refused."""
    return {script: all(map(has_glyph, text)) for script, text in SCRIPTS.items()}


@functools.cache
def _in_wheels() -> frozenset[int]:
    return _characters(_wheel_folders())


@functools.cache
def _in_system() -> frozenset[int]:
    """Read only where a mail has something that the wheels lack."""
    return _characters(SYSTEM)


def _characters(folders: tuple[str, ...]) -> frozenset[int]:
    found: set[int] = set()
    for folder in folders:
        for file in sorted(Path(folder).rglob("*")):
            if file.suffix.lower() in (".ttf", ".otf", ".ttc") and "Color" not in file.name:
                found |= set(uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(file))).unicodes)
    return frozenset(found)


def font_folders() -> tuple[Path, ...]:
    """Where the fonts of the wheels lie, for programs that draw."""
    return tuple(map(Path, _wheel_folders()))


def fonts_beside_the_system(cache: Path) -> str:
    """A font configuration for programs: what the system says, and after it the fonts of the wheels."""
    folders = "".join(f"<dir>{escape(folder)}</dir>" for folder in _wheel_folders())
    return (
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd"><fontconfig>'
        f'<include ignore_missing="yes">/etc/fonts/fonts.conf</include>{folders}'
        f"<cachedir>{escape(str(cache))}/fonts</cachedir></fontconfig>"
    )


def _wheel_folders() -> tuple[str, ...]:
    folders = []
    for package, inside in WHEELS.items():
        spec = find_spec(package)
        assert spec is not None and spec.origin is not None, f"{package} is a dependency"
        folders.append(str((Path(spec.origin).parent / inside).resolve()))
    return tuple(folders)


def _configuration() -> str:
    aliases = (
        f'<alias binding="same"><family>{family}</family><prefer>'
        + "".join(f"<family>{standin}</family>" for standin in standins)
        + "</prefer></alias>"
        for family, standins in STANDINS.items()
    )
    return (
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd"><fontconfig>'
        + "".join(f"<dir>{escape(folder)}</dir>" for folder in (*_wheel_folders(), *SYSTEM))
        + '<selectfont><rejectfont><pattern><patelt name="color"><bool>true</bool></patelt></pattern></rejectfont>'
        + "</selectfont>"
        + "".join(aliases)
        + "<config><rescan><int>0</int></rescan></config></fontconfig>"
    )
