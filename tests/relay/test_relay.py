"""Our mail goes out: foreign servers that take it, refuse it, vanish, or lie about TLS; Maildirs that others read."""

from __future__ import annotations

import asyncio
import contextlib
import mailbox
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult

from mailfax.config import RelayConfig
from mailfax.relay import Maildir, Smarthost, relay_for
from mailfax.rules.failure import InDoubt, NotSent, Refused

pytestmark = pytest.mark.anyio

MAIL = b"From: a@fax.local\r\nSubject: x\r\n\r\n.dot\r\n..dots\r\ntext\r\n"


class Taker:
    """A foreign relay's handler: keeps what it got, and answers as the test wants."""

    def __init__(self, *, mail: str = "", rcpt: dict[str, str] | None = None, data: str = "250 2.0.0 kept") -> None:
        self.mail_reply, self.rcpt_replies, self.data_reply = mail, rcpt or {}, data
        self.got: list[tuple[str, list[str], bytes]] = []
        self.mail_options: list[str] = []
        self.helo = ""

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: Any) -> Any:
        session.host_name = self.helo = hostname
        return responses

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.mail_reply:
            return self.mail_reply
        envelope.mail_from, self.mail_options = address, options
        return "250 ok"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.rcpt_replies:
            return self.rcpt_replies[address]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        # aiosmtpd names the null reverse-path "<>".
        self.got.append((envelope.mail_from.removeprefix("<>"), envelope.rcpt_tos, envelope.original_content))
        return self.data_reply


