"""Draws ``docs/notifications/*.png``: notifications as Chromium shows them, by hand: ``python -m`` this module.

In: the letters of one office. Out: pictures at the width of a desk and of a phone, light and dark. No test compares
them: another Chromium has other fonts.
"""

from __future__ import annotations

import base64
import email
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from email.policy import SMTP
from pathlib import Path

from PIL import Image, ImageChops

from mailfax import letters
from mailfax.cli import paperwork
from mailfax.letters import Arrival, Shown
from mailfax.render.screen import picture
from mailfax.rules.job import Letter
from mailfax.rules.states import JobState
from tests.letters.samples import DOCUMENT, MARKS, SITE, a_fax, a_job, a_message

TO = Path(__file__).parents[2] / "docs" / "notifications"
WIDE, NARROW, LONGEST = 800, 400, 1600


def letters_shown() -> Iterator[tuple[str, Letter, int, bool]]:
    """Name, letter, width in dots, whether it is dark."""
    page, _ = picture(paperwork.letter(), 1, 360)
    jobs = (
        a_job(),
        a_job(JobState.FAILED, queue_id="BK2N4C7Q9X-2", number="15557654321", address="team@fax.local"),
        a_job(queue_id="BK2N4C7Q9X-3", number="442079460958", address="+44-20-7946-0958@fax.local"),
    )

    def told(number: int, language: str = "en") -> Letter:
        site, shown = replace(SITE, language=language), Shown(picture=page)
        (letter,) = letters.owed(site, a_message(), DOCUMENT, jobs[:number], b"", MARKS, shown=shown, sandbox=False)
        return letter

    arrival = Arrival(number="5557152222", announced_pages=3, picture=page)
    parcel = letters.inbound(SITE, a_fax(), MARKS, arrival, mailbox="office@example.com")
    yield "delivered", told(1), WIDE, False
    yield "several", told(3), WIDE, False
    yield "several-phone-dark", told(3), NARROW, True
    yield "several-german", told(3, "de"), WIDE, False
    yield "received-dark", replace(parcel.letter, content=b"".join(parcel.pieces)), WIDE, True


def page_of(letter: Letter) -> str:
    """Its HTML, with the picture in it."""
    mail = email.message_from_bytes(letter.content, policy=SMTP)
    parts = {part.get_content_type(): part for part in mail.walk()}
    image = parts["image/png"]
    data = base64.b64encode(image.get_content()).decode()
    html: str = parts["text/html"].get_content()
    return html.replace(f"cid:{image['Content-ID'].strip('<>')}", f"data:image/png;base64,{data}")


def draw(html: str, width: int, dark: bool, to: Path) -> None:
    """As Chromium shows it, cut off below."""
    with tempfile.TemporaryDirectory() as folder:
        page, shot = Path(folder, "page.html"), Path(folder, "shot.png")
        page.write_text(html)
        subprocess.run(
            [
                "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                f"--blink-settings=preferredColorScheme={int(not dark)}", f"--window-size={width},{LONGEST}",
                f"--screenshot={shot}", page.as_uri(),
            ],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        image = Image.open(shot).convert("RGB")
    ground = Image.new("RGB", image.size, image.getpixel((image.width // 2, image.height - 2)))
    _, _, _, bottom = ImageChops.difference(image, ground).getbbox() or (0, 0, 0, image.height)
    image.crop((0, 0, width, min(image.height, bottom + 24))).quantize(64).save(to, optimize=True)


def main() -> None:
    TO.mkdir(exist_ok=True)
    for name, letter, width, dark in letters_shown():
        draw(page_of(letter), width, dark, TO / f"{name}.png")


if __name__ == "__main__":
    main()
