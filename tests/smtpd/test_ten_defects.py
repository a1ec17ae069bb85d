"""The ten defects of aiosmtpd 1.4.6 that ours must not have; each test is named after one."""

from __future__ import annotations

import asyncio
import resource
import ssl
import tempfile
from pathlib import Path

import pytest
import trustme

from mailfax.config import Limits, Listener
from mailfax.rules.envelope import Notify
from mailfax.smtpd import Pace
from tests.smtpd.conftest import Backend, Kept, Line, OpenServer

pytestmark = pytest.mark.anyio


class OnDisk(Kept):
    """As the spool does with large mails."""

    def __init__(self) -> None:
        super().__init__()
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the test

    def write(self, block: bytes) -> None:
        self.size += len(block)
        self.file.write(block)


def resident() -> int:
    """Bytes of this process in memory now (proc(5), statm)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def test_1_data_is_read_in_blocks_and_never_whole_in_memory(open_server: OpenServer) -> None:
    """A mail of 40 MB raises resident memory by less than 8 MB, and other sessions are heard meanwhile."""
    opened = await open_server(backend=Backend(make=OnDisk))
    line, other = await opened.connect(), await opened.connect()
    await other.hear()
    await line.begin()
    block = (b"x" * 76 + b"\r\n") * 3360
    await line.send(b"Subject: big\r\n\r\n" + block)
    before = most = resident()
    for _ in range(40_000_000 // len(block)):
        await line.send(block)
        most = max(most, resident())
    assert await other.ask("NOOP") == "250 2.0.0 Ok"
    await line.send(b".\r\n")
    assert (await line.hear()).startswith("250 2.0.0 Ok: queued")
    assert max(most, resident()) - before < 8_000_000
    content = opened.backend.contents[0]
    assert content.size > 39_000_000
    content.file.close()


async def test_2_the_timeout_is_renewed_during_data_and_does_not_count_our_own_time(open_server: OpenServer) -> None:
    async def slow_spool() -> None:
        await asyncio.sleep(0.3)

    opened = await open_server(backend=Backend(before_accept=slow_spool), pace=Pace(command=0.2, data=0.2))
    line = await opened.connect()
    await line.begin()
    for _ in range(8):
        await line.send(b"x: y\r\n")
        await asyncio.sleep(0.05)
    await line.send(b".\r\n")
    assert (await line.hear()).startswith("250 2.0.0 Ok: queued")


async def test_2b_a_mail_that_only_holds_the_line_is_ended(open_server: OpenServer) -> None:
    """One byte now and then is no mail: it must be faster than ``bytes_per_second`` after ``data_patience``."""
    opened = await open_server(pace=Pace(data=5, data_patience=0.2, bytes_per_second=1000))
    line = await opened.connect()
    await line.begin()
    for _ in range(3):
        await line.send(b"x")
        await asyncio.sleep(0.05)
    assert (await line.hear()).startswith("421 4.4.2 ")
    await opened.listeners.drain(1)
    assert opened.backend.contents[0].abandoned


async def test_3_tls_from_the_first_byte_counts_as_tls(
    open_server: OpenServer, tls_listeners: tuple[Listener, Listener], tls_files: tuple[trustme.CA, Path]
) -> None:
    opened = await open_server(*tls_listeners)
    line = await connect_tls(opened.listeners.addresses["implicit"], tls_files[0])
    opened.lines.append(line)
    await line.hear()
    assert "STARTTLS" not in await line.ask("EHLO client.example")
    assert (await line.ask("STARTTLS")).startswith("503 5.5.1 ")
    await line.ask("MAIL FROM:<alice@example.com>", "RCPT TO:<15551234567@fax.local>", "DATA")
    assert (await line.ask("\r\n.")).startswith("250 ")
    assert opened.backend.mails[0].envelope.client.tls
    assert b" with ESMTPS; " in opened.backend.mails[0].data


async def test_4_and_8_auth_is_answered_alike_in_any_case_and_length(open_server: OpenServer) -> None:
    """AUTH is not offered; whatever its case and however long its token, the answer is a row of the table."""
    opened = await open_server()
    line = await opened.connect()
    await line.hear()
    assert "AUTH" not in await line.ask("EHLO client.example")
    for command in ("AUTH PLAIN", "auth plain AGEAYg==", "Auth xoauth2 " + "x" * 1500):
        assert await line.ask(command) == "500 5.5.2 Command not recognised"
    assert await line.ask("AUTH XOAUTH2 " + "x" * 12_500) == "500 5.5.2 Command line too long"
    assert await line.ask("NOOP") == "250 2.0.0 Ok"


async def test_5_auth_of_mail_is_taken(open_server: OpenServer) -> None:
    opened = await open_server()
    line = await opened.connect()
    await line.hear()
    assert await line.ask("EHLO c", "MAIL FROM:<alice@example.com> AUTH=<>") == "250 2.1.0 Ok"
    assert await line.ask("RSET", "MAIL FROM:<alice@example.com> AUTH=a+40b.example") == "250 2.1.0 Ok"


async def test_6_parameters_keep_their_case(open_server: OpenServer) -> None:
    opened = await open_server()
    line = await opened.connect()
    await line.hear()
    await line.ask("EHLO c", "MAIL FROM:<Alice@Example.com> ENVID=MixedCase+2B1 RET=hdrs")
    await line.ask("RCPT TO:<FAX=+15551234567@Fax.Local> ORCPT=rfc822;Bob@Example.ORG NOTIFY=success,Delay")
    await line.ask("DATA", "\r\n.")
    envelope = opened.backend.mails[0].envelope
    assert (envelope.sender, envelope.envid, envelope.ret) == ("Alice@Example.com", "MixedCase+1", "HDRS")
    (recipient,) = envelope.recipients
    assert recipient.address == "FAX=+15551234567@Fax.Local"
    assert recipient.orcpt == "rfc822;Bob@Example.ORG"
    assert recipient.notify == {Notify.SUCCESS, Notify.DELAY}
    assert recipient.number is not None and recipient.number.written == "FAX=+15551234567"


async def test_7_command_limits_are_not_shared_between_connections(open_server: OpenServer) -> None:
    opened = await open_server()
    first = await opened.connect()
    await first.hear()
    await first.ask("EHLO c", "EHLO c", "EHLO c")
    second = await opened.connect()
    await second.hear()
    long = "MAIL FROM:<alice@example.com> ENVID=" + "x" * 100 + " AUTH=" + "y" * 500
    assert await first.ask(long) == "250 2.1.0 Ok"
    assert await second.ask("EHLO c", long) == "250 2.1.0 Ok"


async def test_9_the_null_sender_is_empty_and_source_routes_are_refused(open_server: OpenServer) -> None:
    opened = await open_server()
    line = await opened.connect()
    await line.hear()
    assert (await line.ask("EHLO c", "MAIL FROM:<@relay.example:alice@example.com>")).startswith("501 5.1.7 ")
    await line.ask("MAIL FROM:<alice@example.com>")
    assert (await line.ask("RCPT TO:<@fax.local:15551234567@fax.local>")).startswith("501 5.1.3 ")
    await line.ask("RSET", "MAIL FROM:<>", "RCPT TO:<postmaster>", "DATA", "\r\n.")
    assert opened.backend.mails[0].envelope.sender == ""


async def test_10_recipients_are_limited_and_none_is_dropped_in_silence(open_server: OpenServer) -> None:
    opened = await open_server(limits=Limits(recipients=100))
    line = await opened.connect()
    await line.hear()
    await line.ask("EHLO c", "MAIL FROM:<alice@example.com>")
    replies = [await line.ask(f"RCPT TO:<1555123{number:04}@fax.local>") for number in range(102)]
    assert all(reply.startswith("250 2.1.5 ") for reply in replies[:100])
    assert all(
        reply.startswith("452 4.5.3 Too many recipients in one message: at most 100") for reply in replies[100:]
    )
    await line.ask("DATA", "\r\n.")
    assert len(opened.backend.mails[0].envelope.recipients) == 100


async def test_exceptions_never_reach_the_client(open_server: OpenServer, caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> None:
        raise RuntimeError("/secret/path pw=x")

    opened = await open_server(backend=Backend(before_accept=broken))
    line = await opened.connect()
    await line.begin()
    assert await line.ask(".") == "451 4.3.0 The message can't be taken now; try again later"
    assert "pw=x" in caplog.text
    assert opened.backend.contents[0].abandoned
    assert await line.ask("NOOP") == "250 2.0.0 Ok"


async def connect_tls(address: tuple[str, int], authority: trustme.CA) -> Line:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return Line(*await asyncio.open_connection(*address, ssl=context))