@contextlib.asynccontextmanager
async def serving(factory: Callable[[], asyncio.Protocol], tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    sessions: list[Any] = []

    def open_session() -> asyncio.Protocol:
        sessions.append(factory())
        return sessions[-1]

    server = await asyncio.get_running_loop().create_server(open_session, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]
        # Every session ends by itself, for the relay hangs up.
        while any(session.transport is not None for session in sessions):
            await asyncio.sleep(0.01)


def foreign(taker: Taker, **options: Any) -> Callable[[], SMTP]:
    return lambda: SMTP(taker, enable_SMTPUTF8=True, hostname="foreign.example", **options)


def relay(port: int, **more: Any) -> Smarthost:
    config = RelayConfig(**{"host": "127.0.0.1", "port": port} | more)
    return Smarthost(config, "fax.example.com", command_seconds=5.0, content_seconds=5.0, idle_seconds=0.05)


@contextlib.asynccontextmanager
async def scripted(*replies: bytes, silent: bool = False) -> AsyncIterator[int]:
    """A server that says one line after the other, one for each command (the content is one), and then hangs up."""

    ended: list[asyncio.Event] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended.append(asyncio.Event())
        for reply in replies:
            writer.write(reply + b"\r\n")
            in_content = reply.startswith(b"354")
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await reader.readuntil(b"\r\n.\r\n" if in_content else b"\r\n")
        if silent:
            await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        ended[-1].set()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        for one in ended:
            await one.wait()


async def test_a_mail_arrives_byte_for_byte_with_its_envelope() -> None:
    taker = Taker()
    async with serving(foreign(taker)) as port:
        await relay(port).hand_over("", ["bob@example.com"], MAIL)
    assert taker.got == [("", ["bob@example.com"], MAIL)]
    assert taker.helo == "fax.example.com"


@pytest.mark.parametrize(
    ("sender", "recipient", "mail", "options"),
    [
        ("", "bob@example.com", MAIL, set()),
        ("", "bob@example.com", MAIL + "é\r\n".encode(), {"BODY=8BITMIME"}),
        ("", "jörg@example.com", MAIL, {"SMTPUTF8"}),
        ("", "bob@example.com", "Subject: é\r\n\r\nx\r\n".encode(), {"BODY=8BITMIME", "SMTPUTF8"}),
    ],
)
async def test_extensions_are_asked_for_where_the_mail_needs_them(
    sender: str, recipient: str, mail: bytes, options: set[str]
) -> None:
    taker = Taker()
    async with serving(foreign(taker)) as port:
        await relay(port).hand_over(sender, [recipient], mail)
    assert {option for option in taker.mail_options if not option.startswith("SIZE=")} == options
    assert taker.got[0][1:] == ([recipient], mail)


@pytest.mark.parametrize(
    ("taker", "failure"),
    [
        (Taker(mail="450 4.7.1 greylisted"), NotSent),
        (Taker(mail="550 5.7.1 go away"), Refused),
        # A login to mend, not a mail to give up.
        (Taker(mail="530 5.7.0 authentication required"), NotSent),
        (Taker(rcpt={"bob@example.com": "451 4.2.1 busy"}), NotSent),
        (Taker(rcpt={"bob@example.com": "550 5.1.1 no such user"}), Refused),
        (Taker(data="452 4.3.1 disk full"), NotSent),
        (Taker(data="554 5.6.0 spam"), Refused),
        (Taker(data="299 what"), InDoubt),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_a_refusal_is_told_apart_by_its_code(taker: Taker, failure: type[Exception]) -> None:
    async with serving(foreign(taker)) as port:
        with pytest.raises(failure) as raised:
            await relay(port).hand_over("", ["bob@example.com"], MAIL)
    assert raised.value.diagnostic.startswith("smtp; ")  # type: ignore[attr-defined]


async def test_one_refused_recipient_means_that_nobody_gets_the_mail() -> None:
    taker = Taker(rcpt={"bob@example.com": "550 5.1.1 no such user"})
    async with serving(foreign(taker)) as port:
        with pytest.raises(Refused, match="no such user"):
            await relay(port).hand_over("", ["alice@example.com", "bob@example.com"], MAIL)
    assert taker.got == []


@pytest.mark.parametrize(
    ("replies", "failure"),
    [
        ([], NotSent),
        ([b"421 4.3.2 going down"], NotSent),
        ([b"554 5.7.1 no service for you"], NotSent),
        ([b"220 hi", b"250 foreign"], NotSent),
        ([b"220 hi", b"250 foreign", b"250 ok", b"250 ok"], InDoubt),
        ([b"220 hi", b"250 foreign", b"250 ok", b"250 ok", b"354 go"], InDoubt),
        ([b"220 hi", b"250 foreign", b"250 ok", b"250 ok", b"354 go", b"not smtp at all"], InDoubt),
    ],
    ids=["at once", "421", "554", "before MAIL", "before 354", "after the content", "gibberish after the content"],
)
async def test_a_connection_that_breaks_means_what_its_moment_says(replies: list[bytes], failure: type) -> None:
    async with scripted(*replies) as port:
        with pytest.raises(failure):
            await relay(port).hand_over("", ["bob@example.com"], MAIL)


async def test_silence_after_the_content_is_doubt_and_does_not_last_for_ever() -> None:
    async with scripted(b"220 hi", b"250 foreign", b"250 ok", b"250 ok", b"354 go", silent=True) as port:
        config = RelayConfig(host="127.0.0.1", port=port)
        impatient = Smarthost(config, "fax.example.com", command_seconds=5.0, content_seconds=0.2)
        with pytest.raises(InDoubt):
            await impatient.hand_over("", ["bob@example.com"], MAIL)


async def test_a_relay_that_breaks_off_after_its_250_has_taken_the_mail() -> None:
    async with scripted(b"220 hi", b"250 foreign", b"250 ok", b"250 ok", b"354 go", b"250 kept") as port:
        await relay(port).hand_over("", ["bob@example.com"], MAIL)


async def test_an_old_relay_without_ehlo_is_greeted_with_helo() -> None:
    replies = (b"220 hi", b"502 what", b"250 helo", b"250 ok", b"250 ok", b"354 go", b"250 kept")
    async with scripted(*replies) as port:
        await relay(port).hand_over("", ["bob@example.com"], MAIL)


async def test_a_relay_without_smtputf8_refuses_no_mail_but_such_addresses() -> None:
    async with scripted(b"220 hi", b"250 foreign") as port:
        with pytest.raises(Refused, match="beyond ASCII"):
            await relay(port).hand_over("", ["jörg@example.com"], MAIL)


async def test_nobody_listening_means_not_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and not listening
        with pytest.raises(NotSent):
            await relay(taken.getsockname()[1]).hand_over("", ["bob@example.com"], MAIL)


@pytest.mark.parametrize(
    "address", ["bob@example.com> NOTIFY=NEVER", "bob@example.com\r\nDATA", "bob (comment) @example.com", "a b@x"]
)
async def test_an_address_that_would_become_another_is_refused(address: str) -> None:
    taker = Taker()
    async with serving(foreign(taker)) as port:
        with pytest.raises(Refused, match="can't be written"):
            await relay(port).hand_over("", [address], MAIL)
    assert taker.got == []


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


def certified(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_tls_is_used_and_verified(tls: str, authority: trustme.CA, ca_file: Path) -> None:
    taker, context = Taker(), certified(authority, "127.0.0.1")
    factory = foreign(taker, tls_context=context, require_starttls=True) if tls == "starttls" else foreign(taker)
    async with serving(factory, context if tls == "implicit" else None) as port:
        await relay(port, tls=tls, ca_file=ca_file).hand_over("", ["bob@example.com"], MAIL)
    assert len(taker.got) == 1


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("wrong", ["name", "authority"])
async def test_a_certificate_that_proves_nothing_gets_no_mail(
    tls: str, wrong: str, authority: trustme.CA, ca_file: Path
) -> None:
    issuer = authority if wrong == "name" else trustme.CA()
    taker, context = Taker(), certified(issuer, "other.example" if wrong == "name" else "127.0.0.1")
    factory = foreign(taker, tls_context=context) if tls == "starttls" else foreign(taker)
    async with serving(factory, context if tls == "implicit" else None) as port:
        with pytest.raises(NotSent):
            await relay(port, tls=tls, ca_file=ca_file).hand_over("", ["bob@example.com"], MAIL)
    assert taker.got == []


async def test_a_relay_that_no_longer_offers_starttls_gets_no_mail() -> None:
    taker = Taker()
    async with serving(foreign(taker)) as port:
        with pytest.raises(NotSent):
            await relay(port, tls="starttls").hand_over("", ["bob@example.com"], MAIL)
    assert taker.got == []


@pytest.mark.parametrize(("password", "arrives"), [("right", True), ("wrong", False)])
async def test_a_login_that_is_refused_keeps_the_mail(
    password: str, arrives: bool, authority: trustme.CA, ca_file: Path
) -> None:
    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == b"right" and data.login == b"fax", handled=False)

    taker = Taker()
    factory = foreign(taker, tls_context=certified(authority, "127.0.0.1"), authenticator=check, auth_required=True)
    async with serving(factory) as port:
        outgoing = relay(port, tls="starttls", ca_file=ca_file, username="fax", password=password)
        if arrives:
            await outgoing.hand_over("", ["bob@example.com"], MAIL)
            await outgoing.probe()
        else:
            with pytest.raises(NotSent, match="535"):
                await outgoing.hand_over("", ["bob@example.com"], MAIL)
            with pytest.raises(NotSent):
                await outgoing.probe()
    assert len(taker.got) == arrives


async def test_a_missing_ca_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotSent, match="ca_file"):
        await relay(1, tls="implicit", ca_file=tmp_path / "no.pem").hand_over("", ["bob@example.com"], MAIL)


# --- Maildir -------------------------------------------------------------------------------------------------------


async def test_a_maildir_holds_what_others_read(tmp_path: Path) -> None:
    outgoing = relay_for(RelayConfig(maildir=tmp_path / "mail"), "fax.example.com")
    assert isinstance(outgoing, Maildir)
    await outgoing.probe()
    await outgoing.hand_over("", ["Bob@Example.com"], MAIL)
    await outgoing.hand_over("", ["Bob@Example.com"], MAIL)
    box = mailbox.Maildir(tmp_path / "mail" / "bob@example.com", create=False)
    assert len(box) == 2
    for mail in box:
        assert mail["Return-Path"] == "<>"
        assert mail["Delivered-To"] == "Bob@Example.com"
        assert mail.get_payload() == ".dot\n..dots\ntext\n"
        assert mail.get_subdir() == "new"
    assert list((tmp_path / "mail" / "bob@example.com" / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    "address", ["../../evil@x", "/etc/passwd", ".", "..", ".hidden@x", "a\0b@x", "a/b@x", "é@x", "a" * 300 + "@x", ""]
)
async def test_no_address_leads_out_of_the_mail_directory(tmp_path: Path, address: str) -> None:
    root = tmp_path / "deep" / "mail"
    await Maildir(root, "fax.example.com").hand_over("", [address], MAIL)
    (folder,) = root.iterdir()
    assert not folder.name.startswith(".")
    assert len(os.fsencode(folder.name)) <= 255
    assert len(list((folder / "new").iterdir())) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep"]


async def test_long_addresses_with_one_beginning_have_their_own_maildirs(tmp_path: Path) -> None:
    await Maildir(tmp_path, "h").hand_over("", ["a" * 300 + "@x", "a" * 300 + "@y"], MAIL)
    assert len(list(tmp_path.iterdir())) == 2


async def test_a_disk_that_takes_nothing_keeps_the_letter_waiting(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file where the directory should be")
    outgoing = Maildir(tmp_path / "mail", "fax.example.com")
    with pytest.raises(NotSent, match="can't be written"):
        await outgoing.hand_over("", ["bob@example.com"], MAIL)
    with pytest.raises(NotSent):
        await outgoing.probe()
