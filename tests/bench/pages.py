"""Mail to pages beside other programs: the same input, turn by turn in one run, and the ratios.

Usage: scripts/bench pages [--json] [--quick] [--turns N] [--only NAME]. Five inputs, each made here: a letter with a
PDF of twenty pages and two photographs (``pdf_ratio``), an HTML mail with six pictures (``html_ratio``), twenty pages
in colour (``g4_ratio``) and twenty scanned in colour (``scan_ratio``) as fax pages, and a Word file of ten pages
(``office_ratio``). A ratio is the median time of the fastest other program that does the work to that of mailfax,
warm on both sides where the other can be kept warm; ``cold`` is a new mailfax process for the one mail. What the
others are spared (reading MIME, the text of the mail) is in docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pypdfium2

from mailfax.config import Limits
from mailfax.render import Renderer
from mailfax.render.terms import Wishes
from tests.bench import pages_made
from tests.bench.chromium import Chromium
from tests.bench.pages_made import page_count

#: Longer than any of it takes by far; in seconds.
PATIENCE = 120.0
#: What takes that many times as long is measured once.
MUCH_SLOWER = 10
COLD_TURNS = 3
#: The machine's own, whatever stands before it on the path.
CONVERT = "/usr/bin/convert"
FAX = Wishes(document="tiff")
Work = Mapping[str, Callable[[], None]]
NONE: Work = {}


@dataclass
class Comparison:
    """Median seconds of each side. ``others`` by name, ``losing`` those that lose more, which count for no ratio;
    ``cold`` is mailfax from a process that does not run yet."""

    mailfax: float
    cold: float
    others: dict[str, float] = field(default_factory=dict)
    losing: dict[str, float] = field(default_factory=dict)

    def ratio(self) -> float:
        return min(self.others.values()) / self.mailfax


class Bench:
    """Times work; each turn runs mailfax and every other program once, so that noise falls on all."""

    def __init__(self, turns: int, folder: Path, progress: Any) -> None:
        self._turns, self._folder, self._progress = turns, folder, progress

    def compare(self, name: str, mail: bytes, others: Work, losing: Work = NONE, **options: Any) -> Comparison:
        source = self._folder / f"{name}.eml"
        source.write_bytes(mail)
        seconds: dict[str, list[float]] = {}
        with asyncio.Runner() as runner:
            cold = [_timed(lambda: runner.run(_once(source, self._folder, options))) for _ in range(COLD_TURNS)]
            renderer = _renderer()
            runner.run(renderer.start())
            runner.run(_render(renderer, source, self._folder, options))
            for _ in range(self._turns):
                took = _timed(lambda: runner.run(_render(renderer, source, self._folder, options)))
                seconds.setdefault("mailfax", []).append(took)
                for other, work in (*others.items(), *losing.items()):
                    if min(seconds.get(other, [0.0])) < MUCH_SLOWER * took:
                        seconds.setdefault(other, []).append(_timed(work))
            runner.run(renderer.close())
        medians = {each: statistics.median(times) for each, times in seconds.items()}
        compared = Comparison(
            medians.pop("mailfax"),
            statistics.median(cold),
            {other: took for other, took in medians.items() if other in others},
            {other: took for other, took in medians.items() if other in losing},
        )
        row = ", ".join(f"{other} {took:.3f} s" for other, took in sorted(medians.items(), key=lambda pair: pair[1]))
        ours = f"{name:7} ratio {compared.ratio():.2f}: mailfax {compared.mailfax:.3f} s (cold {compared.cold:.2f} s)"
        print(f"{ours}, {row}", file=self._progress, flush=True)
        return compared


def _pdf(bench: Bench, folder: Path) -> Comparison:
    return bench.compare("pdf", pages_made.letter_mail(), _to_one_pdf(folder))


def _g4(bench: Bench, folder: Path) -> Comparison:
    others = _to_g4(folder, "colour", pages_made.colour())
    return bench.compare("g4", pages_made.colour_mail(), *others, wishes=FAX)


def _scan(bench: Bench, folder: Path) -> Comparison:
    others = _to_g4(folder, "scan", pages_made.scan())
    return bench.compare("scan", pages_made.scan_mail(), *others, wishes=FAX)


def _office(bench: Bench, folder: Path) -> Comparison:
    return bench.compare("office", pages_made.office_mail(), _from_office(folder))


def _html(bench: Bench, folder: Path) -> Comparison:
    with Chromium(folder / "chromium") as browser:
        return bench.compare("html", pages_made.html_mail(), _from_html(folder, browser))


COMPARISONS = {"pdf": _pdf, "g4": _g4, "scan": _scan, "office": _office, "html": _html}


def run(folder: Path, turns: int, names: Sequence[str], progress: Any) -> dict[str, Any]:
    bench = Bench(turns, folder, progress)
    results = {name: COMPARISONS[name](bench, folder) for name in names}
    over = {name: result.others["libreoffice"] / result.mailfax for name, result in results.items() if name == "html"}
    return {
        **{f"{name}_ratio": round(result.ratio(), 2) for name, result in results.items()},
        **{f"{name}_to_libreoffice": round(ratio, 2) for name, ratio in over.items()},
        "seconds": {name: asdict(result) for name, result in results.items()},
        "turns": turns,
        "machine": f"{os.cpu_count()} × {platform.processor() or platform.machine()}, Linux {platform.release()}",
        "versions": {"python": platform.python_version(), **_versions()},
    }


# --- mailfax ----------------------------------------------------------------------------------------------------


def _renderer() -> Renderer:
    return Renderer(paper="letter", limits=Limits())


async def _render(renderer: Renderer, source: Path, folder: Path, options: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as into:
        made = await renderer.render(source, into=Path(into), **options)
        assert made.pages is not None and not made.skipped, made


async def _once(source: Path, folder: Path, options: dict[str, Any]) -> None:
    renderer = _renderer()
    await renderer.start()
    await _render(renderer, source, folder, options)
    await renderer.close()


# --- the others -------------------------------------------------------------------------------------------------


def _to_one_pdf(folder: Path) -> Work:
    """The text of the mail is a PDF already, and nothing has to read MIME: the others are ahead by that."""
    letter, report = (
        _file(folder, "letter.pdf", pages_made.letter()),
        _file(folder, "report.pdf", pages_made.report()),
    )
    photos = [_file(folder, f"photo{n}.jpg", pages_made.photograph(n)) for n in (1, 2)]
    out = folder / "one.pdf"

    def ghostscript() -> None:
        shown = [f"({photo}) viewJPEG showpage" for photo in photos]
        _run("gs", "-q", "-dNOSAFER", "-sDEVICE=pdfwrite", "-o", out, letter, report, "viewjpeg.ps", "-c", *shown)
        _expect(out, 23)

    def ghostscript_and_poppler() -> None:
        pictures = folder / "photos.pdf"
        shown = [f"({photo}) viewJPEG showpage" for photo in photos]
        _run("gs", "-q", "-dNOSAFER", "-sDEVICE=pdfwrite", "-o", pictures, "viewjpeg.ps", "-c", *shown)
        _run("pdfunite", letter, report, pictures, out)
        _expect(out, 23)

    def libreoffice_and_poppler() -> None:
        _soffice(folder, "pdf", *photos)
        _run("pdfunite", letter, report, *(photo.with_suffix(".pdf") for photo in photos), out)
        _expect(out, 23)

    return {
        "ghostscript": ghostscript,
        "ghostscript + poppler": ghostscript_and_poppler,
        "libreoffice + poppler": libreoffice_and_poppler,
    }


def _to_g4(folder: Path, name: str, pdf: bytes) -> tuple[Work, Work]:
    """What keeps photographs and most of the text, and what has one threshold for a page: photographs become blots.

    What each loses is in docs/benchmarks.md.
    """
    source = _file(folder, f"{name}.pdf", pdf)
    out = folder / f"{name}.tif"

    def scaled() -> None:
        _run("gs", "-q", "-sDEVICE=tiffscaled", "-r600", "-dDownScaleFactor=3", "-sCompression=g4", "-o", out, source)
        assert page_count(out) == pages_made.COLOUR_PAGES

    def threshold() -> None:
        program = "{.6 lt {0} {1} ifelse} settransfer"
        _run("gs", "-q", "-sDEVICE=tiffg4", "-r204x196", "-o", out, "-c", program, "-f", source)
        assert page_count(out) == pages_made.COLOUR_PAGES

    def poppler_and_imagemagick() -> None:
        # Debian's ImageMagick reads no PDF.
        _run("pdftoppm", "-gray", "-rx", 204, "-ry", 196, source, folder / name)
        _run(CONVERT, *sorted(folder.glob(f"{name}-*.pgm")), "-threshold", "60%", "-compress", "Group4", out)
        assert page_count(out) == pages_made.COLOUR_PAGES

    losing = {"ghostscript, threshold": threshold, "poppler + imagemagick, threshold": poppler_and_imagemagick}
    return {"ghostscript": scaled}, losing


def _from_html(folder: Path, browser: Chromium) -> Work:
    page = folder / "page.html"
    page.write_text(pages_made.html_page(inline=True), encoding="utf-8")

    def chromium() -> None:
        pdf = browser.print(page.as_uri())
        assert len(pypdfium2.PdfDocument(pdf)) >= 1

    def libreoffice() -> None:
        _soffice(folder, "pdf:writer_web_pdf_Export", page)

    return {"chromium, warm": chromium, "libreoffice": libreoffice}


def _from_office(folder: Path) -> Work:
    source = _file(folder, "report.docx", pages_made.word())

    def libreoffice() -> None:
        _soffice(folder, "pdf", source)
        _expect(source.with_suffix(".pdf"), 10)

    return {"libreoffice, a process each": libreoffice}


def _soffice(folder: Path, form: str, *sources: Path) -> None:
    _run(
        *("soffice", "--headless", f"-env:UserInstallation=file://{folder}/profile"),
        *("--convert-to", form, "--outdir", folder, *sources),
    )


def _run(*command: object) -> None:
    """Run a program to its end. Without ``timeout``: Python would look for its end only every 50 ms."""
    with subprocess.Popen([str(each) for each in command], stdout=subprocess.DEVNULL) as process:
        late = threading.Timer(PATIENCE, process.kill)
        late.start()
        code = process.wait()
        late.cancel()
    assert code == 0, command


def _expect(pdf: Path, pages: int) -> None:
    document = pypdfium2.PdfDocument(pdf)
    assert len(document) == pages, (pdf, len(document))
    document.close()


def _file(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _versions() -> dict[str, str]:
    asked = {
        "ghostscript": ("gs", "--version"),
        "poppler": ("pdfunite", "-v"),
        "imagemagick": (CONVERT, "-version"),
        "libreoffice": ("soffice", "--version"),
        "chromium": ("chromium", "--version"),
    }
    told = {}
    for name, command in asked.items():
        if shutil.which(command[0]):
            answer = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
            told[name] = (answer.stdout or answer.stderr).splitlines()[0]
    return told


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench pages", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="three turns")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument(
        "--only", action="append", choices=COMPARISONS, help="one of the comparisons; may be repeated"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mailfax-bench-") as folder:
        turns = 3 if asked.quick else asked.turns
        result = run(Path(folder), turns, asked.only or list(COMPARISONS), sys.stderr)
    if asked.json:
        print(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        print({key: value for key, value in result.items() if key.endswith(("_ratio", "libreoffice"))})


if __name__ == "__main__":
    main()
