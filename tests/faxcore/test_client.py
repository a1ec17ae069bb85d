"""On the wire: servers that answer badly, and what may be concluded from each."""

from __future__ import annotations

import asyncio
import io
import logging
import ssl
from pathlib import Path

import pytest
import trustme

from mailfax.faxcore.client import FaxCore
from mailfax.faxcore.errors import (
    AccountTrouble,
    Failure,
    InDoubt,
    NotKnown,
    NotRead,
    NotSent,
    Refused,
    Trouble,
    Unavailable,
    Unreadable,
)
from mailfax.faxcore.values import CoverFields, Folder

pytestmark = pytest.mark.anyio

LARGE = b"%PDF-1.4\n" + b"x" * 12_000_000  # more than the sockets between us will take


async def ids_of(core: FaxCore, folder: Folder = Folder.SENT) -> list[str]:
    return [fax_id async for fax_id in core.list_folder(folder)]


async def silence(heard, reader, writer) -> None:
    await reader.readexactly(int(heard.headers.get("content-length", "0")))
    await reader.read()  # until the client gives up


async def drop_at_once(heard, reader, writer) -> None:
    writer.transport.abort()


async def drop_after_body(heard, reader, writer) -> None:
    heard.body = await reader.readexactly(int(heard.headers["content-length"]))
    writer.transport.abort()


# ------------------------------------------------------------------------------------------------- SendFax


async def test_an_upload_arrives_byte_for_byte_and_its_id_comes_back(serve, client, send, wire, login):
    server = await serve(wire.says(wire.reply(wire.results("SendFax", "209608080375"))))
    document = bytes(range(256)) * 1_000
    assert await send(client(server), document=document) == "209608080375"
    [heard] = server.heard
    assert (heard.method, heard.body) == ("POST", document)
    assert heard.headers["content-length"] == str(len(document))
    assert "transfer-encoding" not in heard.headers
    assert heard.headers["authorization"] == login
    assert heard.target == "/api/SendFax?recpfax=15551234567&filename=fax.pdf"


async def test_every_call_opens_a_connection_of_its_own(serve, client, send, wire):
    async def keep_open(heard, reader, writer):
        await wire.says(wire.reply(wire.results("SendFax", "209608080375"), connection="keep-alive"))(
            heard, reader, writer
        )
        await reader.read()

    server = await serve(keep_open)
    core = client(server)
    for _ in range(3):
        await send(core)
    assert server.connections == 3


async def test_dropped_before_the_body_is_not_sent(serve, client, send):
    server = await serve(drop_at_once)
    with pytest.raises(NotSent):
        await send(client(server), document=LARGE)
    assert server.connections == 1


async def test_an_early_401_without_reading_a_large_body_is_not_sent(serve, client, send, wire):
    async def early(heard, reader, writer):
        writer.write(wire.reply("<html>no</html>", "401 Unauthorized"))
        await writer.drain()
        writer.close()

    with pytest.raises(NotSent):
        await send(client(await serve(early)), document=LARGE)


async def test_dropped_after_the_whole_body_is_in_doubt(serve, client, send):
    with pytest.raises(InDoubt):
        await send(client(await serve(drop_after_body)))


async def test_no_answer_after_the_whole_body_is_in_doubt(serve, client, send):
    with pytest.raises(InDoubt):
        await send(client(await serve(silence), read_timeout=0.2))


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n<Api"]
)
async def test_half_an_answer_is_in_doubt(serve, client, send, wire, head):
    with pytest.raises(InDoubt):
        await send(client(await serve(wire.says(head))))


async def test_an_answer_that_dribbles_in_does_not_hold_us_longer_than_read_timeout(serve, client, send, wire):
    async def dribble(heard, reader, writer):
        await wire.says(b"HTTP/1.1 200 OK\r\nX-Slow: ")(heard, reader, writer)
        while not reader.at_eof():
            writer.write(b"z")
            await writer.drain()
            await asyncio.sleep(0.02)

    started = asyncio.get_running_loop().time()
    with pytest.raises(InDoubt):
        await send(client(await serve(dribble), read_timeout=0.3))
    assert asyncio.get_running_loop().time() - started < 2


async def test_the_last_bytes_stay_here_when_the_lease_ran_out(serve, client, send):
    got = []

    async def count(heard, reader, writer):
        got.append(await reader.read(-1))

    server = await serve(count)
    with pytest.raises(NotSent) as raised:
        await send(client(server), document=b"x" * 200_000, may_finish=lambda: False)
    assert not isinstance(raised.value, AccountTrouble)
    while not got:
        await asyncio.sleep(0)
    assert len(got[0]) < 200_000


async def test_may_finish_is_asked_once_and_late(serve, client, send, wire):
    asked = []
    server = await serve(wire.says(wire.reply(wire.results("SendFax", "209608080375"))))
    await send(client(server), document=b"x" * 300_000, may_finish=lambda: asked.append(True) or True)
    assert asked == [True]


@pytest.mark.parametrize("length", [1_000, 4_000], ids=["longer than announced", "shorter than announced"])
async def test_a_document_of_another_length_is_never_finished(serve, client, send, wire, length):
    server = await serve(wire.says(wire.reply(wire.results("SendFax", "209608080375"))))
    with pytest.raises(NotSent):
        await send(client(server), length=length)


