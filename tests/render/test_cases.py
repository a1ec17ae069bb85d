"""Mails that came out wrong once. ``tests/mails/cases/expected.tsv`` says what must be readable on the fax, what not.

A row is judged by the cover page's text and the text layer of the pages ("text"), or by what can be read in the pages
as pictures (OCR, "picture"), where the text layer says something else than the page.
"""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import pytest

from mailfax.render import CannotRender
from mailfax.rules.heading import read_heading
from tests.render.conftest import Render
from tests.render.paper import look, sizes, text_of

pytestmark = pytest.mark.anyio
CASES = Path(__file__).parents[1] / "mails" / "cases"
TABLE = (CASES / "expected.tsv").read_text(encoding="utf-8").splitlines()
ROWS = list(csv.DictReader(TABLE, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.needs("tesseract")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
async def test_what_came_out_wrong_once(row: dict[str, str], render: Render) -> None:
    raw = (CASES / row["file"]).read_bytes()
    try:
        made = await render(raw)
    except CannotRender as refused:
        assert row["outcome"] == "either" and not refused.later, refused.status.sentence
        return
    words = _seen(made.content) if row["seen"] == "picture" else " ".join(text_of(made.content))
    page = " ".join(f"{read_heading(raw).subject} {made.notes} {words}".split())
    for wanted in filter(None, row["has"].split("|")):
        assert wanted in page
    for unwanted in filter(None, row["never"].split("|")):
        assert unwanted not in page


def _seen(pdf: Path) -> str:
    """The text of all pages as eyes read it."""
    pages = []
    for number in range(len(sizes(pdf))):
        picture = pdf.with_name(f"page{number}.png")
        look(pdf, number, dpi=200).save(picture)
        told = subprocess.run(
            ["tesseract", str(picture), "-", "--psm", "6"], capture_output=True, text=True, check=True, timeout=60
        )
        pages.append(told.stdout)
    return " ".join(pages)
