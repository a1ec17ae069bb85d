"""Every format the whole way: mail in, the fax service's TIFF out, and its words read by tesseract."""

from __future__ import annotations

import base64
import difflib
import hashlib
import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import documents
import formats
import pytest
from PIL import Image

from tests.support.site import NUMBER, PASSWORD, Site, letter, until

pytestmark = [
    pytest.mark.needs("soffice", "gs", "xpstopdf", "heif-enc", "tesseract"),
    pytest.mark.timeout(400),  # all files are sent at the beginning
]

#: By name, so that a missing one is a failure: the formats of the reference, and those beyond it.
REFERENCE = (
    "note.html note.htm note.xhtml note.mhtml note.pdf office.doc office.docx office.xls office.xlsx office.ppt "
    "office.pptx picture.bmp picture.gif picture.jpg picture.png picture.tiff scan.tif note.xps written.rtf note.txt "
    "note.xml"
)
BEYOND = "picture.webp note.heic office.odt office.ods office.odp note.csv note.ps"
NAMES = [*REFERENCE.split(), *BEYOND.split()]
#: Slides lie on their side on the fax, as every page that is wider than high.
TURNED = (".ppt", ".pptx", ".odp")
#: Share of the letters that the reader of the pages, not the page, may get wrong.
MISREAD = 0.02


@pytest.fixture(scope="module")
def faxes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[Any, Path]]]:
    """File name -> the fax that the service has of it, and its TIFF: each file alone, to a number of its own."""
    folder = tmp_path_factory.mktemp("formats")
    files = formats.made(folder)
    site = Site(folder, sender='cover_page = "none"', render_seconds=30)
    site.start_sandbox()
    try:
        site.start()
        numbers = {f"1555766{at:04}": name for at, name in enumerate(files)}
        for number, name in numbers.items():
            mail = letter(text=" ")
            documents.attach(mail, name, "application/octet-stream", files[name])
            site.send(number, mail=mail)
        until(lambda: len(site.mails()) == len(files), "an answer about each file", site.log)
        outcomes = {numbers[mail["X-Fax-Number"]]: mail["X-Fax-Outcome"] for mail in site.mails()}
        assert outcomes == dict.fromkeys(files, "delivered")
        yield {numbers[fax["number"]]: (fax, _tiff(site, fax["id"], folder)) for fax in site.faxes()}
    finally:
        site.close()


def _tiff(site: Site, fax_id: str, folder: Path) -> Path:
    """The pages as FaxCore's own clients get them."""
    url = f"http://127.0.0.1:{site.sandbox_port}/api/DownloadFax?faxid={fax_id}&filetype=TIF"
    login = base64.b64encode(f"{NUMBER}:{PASSWORD}".encode()).decode()
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": f"Basic {login}"})) as reply:
        file = folder / f"{fax_id}.tif"
        file.write_bytes(base64.b64decode(reply.read()))
    return file


@pytest.fixture(scope="module")
def read(faxes: dict[str, tuple[Any, Path]]) -> dict[str, str]:
    """File name -> what stands on its pages."""
    with ThreadPoolExecutor(2) as two:
        said = two.map(lambda name: _words(faxes[name][1], name.endswith(TURNED)), NAMES)
        return dict(zip(NAMES, said, strict=True))


def _words(tiff: Path, turned: bool) -> str:
    said, alone = [], os.environ | {"OMP_THREAD_LIMIT": "1"}
    with Image.open(tiff) as pages:
        for at in range(pages.n_frames):
            pages.seek(at)
            page = tiff.with_suffix(f".{at}.png")
            shown = pages.convert("L")
            (shown.transpose(Image.Transpose.ROTATE_90) if turned else shown).save(page, dpi=(200, 200))
            command = ["tesseract", page, "-", "--psm", "4"]
            said.append(subprocess.run(command, capture_output=True, text=True, check=True, env=alone).stdout)
    return " ".join("\n".join(said).split())


@pytest.mark.parametrize("name", NAMES)
def test_the_words_of_a_file_are_on_the_fax(read: dict[str, str], name: str) -> None:
    said, meant = re.findall(r"\w", read[name]), re.findall(r"\w", formats.TEXT)
    same = sum(
        block.size for block in difflib.SequenceMatcher(None, said, meant, autojunk=False).get_matching_blocks()
    )
    assert same >= (1 - MISREAD) * len(meant), read[name]


def test_a_file_that_only_the_service_reads_comes_there_byte_for_byte(faxes: dict[str, tuple[Any, Path]]) -> None:
    assert faxes["note.pcl"][0]["sha256"] == hashlib.sha256(formats.PCL).hexdigest()
