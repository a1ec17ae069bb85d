"""Pages are drawn on a machine that has neither fonts nor a font configuration."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pikepdf

#: The system's fonts are looked for in a process of its own: the engine reads its configuration once.
SCRIPT = """
import sys
from mailfax.render import fonts
fonts.SYSTEM = ("/nowhere",)
from mailfax.render.engine import draw_html
page = "<p>Hello <b>Wörld</b> <i>Ελλάδα</i> <code>Кириллица</code></p><p style='font-family: Times New Roman'>Serif"
sys.stdout.buffer.write(draw_html(page))
"""


def test_letters_are_drawn_without_any_font_of_the_system() -> None:
    made = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        check=True,
    )
    assert made.stderr == b""
    with pikepdf.open(io.BytesIO(made.stdout)) as pdf:
        names = {str(font.BaseFont).partition("+")[2] for font in pdf.pages[0].obj.Resources.Font.values()}
    assert names
    assert all(name.startswith(("NotoSans", "CairoFont")) for name in names), names