async def test_nothing_listening_is_trouble_with_the_account(client, send, unused_port):
    core = client(f"http://127.0.0.1:{unused_port}/api")
    with pytest.raises(AccountTrouble) as raised:
        await send(core)
    assert raised.value.trouble is Trouble.NO_CONNECTION
    with pytest.raises(AccountTrouble):
        await ids_of(core)


@pytest.fixture
async def unused_port() -> int:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


async def test_a_host_without_an_address_is_trouble_with_the_account(client, send):
    with pytest.raises(AccountTrouble) as raised:
        await send(client("https://nobody.invalid/api/"))
    assert raised.value.trouble is Trouble.NO_CONNECTION


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
async def test_a_redirect_is_not_followed_and_no_password_leaks(serve, client, send, wire, status):
    elsewhere = await serve(wire.says(wire.reply(wire.results("SendFax", "1"))))
    server = await serve(wire.says(wire.reply("", status, location=f"http://127.0.0.1:{elsewhere.port}/login")))
    core = client(server)
    for call in (send(core), ids_of(core), core.fax_status("1")):
        with pytest.raises(AccountTrouble) as raised:
            await call
        assert raised.value.trouble is Trouble.WRONG_ADDRESS
    assert elsewhere.connections == 0


async def test_proxies_of_the_environment_are_not_used(serve, client, send, wire, monkeypatch):
    proxy = await serve(wire.says(wire.reply("proxied")))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("ALL_PROXY", proxy.url)
    server = await serve(wire.says(wire.reply(wire.results("SendFax", "209608080375"))))
    await send(client(server))
    assert (proxy.connections, server.connections) == (0, 1)


