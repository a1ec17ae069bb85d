"""What a copier writes into every mail is known for it; a person's words never are."""

from __future__ import annotations

import time

import pytest

from mailfax.rules.copier_texts import LONGEST, written_by_device

XEROX = """Please open the attached document. It was sent to you using a Xerox WorkCentre.

Attachment File Type: pdf, Multi-Page

Multifunction Printer Location: machine location not set
Device Name: XRX9C934E000001

For more information on Xerox products and solutions, please visit http://www.xerox.com
"""
RICOH = """This E-mail was sent from "RNP0026730000" (Aficio MP C3003).

Scan Date: 11.23.2026 09:12:55 (+0000)
Queries to: <copier@example.com>
"""
SHARP = """Reply to: Copier <copier@example.com>
Device Name: Not Set
Device Model: MX-2640N
Location: Not Set

File Format: PDF (Medium)
Resolution: 200dpi x 200dpi

Attached file is scanned image in PDF format.
Use Acrobat(R)Reader(R) of Adobe Systems Incorporated to view the document.
"""
HP = "Please open the attached document. This document was digitally sent to you using an HP Digital Sending device."
TOSHIBA = """Scanned from MFP07239433
Date:07/23/2026 12:00
Pages:1
Resolution:200x200 DPI
----------------------------------------
"""
TEXTS = {"a Xerox device": XEROX, "a Ricoh device": RICOH, "a Sharp device": SHARP, "an HP device": HP,
         "a Toshiba device": TOSHIBA}  # fmt: skip


@pytest.mark.parametrize("device", TEXTS)
def test_a_device_s_text_is_known(device: str) -> None:
    assert written_by_device(TEXTS[device]) == device
    assert written_by_device(TEXTS[device].replace("\n", "\r\n").upper()) == device


@pytest.mark.parametrize("device", TEXTS)
@pytest.mark.parametrize("words", ["Please call me back.", "Dear Bob,\n", "urgent!"])
def test_one_word_more_makes_it_a_person_s(device: str, words: str) -> None:
    if device != "a Sharp device":  # its advertisement has an end of its own
        assert (
            written_by_device(f"{TEXTS[device]}\n{words} Thank you, and see you on Monday at the office.\n" * 2) == ""
        )
    assert written_by_device(f"{words}\n{TEXTS[device]}") == ""


@pytest.mark.parametrize("text", ["", "Please open the attached document.", "See attached.", "Please find the scan."])
def test_what_a_person_may_write_is_never_a_device_s(text: str) -> None:
    assert written_by_device(text) == ""


def test_a_hostile_text_takes_no_time() -> None:
    began = time.perf_counter()
    for start in (
        "please open the attached document. it was sent to you using a xerox ",
        'this e-mail was sent from "',
    ):
        written_by_device((start + "device name: a " * 200)[:LONGEST])
        written_by_device((start + ". " * 700)[:LONGEST])
        written_by_device((start + "a" * 1400)[:LONGEST])
    assert time.perf_counter() - began < 1.0
