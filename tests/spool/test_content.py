"""Bytes come back as they went in, or not at all; what has no row is swept, what is arriving is not."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from mailfax.rules.failure import NotSent
from mailfax.spool import ContentDamaged, Spool
from mailfax.spool.files import GROWING, file_path
from mailfax.spool.growing import INLINE_BYTES, Digest
from mailfax.spool.large import Files
from tests.spool.conftest import only

if TYPE_CHECKING:
    from tests.spool.conftest import Clock, Database, Mails, OpenSpool

pytestmark = pytest.mark.anyio


def folder_of(spool: Spool) -> Path:
    """Where its files are."""
    assert isinstance(spool.content.large, Files)
    return spool.content.large.folder


async def stored(spool: Spool, mails: Mails, body: bytes, block: int = 7001) -> str:
    content = spool.content.begin()
    for start in range(0, len(body), block):
        content.write(body[start : start + block])
    assert content.size == len(body)
    message = await spool.intake.accept(mails.message(), (), content)
    assert message.size == len(body)
    return message.content_id


@pytest.mark.parametrize("size", [0, 1, INLINE_BYTES - 1, INLINE_BYTES, INLINE_BYTES + 1, 3_000_000])
async def test_every_size_comes_back(size: int, spool: Spool, mails: Mails, database: Database) -> None:
    body = os.urandom(size)
    content_id = await stored(spool, mails, body)
    assert await database.large() == (size > INLINE_BYTES)
    assert await spool.content.read(content_id) == body
    async with spool.content.file(content_id) as file:
        assert file.read_bytes() == body
    assert file.exists() == (size > INLINE_BYTES and spool.content.large.path(content_id) is not None)


@pytest.mark.parametrize("size", [0, 1, INLINE_BYTES - 20, INLINE_BYTES, 3_000_000])
async def test_what_was_sent_is_known_again_whatever_we_put_before_it(size: int, spool: Spool, mails: Mails) -> None:
    sent = os.urandom(size)
    for prefix in (b"", b"Received: from here\r\n", b"Received: from there;\r\n\tnow\r\n"):
        content = spool.content.begin()
        content.prefix(prefix)
        content.write(sent[:100])
        content.write(sent[100:])
        assert content.sent_sha256 == hashlib.sha256(sent).hexdigest()
        message = await spool.intake.accept(mails.message(), (), content)
        assert content.size == message.size == len(prefix) + size
        assert await spool.content.read(message.content_id) == prefix + sent
        async with spool.content.file(message.content_id) as file:
            assert file.read_bytes() == prefix + sent
        content = spool.content.begin()
        content.write(sent)
        assert content.sent_sha256 == hashlib.sha256(sent).hexdigest()


def digest(mail: bytes, block: int = 1 << 20) -> Digest:
    """Of a mail with its header as the prefix, fed in blocks."""
    hashed = Digest(mail.index(b"\r\n\r\n") + 2)
    for start in range(0, len(mail), block):
        hashed.update(mail[start : start + block])
    return hashed


def parts(boundary: bytes, body: bytes, *, quoted: bool = True) -> bytes:
    """A mail of two parts."""
    said = b'"%s"' % boundary if quoted else boundary
    line = b"\r\n--" + boundary
    header = b"Subject: x\r\ncontent-type: multipart/mixed; charset=x;\r\n\tBoundary = " + said + b"; y=z\r\n"
    return header + line + b"\r\n\r\n" + body + line + b"\r\n\r\nb" + line + b"--\r\n"


@given(st.binary(max_size=60), st.integers(1, 50), st.sampled_from([b"a", b"--", b"=_1", b"-a-a-"]), st.booleans())
@example(b"\r\n--=_1\r\n--", 1, b"=_1", True)
def test_a_boundary_is_no_part_of_what_is_known_again(text: bytes, block: int, boundary: bytes, quoted: bool) -> None:
    """However it is cut into blocks: the same under another boundary, and whatever is changed is noticed."""
    body = text.replace(b"\r\n--", b"")
    assume(b"\r\n--" not in b"\r\n" + body)
    mail = parts(boundary, body, quoted=quoted)
    whole = digest(mail)
    assert (digest(mail, block).sent(), digest(mail, block).whole()) == (whole.sent(), whole.whole())
    other = parts(b"other-boundary", body)
    assert digest(other).sent() == whole.sent()
    assert digest(other).whole() != whole.whole()
    assert digest(parts(boundary, body + b"x", quoted=quoted)).sent() != whole.sent()
    line = b"\r\n--" + boundary
    for changed in (
        mail.replace(line, b"\r\n--", 1),
        mail + line,
        mail.replace(b"\r\n\r\nb", line + b"\r\n\r\nb", 1),
    ):
        assert digest(changed).whole() != whole.whole()


async def test_a_mail_of_parts_comes_back(spool: Spool, mails: Mails) -> None:
    mail = parts(b"=_1", b"x" * 200_000)
    header, body = mail[: mail.index(b"\r\n\r\n") + 2], mail[mail.index(b"\r\n\r\n") + 2 :]
    content = spool.content.begin()
    content.prefix(b"Received: from here\r\n", header)
    for start in range(0, len(body), 7001):
        content.write(body[start : start + 7001])
    assert content.sent_sha256 == digest(parts(b"=_2", b"x" * 200_000)).sent()
    message = await spool.intake.accept(mails.message(), (), content)
    assert await spool.content.read(message.content_id) == b"Received: from here\r\n" + mail


async def test_a_prefix_comes_first(spool: Spool) -> None:
    content = spool.content.begin()
    content.write(b"x")
    with pytest.raises(ValueError, match="comes first"):
        content.prefix(b"Received: too late\r\n")


@pytest.mark.parametrize("size", [0, 1, INLINE_BYTES, 3_000_000])
async def test_it_can_be_read_while_it_grows_and_when_it_is_complete(size: int, spool: Spool, mails: Mails) -> None:
    body = os.urandom(size)
    content = spool.content.begin()
    content.prefix(b"Received: from here\r\n")
    for start in range(0, size, 500_000):
        content.write(body[start : start + 500_000])
        with content.open() as file:
            assert file.readline() == b"Received: from here\r\n"
            file.seek(0, os.SEEK_END)
            assert file.tell() == content.size
    content.seal()
    with content.open() as file:
        assert file.read() == b"Received: from here\r\n" + body
    content = spool.content.begin()
    content.abandon()
    with pytest.raises(ValueError, match="abandoned"):
        content.open()


@pytest.mark.parametrize("size", [100, 100_000])
async def test_a_changed_prefix_is_noticed(size: int, spool: Spool, mails: Mails, database: Database) -> None:
    content = spool.content.begin()
    content.prefix(b"Received: from here\r\n")
    content.write(b"x" * size)
    content_id = (await spool.intake.accept(mails.message(), (), content)).content_id
    await database.change(content_id, b"Received: from hers\r\n" + b"x" * size)
    with pytest.raises(ContentDamaged):
        await spool.content.read(content_id)


@only("sqlite")
async def test_files_and_folders_are_private(spool: Spool, mails: Mails) -> None:
    path = file_path(folder_of(spool), await stored(spool, mails, b"x" * 100_000))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (path.parent, path.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@only("sqlite")
async def test_without_unnamed_files_it_grows_under_a_name(
    spool: Spool, mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def refuse(path: object, flags: int, mode: int = 0o777, **more: object) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "not supported")
        return real(path, flags, mode, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    body = os.urandom(200_000)
    content = spool.content.begin()
    content.write(body)
    assert [path.name for path in folder_of(spool).glob("*/*")] == [GROWING + content.content_id]
    message = await spool.intake.accept(mails.message(), (), content)
    assert await spool.content.read(message.content_id) == body
    gone = spool.content.begin()
    gone.write(body)
    gone.abandon()
    assert [path.name for path in folder_of(spool).glob("*/*")] == [message.content_id]


@only("sqlite")
async def test_an_abandoned_content_leaves_nothing_and_never_seals(spool: Spool) -> None:
    content = spool.content.begin()
    content.write(b"x" * 100_000)
    content.abandon()
    with pytest.raises(ValueError, match="abandoned"):
        content.seal()
    with pytest.raises(ValueError, match="abandoned"):
        content.write(b"more")
    assert list(folder_of(spool).glob("*/*")) == []


async def test_room_is_what_the_disk_has_left(spool: Spool) -> None:
    disk = os.statvfs(spool.content.large.disk)
    assert 0 < spool.content.room() < disk.f_blocks * disk.f_frsize


@only("sqlite")
async def test_a_failed_fsync_is_never_repeated(spool: Spool, mails: Mails, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def fail(file: int) -> None:
        calls.append(file)
        raise OSError(errno.EIO, "Input/output error")

    content = spool.content.begin()
    content.write(b"x" * 100_000)
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(NotSent) as caught:
        await spool.intake.accept(mails.message(), (), content)
    assert "please try later" in caught.value.sentence
    with pytest.raises(ValueError, match="abandoned"):
        content.seal()
    assert len(calls) == 1
    monkeypatch.undo()
    assert list(folder_of(spool).glob("*/*")) == []


@pytest.mark.parametrize("size", [100, 100_000])
async def test_changed_bytes_are_noticed(size: int, spool: Spool, mails: Mails, database: Database) -> None:
    content_id = await stored(spool, mails, b"x" * size)
    await database.change(content_id, b"y" * size)
    with pytest.raises(ContentDamaged):
        await spool.content.read(content_id)
    with pytest.raises(ContentDamaged):
        async with spool.content.file(content_id):
            pass


async def test_missing_bytes_are_noticed(spool: Spool, mails: Mails, database: Database) -> None:
    content_id = await stored(spool, mails, b"x" * 100_000)
    await database.lose(content_id)
    with pytest.raises(ContentDamaged, match=content_id):
        await spool.content.read(content_id)
    with pytest.raises(ContentDamaged, match="not in the spool"):
        await spool.content.read("nothing")


def age(path: Path, seconds: float) -> None:
    changed = path.stat().st_mtime - seconds
    os.utime(path, (changed, changed))


@only("sqlite")
async def test_only_old_files_without_a_row_are_swept(spool: Spool, mails: Mails) -> None:
    kept = file_path(folder_of(spool), await stored(spool, mails, b"x" * 100_000))
    orphans = []
    for hours in (2, 2, 0):
        content = spool.content.begin()
        content.write(b"x" * 100_000)
        content.seal()
        orphans.append(file_path(folder_of(spool), content.content_id))
        age(orphans[-1], hours * 3600)
    nameless = kept.parent / (GROWING + "1" * 32)
    nameless.write_bytes(b"x")
    age(nameless, 7200)
    age(kept, 7200)
    assert await spool.sweep() == 3
    assert [path.exists() for path in (kept, *orphans, nameless)] == [True, False, False, True, False]
    assert await spool.sweep() == 0


@only("sqlite")
async def test_file_and_folders_are_durable_before_the_row_commits(
    open_spool: OpenSpool, mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    real = os.fsync

    def fsync(file: int) -> None:
        events.append("folder" if stat.S_ISDIR(os.fstat(file).st_mode) else "file")
        real(file)

    spool = await open_spool(before_commit=events.extend)
    events.clear()
    monkeypatch.setattr(os, "fsync", fsync)
    await stored(spool, mails, b"x" * 100_000)
    # The new folder content/ in its parent, xx/ in content/, the file, its name in xx/.
    assert events == ["folder", "folder", "file", "folder", "accept"]


@only("postgresql")
async def test_only_old_chunks_without_a_row_are_swept(
    spool: Spool, mails: Mails, clock: Clock, database: Database
) -> None:
    kept = await stored(spool, mails, os.urandom(3_000_000))
    for seconds in (3601, 0):
        content = spool.content.begin()
        content.write(b"x" * 3_000_000)
        await spool.content.seal(content)
        clock.now += seconds
    assert await database.run("SELECT COUNT(DISTINCT content_id), COUNT(*) FROM chunk") == [(3, 9)]
    assert await spool.sweep() == 3
    assert len(await spool.content.read(kept)) == 3_000_000
    assert await spool.sweep() == 0


@only("postgresql")
async def test_chunks_are_durable_before_the_row_commits(open_spool: OpenSpool, mails: Mails) -> None:
    """And a content that is offered again, since a reference was taken, is not written again."""
    large: list[int] = []
    spool = await open_spool()
    content = spool.content.begin()
    content.write(b"x" * 100_000)
    await spool.content.seal(content)
    aside = spool._engine.aside  # type: ignore[attr-defined]
    spool._engine.aside = lambda *values: large.append(1) or aside(*values)  # type: ignore[attr-defined]
    with content.open() as file:
        assert len(file.read()) == 100_000, "it can still be read where it grew"
    message = await spool.intake.accept(mails.message(), (), content)
    assert large == []
    assert await spool.content.read(message.content_id) == b"x" * 100_000
