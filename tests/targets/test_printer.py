"""A fax comes out of a real queue once, whatever is heard of it; and what the queue says is told truthfully."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailfax.rules.failure import InDoubt, NotSent, Refused
from mailfax.targets import ipp
from mailfax.targets.parcel import File, Parcel
from mailfax.targets.printer import Printer
from tests.support import documents
from tests.support.printers import Cups, cups, free_port

pytestmark = pytest.mark.anyio
needs_cups = pytest.mark.needs("cupsd", "lpadmin", "gs")


@pytest.fixture(scope="module")
def office() -> Iterator[Cups]:
    # Not below pytest's own folder, which other users (CUPS prints as "lp") may not enter.
    folder = Path(tempfile.mkdtemp(prefix="cups-"))
    folder.chmod(0o755)
    try:
        with cups(folder) as here:
            yield here
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def a_parcel(name: str, content: bytes | None = None, kind: str = "application/pdf", token: str = "first") -> Parcel:
    pages = documents.pdf(2) if content is None else content
    return Parcel(name, {}, (File(f"{name}.pdf", kind, pages),), token)


@contextlib.asynccontextmanager
async def between(uri: str, *, upload: int = -1) -> AsyncIterator[str]:
    """A line to the queue that breaks at a Print-Job: after so many bytes of it, or before its answer is heard."""
    port, broken = int(uri.split(":")[2].split("/")[0]), False

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal broken
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        breaks = not broken and body[2:4] == bytes([0, ipp.PRINT_JOB])
        broken = broken or breaks
        behind, there = await asyncio.open_connection("127.0.0.1", port)
        there.write(head + (body[:upload] if breaks and upload >= 0 else body))
        await there.drain()
        if not breaks or upload < 0:
            answer = await behind.readuntil(b"\r\n\r\n")
            counted = answer.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
            answer += await behind.readexactly(int(counted))
            if not breaks:
                writer.write(answer)
                await writer.drain()
        there.close()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    here = server.sockets[0].getsockname()[1]
    yield uri.replace(f":{port}/", f":{here}/")
    server.close()


@needs_cups
async def test_the_pages_come_out_of_a_queue_with_a_driver(office: Cups, tmp_path: Path) -> None:
    await Printer().take(office.uri("postscript"), a_parcel("CPAGES0001"))
    [job] = office.printed(office.postscript, 1)
    assert job.startswith(b"%!PS") or b"%!PS" in job[:200], "the driver's PostScript"
    (tmp_path / "job.ps").write_bytes(job)
    subprocess.run(
        ["gs", "-q", "-dSAFER", "-dBATCH", "-dNOPAUSE", "-sDEVICE=pnggray", "-r50", "-o", "page-%d.png", "job.ps"],
        cwd=tmp_path, check=True, timeout=60,
    )  # fmt: skip
    from PIL import Image

    pages = sorted(tmp_path.glob("page-*.png"))
    assert len(pages) == 2
    for page in pages:
        with Image.open(page) as picture:
            dark = sum(picture.histogram()[:128])
        assert dark > 20, f"{page.name} has writing on it"


@needs_cups
async def test_the_same_fax_is_printed_once_and_again_only_where_a_person_wants_it(office: Cups) -> None:
    before, queue = len(office.raw.jobs), office.uri("raw")
    for _ in range(3):
        await Printer().take(queue, a_parcel("CTWICE0001"))
        # From the second time on it is a finished job that is found.
        assert len(office.printed(office.raw, before + 1)) == before + 1
    pages = documents.pdf(2)
    assert office.raw.jobs[-1].startswith(b"%PDF") and len(office.raw.jobs[-1]) == len(pages)
    await Printer().take(queue, a_parcel("CTWICE0001", token="once-more"))
    assert len(office.printed(office.raw, before + 2)) == before + 2


@needs_cups
async def test_an_answer_that_is_lost_leads_to_no_second_copy(office: Cups) -> None:
    before = len(office.raw.jobs)
    async with between(office.uri("raw")) as queue:
        with pytest.raises(InDoubt, match="did not say"):
            await Printer().take(queue, a_parcel("CLOST00001"))
        await asyncio.to_thread(office.printed, office.raw, before + 1)
        await Printer().take(queue, a_parcel("CLOST00001"))
    assert not office.jobs("not-completed")
    assert len(office.raw.jobs) == before + 1


@needs_cups
async def test_an_upload_that_breaks_off_is_printed_whole_once(office: Cups) -> None:
    before, whole = len(office.raw.jobs), documents.pdf(2)
    async with between(office.uri("raw"), upload=600) as queue:
        with pytest.raises(InDoubt):
            await Printer().take(queue, a_parcel("CBROKEN001", whole))
        await asyncio.sleep(1)
        await Printer().take(queue, a_parcel("CBROKEN001", whole))
    await asyncio.to_thread(office.printed, office.raw, before + 1)
    assert [job for job in office.raw.jobs[before:] if job == whole], "the whole fax was printed"


@needs_cups
async def test_a_job_that_waits_or_was_cancelled_by_a_person_is_not_sent_again(office: Cups) -> None:
    before = len(office.raw.jobs)
    office.run("cupsdisable", "raw")
    await Printer().take(office.uri("raw"), a_parcel("CCANCEL001"))
    await Printer().take(office.uri("raw"), a_parcel("CCANCEL001"))
    [waiting] = office.jobs("not-completed")
    known = len(office.jobs())
    office.run("cancel", waiting.split()[0])
    office.run("cupsenable", "raw")
    await Printer().take(office.uri("raw"), a_parcel("CCANCEL001"))
    assert len(office.jobs()) == known and len(office.raw.jobs) == before


@needs_cups
async def test_what_a_queue_says_is_told(office: Cups) -> None:
    printer, parcel = Printer(), a_parcel("CSAID00001")
    await printer.probe(office.uri("raw"))
    with pytest.raises(NotSent, match="no such queue"):
        await printer.take(office.uri("nowhere"), parcel)
    with pytest.raises(NotSent, match="no such queue"):
        await printer.probe(office.uri("nowhere"))
    office.run("cupsreject", "raw")
    try:
        with pytest.raises(NotSent, match="accepts no jobs"):
            await printer.take(office.uri("raw"), parcel)
        with pytest.raises(NotSent, match="does not take jobs now"):
            await printer.probe(office.uri("raw"))
    finally:
        office.run("cupsaccept", "raw")
    with pytest.raises(Refused, match="does not print this format"):
        await printer.take(office.uri("postscript"), a_parcel("CSAID00002", b"?", kind="application/x-of-nobody"))
    with pytest.raises(NotSent, match="can't be reached"):
        await printer.take(f"ipp://127.0.0.1:{free_port()}/printers/raw", parcel)


@pytest.mark.parametrize(
    ("answer", "failure", "said"),
    [
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", NotSent, "HTTP 401"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", NotSent, "does not answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\x01\x01\x05\x07\0\0\0\x01\x03", NotSent, "busy"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\x01\x01\x04\x08\0\0\0\x01\x03", Refused, "too large"),
        (b"", NotSent, "does not answer"),
    ],
)
async def test_other_answers(answer: bytes, failure: type[Exception], said: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(failure, match=said):
        await Printer().take(f"ipp://127.0.0.1:{port}/printers/x", a_parcel("CODD000001"))
    server.close()


@given(st.binary(max_size=200))
@example(b"\x01\x01\0\0\0\0\0\x01\x42\0\x01a\0\x01b\x03")  # an attribute before any group
def test_an_answer_is_read_or_refused(content: bytes) -> None:
    with contextlib.suppress(ValueError):
        ipp.answer(content)


def test_what_is_written_is_read() -> None:
    written = ipp.request(
        ipp.GET_JOBS, "ipp://h/q", "me", [(ipp.KEYWORD, "a", ["x", "y"]), (ipp.BOOLEAN, "b", [True])]
    )
    [(tag, told)] = ipp.answer(written).groups
    assert (tag, told["printer-uri"], told["a"], told["b"]) == (1, ["ipp://h/q"], ["x", "y"], [True])
