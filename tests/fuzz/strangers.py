"""Strangers' files put through a real renderer, and what that cost: time, memory, and whether the service stood.

Usage: scripts/mutate [--seed N] [--count N]. Mutates files of every format, one a mail, and renders each mail. A mail
must become a document or be refused with a status and a sentence, in bounded time and memory, and never "later": the
file itself decides. Prints a table of outcomes and the costliest files; exit 1 where a promise was broken.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mailfax.config import Limits
from mailfax.render import CannotRender, Renderer
from tests.fuzz import hostile
from tests.render.paper import letter, mail, picture, scan

#: What one mail may take: seconds of wall time, pages, bytes of the document.
LIMITS = Limits(pages=60, document_bytes=6_000_000, render_seconds=10)
#: A foreman that does not enforce its own limit answers later than this.
LATEST = LIMITS.render_seconds + 8
MANY = 1000


@dataclass(slots=True)
class Outcome:
    """How one mail ended. ``code`` is "" where it became a document; ``peak`` is in bytes, of all processes."""

    code: str
    sentence: str
    later: bool
    seconds: float
    peak: int


class Strangers:
    """A renderer under watch."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._renderer = folder, Renderer(paper="letter", limits=LIMITS)

    async def __aenter__(self) -> Strangers:
        await self._renderer.start()
        self._pid = self.foreman
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._renderer.close()

    @property
    def foreman(self) -> int:
        assert self._renderer._foreman is not None
        return self._renderer._foreman.pid

    async def render(self, raw: bytes) -> Outcome:
        """Render one mail; raises ``AssertionError`` where the foreman did not survive it."""
        source = self._folder / "mail"
        source.write_bytes(raw)
        peak, watching = 0, True

        async def watch() -> None:
            nonlocal peak
            while watching:
                peak = max(peak, await asyncio.to_thread(resident, self.foreman))
                await asyncio.sleep(0.05)

        watcher = asyncio.create_task(watch())
        began = time.monotonic()
        try:
            with tempfile.TemporaryDirectory(dir=self._folder) as into:
                made = await self._renderer.render(source, into=Path(into))
            outcome = ("", f"{made.pages} pages", False)
        except CannotRender as refused:
            outcome = (refused.status.code, refused.status.sentence, refused.later)
        finally:
            watching = False
            await watcher
        assert self._renderer._foreman is not None and self.foreman == self._pid, "the foreman died"
        return Outcome(*outcome, time.monotonic() - began, peak)


def resident(foreman: int) -> int:
    """Resident bytes of all processes below the foreman, as Linux counts them."""
    parents: dict[int, list[int]] = collections.defaultdict(list)
    sizes: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(fields[1])].append(int(entry.name))
            sizes[int(entry.name)] = int(fields[21]) * 4096
    total, below = 0, list(parents[foreman])
    while below:
        each = below.pop()
        total += sizes[each]
        below += parents[each]
    return total


# --- mutations --------------------------------------------------------------------------------------------------


def samples() -> dict[str, bytes]:
    """One good file of each format, by name."""
    form = hostile.form_whose_kids_turn_round().replace(b"/Kids[4 0 R]/Parent 4 0 R", b"")
    return {
        "letter.pdf": letter(3),
        "form.pdf": form,
        "photo.jpg": picture("JPEG", (800, 600)),
        "chart.png": picture("PNG", (800, 600)),
        "old.gif": picture("GIF"),
        "bitmap.bmp": picture("BMP"),
        "web.webp": picture("WEBP"),
        "scan.tif": scan(2),
        "colour.tif": scan(1, size=(400, 300), mode="RGB", compression="tiff_lzw"),
        "letter.docx": hostile.docx(),
        "letter.rtf": b"{\\rtf1\\ansi{\\fonttbl\\f0 Arial;}\\f0 Hello {\\b bold} \\u8364? \\par Some words.}",
        "page.html": b"<html><body><h1>Hello</h1><table><tr><td>1<td>2</table><ul><li>x</ul></body></html>",
        "notes.txt": "Some words, äöü and € signs.\n".encode() * 20,
        "data.xml": b"<?xml version='1.0'?><a><b c='d'>Hello</b></a>",
        "inner.eml": mail("Inner words", ("a.pdf", "application/pdf", letter(1))),
    }