async def test_cookies_are_not_kept(serve, client, wire):
    server = await serve(wire.says(wire.reply(wire.results("FaxStatus", "Sent"), set_cookie="ASP.NET_SessionId=1")))
    core = client(server)
    await core.fax_status("1")
    await core.fax_status("1")
    assert all("cookie" not in heard.headers for heard in server.heard)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_context(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


async def test_a_certificate_of_our_own_authority_is_accepted(serve, client, send, wire, authority, tmp_path: Path):
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    says = wire.says(wire.reply(wire.results("SendFax", "209608080375")))
    server = await serve(says, tls=server_context(authority, "127.0.0.1"))
    assert await send(client(server, ca_file=ca_file)) == "209608080375"


@pytest.mark.parametrize(
    "trusted, name", [(False, "127.0.0.1"), (True, "other.example")], ids=["untrusted", "other name"]
)
async def test_no_password_is_shown_to_a_bad_certificate(
    serve, client, send, wire, authority, tmp_path: Path, trusted, name
):
    ca_file = tmp_path / "ca.pem"
    (authority if trusted else trustme.CA()).cert_pem.write_to_path(ca_file)
    server = await serve(wire.says(b""), tls=server_context(authority, name))
    with pytest.raises(AccountTrouble) as raised:
        await send(client(server, ca_file=ca_file))
    assert raised.value.trouble is Trouble.CERTIFICATE
    assert server.heard == []


async def test_tls_with_a_server_that_speaks_none_is_trouble_with_the_account(client, send):
    async def plain(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        with pytest.raises(AccountTrouble) as raised:
            await send(client(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))
    assert raised.value.trouble is Trouble.CERTIFICATE


@pytest.mark.parametrize("number", ["15555550100", "15555550199", "5550120", "2125550123"])
async def test_numbers_of_the_sandbox_are_refused_on_a_real_host(client, send, number):
    with pytest.raises(Refused):
        await send(client("https://nobody.invalid/api/"), number=number)


async def test_numbers_of_the_sandbox_go_out_on_loopback(serve, client, send, wire):
    server = await serve(wire.says(wire.reply(wire.results("SendFax", "209608080375"))))
    assert await send(client(server), number="15555550120")


async def test_neither_number_nor_subject_reaches_a_log(serve, client, send, wire, caplog):
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    server = await serve(wire.says(wire.reply(wire.results("SendFax", "209608080375"))))
    with caplog.at_level(logging.DEBUG):
        core = client(server)
        await send(core, cover=CoverFields(subject="Diagnosis"))
        await core.fax_status("209608080375")
    assert not [r for r in caplog.records if r.name.split(".")[0] in ("httpx", "httpcore")]
    assert "Diagnosis" not in caplog.text and "15551234567" not in caplog.text


async def test_a_failure_carries_neither_number_nor_subject(serve, client, send):
    with pytest.raises(InDoubt) as raised:
        await send(client(await serve(drop_after_body)), cover=CoverFields(subject="Diagnosis"))
    told = raised.value.sentence + raised.value.diagnostic + str(raised.value)
    assert "Diagnosis" not in told and "15551234567" not in told and "http:" not in told


# ---------------------------------------------------------------------------------------------- asking calls


async def test_a_dropped_call_is_unavailable(serve, client):
    core = client(await serve(drop_at_once))
    for call in (core.fax_status("1"), core.fax_details("1"), core.delete_fax("1"), ids_of(core)):
        with pytest.raises(Unavailable):
            await call


async def test_no_answer_is_unavailable(serve, client):
    with pytest.raises(Unavailable):
        await client(await serve(silence), read_timeout=0.1).fax_status("1")


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
async def test_a_named_time_is_passed_on(serve, client, wire, status):
    core = client(await serve(wire.says(wire.reply("", status, retry_after="17"))))
    with pytest.raises(Unavailable) as raised:
        await ids_of(core)
    assert raised.value.retry_after == 17.0


async def test_a_list_of_a_hundred_thousand_ids_comes_as_a_stream(serve, client, wire):
    ids = [f"{208_000_000_000 + n}" for n in range(100_000)]
    body = (
        "<ApiResponse><GetFaxList>" + "".join(f"<FaxId>{i}</FaxId>\r\n" for i in ids) + "</GetFaxList></ApiResponse>"
    )
    assert await ids_of(client(await serve(wire.says(wire.reply(body))))) == ids


@pytest.mark.parametrize(
    "octets, failure",
    [
        (b"<ApiResponse><GetFaxList><FaxId>208107838349</FaxId>", Unreadable),
        (b"<html><body>Sign in</body></html>", Unreadable),
        (b'{"FaxId": []}', Unreadable),
        (b"", Unreadable),
        (b"<ApiResponse><GetFaxList><FaxId>1 2</FaxId></GetFaxList></ApiResponse>", Unreadable),
        (b"<ApiResponse><GetFaxList><Results>Folder is broken</Results></GetFaxList></ApiResponse>", Unreadable),
        (b"<ApiResponse><GetFaxList><Results>Invalid password</Results></GetFaxList></ApiResponse>", AccountTrouble),
    ],
)
async def test_a_list_that_is_not_whole_never_reads_as_an_empty_one(serve, client, wire, octets, failure):
    with pytest.raises(failure):
        await ids_of(client(await serve(wire.says(wire.reply(octets)))))


async def test_a_list_that_is_left_early_closes_its_connection(serve, client, wire):
    gone = asyncio.Event()

    async def endless(heard, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n<ApiResponse><GetFaxList>")
        try:
            while True:
                writer.write(b"<FaxId>208107838349</FaxId>" * 1_000)
                await writer.drain()
        finally:
            gone.set()

    ids = client(await serve(endless)).list_folder(Folder.INBOX)
    assert await anext(ids) == "208107838349"
    await ids.aclose()
    await asyncio.wait_for(gone.wait(), 5)


async def test_a_compressed_answer_is_not_unpacked(serve, client, wire):
    core = client(await serve(wire.says(wire.reply(b"\x1f\x8b" * 50, content_encoding="gzip"))))
    with pytest.raises(Unreadable):
        await ids_of(core)


async def test_404_for_a_fax_means_not_known_only_where_a_faxcore_has_answered(serve, client, wire):
    answers = [
        wire.reply("<html/>", "404 Not Found"),
        wire.reply("<ApiResponse/>"),
        wire.reply("<html/>", "404 Not Found"),
    ]

    async def next_one(heard, reader, writer):
        await wire.says(answers.pop(0))(heard, reader, writer)

    core = client(await serve(next_one))
    with pytest.raises(AccountTrouble):
        await core.fax_status("209608080375")
    assert await ids_of(core) == []
    with pytest.raises(NotKnown):
        await core.fax_status("209608080375")


async def test_a_download_that_breaks_off_is_unavailable(serve, client, wire):
    whole = wire.reply(b"JVBERi0xLjQK" * 1_000)
    with pytest.raises(Unavailable):
        await client(await serve(wire.says(whole[:-50]))).download_fax("1", filetype="PDF", to=io.BytesIO())


async def test_a_full_disk_is_not_taken_for_trouble_of_the_service(serve, client, wire):
    class FullDisk(io.BytesIO):
        def write(self, block):
            raise OSError(28, "No space left on device")

    core = client(await serve(wire.says(wire.reply(b"JVBERi0xLjQK"))))
    with pytest.raises(OSError, match="No space left"):
        await core.download_fax("1", filetype="PDF", to=FullDisk())


GARBAGE = [
    b"",
    b"\0" * 100,
    b"HTTP/1.1 999 Odd\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\xff\xfe<",
    b"HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nxx",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n" + b"<a>" * 20_000,
]


@pytest.mark.parametrize("octets", GARBAGE, ids=range(len(GARBAGE)))
async def test_whatever_comes_back_is_one_of_our_failures_and_never_a_success(serve, client, send, wire, octets):
    core = client(await serve(wire.says(octets)), read_timeout=1.0)
    with pytest.raises(Failure) as sent:
        await send(core)
    assert isinstance(sent.value, InDoubt | AccountTrouble)
    for call in (
        core.fax_status("1"),
        core.fax_details("1"),
        core.delete_fax("1"),
        ids_of(core),
        core.download_fax("1", filetype="TIF", to=io.BytesIO()),
    ):
        with pytest.raises((NotRead, AccountTrouble)):
            await call
