"""The demo's own documents: a typed letter as PDF and a signed plan as a copier would scan it. Made, not shipped."""

from __future__ import annotations

import io
from pathlib import Path

LETTER_PAGES, SCAN_PAGES = 2, 2

LETTER = """
<html><style>
@page { size: letter; margin: 25mm } body { font: 12pt "Noto Sans", sans-serif } h1 { font-size: 18pt }
table { border-collapse: collapse; width: 100%; margin-bottom: 12pt }
td, th { border: 1px solid black; padding: 6pt; text-align: left }
.next { break-before: page }
</style>
<p>Example Ltd · 1 Example Street · Springfield</p>
<h1>Offer 4711</h1>
<p>Dear Mr Builder,</p><p>we are glad to offer you the following:</p>
<table><tr><th>Item</th><th>Quantity</th><th>Price</th></tr>
<tr><td>Oak door, 90 cm</td><td>3</td><td>$ 1,230.00</td></tr>
<tr><td>Fitting, per door</td><td>3</td><td>$ 210.00</td></tr>
<tr><td><b>Total</b></td><td></td><td><b>$ 1,440.00</b></td></tr></table>
<p>The offer holds for thirty days.</p><p>Alice Example</p>
<h1 class="next">Terms</h1>
<ol><li>Delivery within six weeks of your order.</li><li>Payment within fourteen days of delivery.</li>
<li>The doors remain ours until they are paid.</li></ol></html>
"""


def letter() -> bytes:
    """A letter of two pages, PDF."""
    from mailfax.render.engine import draw_html

    return draw_html(LETTER)


def scan() -> bytes:
    """Two pages as a copier scans them: black on white, 204 × 196 dots an inch, G4 TIFF."""
    from PIL import Image, ImageDraw, ImageFont

    pages = []
    for page in range(1, SCAN_PAGES + 1):
        image = Image.new("1", (1728, 2156), 1)
        draw = ImageDraw.Draw(image)
        large, small = ImageFont.load_default(72), ImageFont.load_default(40)
        draw.text((150, 120), f"Ground plan, sheet {page} of {SCAN_PAGES}", fill=0, font=large)
        draw.rectangle((200, 400, 1500, 1500), outline=0, width=9)
        draw.line((850, 400, 850, 1100), fill=0, width=7)
        draw.line((200, 1100, 1100, 1100), fill=0, width=7)
        draw.arc((850, 950, 1150, 1250), 180, 270, fill=0, width=4)
        for (x, y), room in {(420, 700): "Office", (1080, 700): "Hall", (520, 1260): "Archive"}.items():
            draw.text((x, y), room, fill=0, font=small)
        draw.text((150, 1750), "Agreed:  A. Example        B. Builder", fill=0, font=small)
        for name in (330, 620):
            draw.line([(name + 9 * i, 1700 - (i * 37 % 41)) for i in range(20)], fill=0, width=4)
        pages.append(image)
    file = io.BytesIO()
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:], compression="group4", dpi=(204, 196))
    return file.getvalue()


def count(file: Path) -> int:
    """The pages of a PDF or TIFF."""
    if file.suffix == ".pdf":
        import pikepdf

        with pikepdf.open(file) as pdf:
            return len(pdf.pages)
    from PIL import Image

    with Image.open(file) as picture:
        return int(getattr(picture, "n_frames", 1))