def mutated(content: bytes, chosen: random.Random) -> bytes:
    """The file with one to eight faults."""
    out = bytearray(content)
    for _ in range(chosen.randint(1, 8)):
        at = chosen.randrange(len(out) or 1)
        length = min(chosen.choice((1, 2, 4, 16, 256, 4096)), len(out) - at)
        chosen.choice(FAULTS)(out, at, length, chosen)
    return bytes(out)


def _flip(out: bytearray, at: int, length: int, chosen: random.Random) -> None:
    if out:
        out[at] ^= 1 << chosen.randrange(8)


def _noise(out: bytearray, at: int, length: int, chosen: random.Random) -> None:
    out[at : at + length] = chosen.randbytes(length)


def _remove(out: bytearray, at: int, length: int, chosen: random.Random) -> None:
    del out[at : at + length]


def _double(out: bytearray, at: int, length: int, chosen: random.Random) -> None:
    out[at:at] = out[at : at + length]


def _extreme(out: bytearray, at: int, length: int, chosen: random.Random) -> None:
    out[at : at + 4] = chosen.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"9999", b"-999"))


def _cut(out: bytearray, at: int, length: int, chosen: random.Random) -> None:
    del out[max(at, len(out) // 2) :]


FAULTS: tuple[Callable[[bytearray, int, int, random.Random], None], ...] = (
    *(_flip, _noise, _remove, _double, _extreme, _extreme, _cut),
)


def mutations(seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """(name, mutated file); the same ones for the same seed."""
    chosen = random.Random(seed)
    files = list(samples().items())
    for _ in range(count):
        name, content = chosen.choice(files)
        yield name, mutated(content, chosen)


# --- the script -------------------------------------------------------------------------------------------------


@dataclass
class Report:
    """What all of it came to."""

    codes: collections.Counter[str] = field(default_factory=collections.Counter)
    broken: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    largest: tuple[int, str] = (0, "")

    def add(self, name: str, outcome: Outcome) -> None:
        self.codes[f"{name.rpartition('.')[2]:5} {outcome.code or 'document'}"] += 1
        self.slowest = max(self.slowest, (outcome.seconds, name))
        self.largest = max(self.largest, (outcome.peak, name))
        if fault := broken(outcome):
            self.broken.append(f"{name}: {fault}")


def broken(outcome: Outcome) -> str:
    """Which promise an outcome breaks, or ""."""
    if outcome.later and "took longer" not in outcome.sentence:  # a machine with other work: it is tried again
        return f"a file that decides nothing: {outcome.sentence}"
    if outcome.code and not (outcome.code[:2] == "5." and outcome.sentence):
        return f"no status or no sentence: {outcome}"
    return f"it took {outcome.seconds:.1f} s" if outcome.seconds > LATEST else ""


async def run(seed: int, count: int) -> Report:
    report = Report()
    with tempfile.TemporaryDirectory(prefix="mailfax-mutate-") as folder:
        async with Strangers(Path(folder)) as strangers:
            for number, (name, content) in enumerate(mutations(seed, count), 1):
                report.add(name, await strangers.render(mail("Words", (name, "application/octet-stream", content))))
                if number % MANY == 0:
                    print(f"{number} of {count}", file=sys.stderr, flush=True)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/mutate", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=10_000)
    asked = parser.parse_args()
    report = asyncio.run(run(asked.seed, asked.count))
    for kind, number in sorted(report.codes.items()):
        print(f"{number:6} {kind}")
    print(f"slowest: {report.slowest[0]:.1f} s ({report.slowest[1]})")
    print(f"largest: {report.largest[0] / 1e6:.0f} MB ({report.largest[1]})")
    for line in report.broken:
        print(f"BROKEN {line}")
    sys.exit(bool(report.broken))


if __name__ == "__main__":
    main()
