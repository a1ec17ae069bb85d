"""The fonts that pages are drawn with: Noto Sans from a wheel, then whatever the system has.

A bare Debian has neither fonts nor ``/etc/fonts``; so the whole font configuration is ours, written to a private
directory. Fonts of the system are used after ours, for writing systems that Noto Sans does not have.
"""

from __future__ import annotations

import functools
import tempfile
from importlib.util import find_spec
from pathlib import Path
from xml.sax.saxutils import escape

import plutoprint

SYSTEM = ("/usr/share/fonts", "/usr/local/share/fonts")
#: Families that mails ask for, and what stands in for them where they are missing.
SANS = ("sans-serif", "system-ui", "Arial", "Helvetica", "Calibri", "Aptos", "Verdana", "Tahoma", "Segoe UI")
STANDINS = {
    **dict.fromkeys(SANS, ("Noto Sans",)),
    **dict.fromkeys(("serif", "Times New Roman", "Cambria", "Georgia"), ("Noto Serif", "DejaVu Serif", "Noto Sans")),
    **dict.fromkeys(("monospace", "Courier New", "Consolas"), ("Noto Sans Mono", "DejaVu Sans Mono", "Noto Sans")),
}


@functools.cache
def load_fonts() -> None:
    """Make the fonts known to the engine, once a process."""
    with tempfile.TemporaryDirectory(prefix="mailfax-fonts-") as folder:
        Path(folder, "fonts.conf").write_text(_configuration(), encoding="utf-8")
        plutoprint.plutobook_set_fontconfig_path(folder)
        # The configuration is read with the first page, and never again (rescan 0): the directory can go.
        book = plutoprint.Book()
        book.load_html("<p>A")
        book.get_page_count()


def _configuration() -> str:
    noto = find_spec("fontpkg_noto_sans")
    assert noto is not None and noto.origin is not None, "fontpkg-noto-sans is a dependency"
    folders = (str(Path(noto.origin).parent / "files"), *SYSTEM)
    aliases = (
        f'<alias binding="same"><family>{family}</family><prefer>'
        + "".join(f"<family>{standin}</family>" for standin in standins)
        + "</prefer></alias>"
        for family, standins in STANDINS.items()
    )
    return (
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd"><fontconfig>'
        + "".join(f"<dir>{escape(folder)}</dir>" for folder in folders)
        + "".join(aliases)
        + "<config><rescan><int>0</int></rescan></config></fontconfig>"
    )
