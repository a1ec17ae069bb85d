"""A program gets each fax signed, is asked again when it does not answer, and nothing of ours is reached by a URL."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import trustme
from standardwebhooks.webhooks import Webhook as Verifier

from mailfax.rules.failure import Failure, InDoubt, NotSent, Refused
from mailfax.targets.webhook import Guarded, Webhook, is_public
from tests.targets.parcels import parcel

pytestmark = pytest.mark.anyio
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@dataclass
class Program:
    """A program that takes faxes by HTTPS. ``answer`` is what it says, b"" hangs up; ``got``: what came."""

    port: int = 0
    answer: bytes = b"HTTP/1.1 204 No Content\r\n\r\n"
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    tls: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/fax?source=mailfax"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            fields = dict(line.split(": ", 1) for line in head[1:] if line)
            fields = {name.lower(): value for name, value in fields.items()}
            body = await reader.readexactly(int(fields["content-length"]))
            self.got.append((head[0], fields, body))
            writer.write(self.answer)
            await writer.drain()
        writer.close()


@pytest.fixture
async def program() -> AsyncIterator[Program]:
    authority, here = trustme.CA(), Program()
    served, asked = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(served)
    authority.configure_trust(asked)
    here.tls = asked
    server = await asyncio.start_server(here.serve, "localhost", 0, ssl=served)
    here.port = server.sockets[0].getsockname()[1]
    # localhost may have two addresses; the port is the same on one only
    yield here
    server.close()


def webhook(program: Program, *, private: bool = True, **more: Any) -> Webhook:
    return Webhook(secret=SECRET, private=private, tls=program.tls, **more)


async def test_facts_and_documents_come_signed_as_a_foreign_verifier_reads_it(program: Program) -> None:
    await webhook(program).take(program.url, parcel(b"%PDF-1.7", b"II*\0"))
    [(line, fields, body)] = program.got
    assert line == "POST /fax?source=mailfax HTTP/1.1" and fields["host"] == f"localhost:{program.port}"
    told = Verifier(SECRET).verify(body, fields)
    assert fields["webhook-id"] == told["queue_id"] == "CINB000001"
    assert (told["caller_name"], told["route"], told["pages"]) == ("Müller", "route 2", 3)
    assert [base64.b64decode(document["content"]) for document in told["documents"]] == [b"%PDF-1.7", b"II*\0"]
    assert [document["bytes"] for document in told["documents"]] == [8, 4]
    tampered = json.dumps({**told, "pages": 4}).encode()
    with pytest.raises(Exception, match="signature"):
        Verifier(SECRET).verify(tampered, fields)


async def test_the_same_fax_has_the_same_id_and_its_own_moment(program: Program) -> None:
    moments = iter((1_800_000_000.4, 1_800_000_060.0))
    hook = webhook(program, now=lambda: next(moments))
    await hook.take(program.url, parcel())
    await hook.take(program.url, parcel())
    assert [fields["webhook-id"] for _, fields, _ in program.got] == ["CINB000001"] * 2
    assert [fields["webhook-timestamp"] for _, fields, _ in program.got] == ["1800000000", "1800000060"]


@pytest.mark.parametrize(
    ("answer", "failure", "says"),
    [
        (b"HTTP/1.1 503 Busy\r\nRetry-After: 70\r\nContent-Length: 4\r\n\r\nbusy", NotSent, "http; 503 busy"),
        (b"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n", NotSent, "http; 429"),
        (b"HTTP/1.1 404 Gone\r\nContent-Length: 7\r\n\r\nno such", Refused, "http; 404 no such"),
        (b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", Refused, "http; 302"),
        (b"", InDoubt, "x-mailfax; RemoteProtocolError"),
        (b"nonsense\r\n\r\n", InDoubt, "x-mailfax; RemoteProtocolError"),
        (b"HTTP/1.1 500 Oops\r\n\r\n" + b"x" * 100_000, NotSent, "http; 500 " + "x" * 290),
    ],
)
async def test_what_an_answer_means(program: Program, answer: bytes, failure: type[Failure], says: str) -> None:
    program.answer = answer
    with pytest.raises(failure) as failed:
        await webhook(program).take(program.url, parcel())
    assert type(failed.value) is failure and failed.value.diagnostic == says[:300]
    assert failed.value.retry_after == (70.0 if b"Retry-After" in answer else None)
    assert len(program.got) == 1, "no redirect is followed"


async def test_a_certificate_that_nobody_vouches_for_is_not_spoken_to(program: Program) -> None:
    program.tls = None
    with pytest.raises(NotSent, match="certificate is not accepted"):
        await webhook(program).take(program.url, parcel())
    assert program.got == []


async def test_nobody_there(program: Program) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(NotSent, match="can't be reached"):
            await webhook(program).take(f"https://localhost:{taken.getsockname()[1]}/", parcel())


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "127.1", "0x7f000001", "2130706433"])
async def test_our_own_machine_is_reached_only_where_that_is_said(program: Program, host: str) -> None:
    hook = webhook(program, private=False)
    for way in (
        hook.probe(f"https://{host}:{program.port}/"),
        hook.take(f"https://{host}:{program.port}/", parcel()),
    ):
        with pytest.raises(NotSent, match="webhook_private = true"):
            await way
    assert program.got == []


async def test_a_name_that_leads_elsewhere_at_the_second_look_is_judged_at_the_second_look(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: public when it is looked at, ours when it is connected to. There is one look."""
    answers = iter(["93.184.216.34", "127.0.0.1"])
    guard = Guarded(private=False)
    connected: list[str] = []

    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    async def connect_tcp(address: str, *_: Any) -> Any:
        connected.append(address)

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo, raising=False)
    monkeypatch.setattr(guard._line, "connect_tcp", connect_tcp)
    await guard.connect_tcp("rebinding.example", 443)
    with pytest.raises(NotSent):
        await guard.connect_tcp("rebinding.example", 443)
    assert connected == ["93.184.216.34"]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("10.0.0.1", False),
        ("172.16.3.4", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:0a00:0001::1", False),
    ],
)
def test_public(address: str, public: bool) -> None:
    assert is_public(address) is public
