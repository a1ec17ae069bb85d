"""Who may log in, how, and what is told to whoever may not."""

from __future__ import annotations

import base64
import logging

import pytest

from mailfax.smtpd import Pace
from tests.smtpd.conftest import Backend, Line, OpenServer, Server

pytestmark = pytest.mark.anyio
SUCCESS = "235 2.7.0 Authentication successful"
FAILURE = "535 5.7.8 User name or password is wrong"
USER, PASSWORD = "VXNlcm5hbWU6", "UGFzc3dvcmQ6"


def b64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def plain(user: str = "alice", password: str = "correct horse", who: str = "") -> str:
    return b64(f"{who}\0{user}\0{password}")


async def under_tls(opened: Server, name: str = "auth") -> Line:
    line = await opened.connect(name)
    await line.hear()
    await line.ask("EHLO c", "STARTTLS")
    await opened.encrypt(line)
    assert "AUTH PLAIN LOGIN" in await line.ask("EHLO c")
    return line


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ([f"AUTH PLAIN {plain()}"], [SUCCESS]),
        ([f"auth plain {plain()}"], [SUCCESS]),
        (["AUTH PLAIN", plain()], ["334 ", SUCCESS]),
        (["AUTH LOGIN", b64("alice"), b64("correct horse")], [f"334 {USER}", f"334 {PASSWORD}", SUCCESS]),
        ([f"AUTH LOGIN {b64('alice')}", b64("correct horse")], [f"334 {PASSWORD}", SUCCESS]),
        (["Auth Login", b64("ALICE  "), b64("correct horse")], [f"334 {USER}", f"334 {PASSWORD}", SUCCESS]),
        ([f"AUTH PLAIN {plain(who='alice')}"], [SUCCESS]),
        ([f"AUTH PLAIN {plain(who='Alice ')}"], [SUCCESS]),
        ([f"AUTH PLAIN {plain(who='root')}"], [FAILURE]),
        ([f"AUTH PLAIN {plain(user='nobody')}"], [FAILURE]),
        ([f"AUTH PLAIN {plain(password='Correct horse')}"], [FAILURE]),
        (["AUTH LOGIN =", b64("x")], [f"334 {PASSWORD}", FAILURE]),
        (["AUTH PLAIN ="], ["501 5.5.2 This authentication response can't be read: it is not identity NUL user…"]),
        (["AUTH PLAIN", "*"], ["334 ", "501 5.7.0 Authentication was cancelled"]),
        (["AUTH LOGIN", b64("alice"), "*"], [f"334 {USER}", f"334 {PASSWORD}", "501 5.7.0 …"]),
        (["AUTH PLAIN !!!"], ["501 5.5.2 This authentication response can't be read: it is not base64"]),
        (["AUTH LOGIN", "YQ"], [f"334 {USER}", "501 5.5.2 This authentication response can't be read: it is …"]),
        (["AUTH CRAM-MD5"], ["504 5.5.4 Only AUTH PLAIN and AUTH LOGIN work here"]),
        (["AUTH"], ["501 5.5.2 Syntax: AUTH mechanism [response]"]),
        ([f"AUTH PLAIN {plain()}", f"AUTH PLAIN {plain()}"], [SUCCESS, "503 5.5.1 …: you are logged in already"]),
        (["AUTH PLAIN", b64("\0alice\0" + "x" * 9000)], ["334 ", FAILURE]),
        ([f"AUTH PLAIN {b64('0alice0' + 'x' * 9000)}"], ["501 5.5.2 …"]),
        (["AUTH PLAIN", "A" * 12_400], ["334 ", "500 5.5.2 Command line too long"]),
    ],
)
async def test_each_way_to_log_in(open_server: OpenServer, said: list[str], heard: list[str]) -> None:
    opened = await open_server("auth")
    line = await under_tls(opened)
    for command, wanted in zip(said, heard, strict=True):
        reply = await line.ask(command)
        start, *end = wanted.split("…")
        assert reply.startswith(start) and reply.endswith("".join(end)), reply
    assert await line.ask("NOOP") == "250 2.0.0 Ok"


async def test_a_response_of_12288_octets_is_read_in_full(open_server: OpenServer) -> None:
    """RFC 4954 4: no shorter limit."""
    password = "x" * 9209
    opened = await open_server("auth", backend=Backend(passwords={"alice": password}))
    response = plain(password=password)
    assert len(response) == 12_288
    for commands in (["AUTH PLAIN", response], [f"AUTH PLAIN {response}"]):
        line = await under_tls(opened)
        assert await line.ask(*commands) == SUCCESS
        assert await line.ask("RSET") == "250 2.0.0 Ok"
    line = await under_tls(opened)
    assert await line.ask("AUTH PLAIN " + "A" * 12_400) == "500 5.5.2 Command line too long"
    assert await line.ask("NOOP" + " x" * 2000) == "500 5.5.2 Command line too long"


async def test_a_password_is_never_taken_in_clear(open_server: OpenServer) -> None:
    opened = await open_server("auth")
    line = await opened.connect("auth")
    await line.hear()
    assert "AUTH" not in await line.ask("EHLO c")
    assert await line.ask(f"AUTH PLAIN {plain()}") == "530 5.7.0 Say STARTTLS first"
    assert await line.ask("MAIL FROM:<alice@example.com>") == "530 5.7.0 Say STARTTLS first"
    assert opened.backend.asked == []


async def test_implicit_tls_counts_as_tls(open_server: OpenServer) -> None:
    opened = await open_server("auth-implicit")
    line = await opened.connect("auth-implicit", tls=True)
    await line.hear()
    offers = await line.ask("EHLO c")
    assert "AUTH PLAIN LOGIN" in offers and "STARTTLS" not in offers and "AUTH=" not in offers
    assert await line.ask("MAIL FROM:<alice@example.com>") == (
        "530 5.7.0 Authentication required: log in with user name and password"
    )
    assert await line.ask(f"AUTH PLAIN {plain()}") == SUCCESS
    await line.ask("MAIL FROM:<alice@example.com>", "RCPT TO:<15551234567@fax.local>", "DATA")
    assert (await line.ask(".")).startswith("250 ")
    (mail,) = opened.backend.mails
    assert mail.envelope.client.login == "alice" and b" with ESMTPSA; " in mail.prefix


async def test_a_login_is_bound_to_its_sender(open_server: OpenServer) -> None:
    opened = await open_server("auth")
    line = await under_tls(opened)
    await line.ask(f"AUTH PLAIN {plain()}", "MAIL FROM:<bob@example.com>")
    assert (await line.ask("RCPT TO:<15551234567@fax.local>")).startswith(
        "553 5.7.1 User alice may not send as bob@example.com"
    )


async def test_auth_is_out_of_place_during_a_mail_and_before_ehlo(open_server: OpenServer) -> None:
    opened = await open_server("device-auth", "auth-implicit")
    line = await opened.connect("auth-implicit", tls=True)
    await line.hear()
    assert await line.ask(f"AUTH PLAIN {plain()}") == "503 5.5.1 Bad sequence of commands: say EHLO first"
    assert await line.ask("HELO c", f"AUTH PLAIN {plain()}") == "503 5.5.1 Bad sequence of commands: say EHLO first"
    await line.ask("EHLO c", f"AUTH PLAIN {plain()}", "MAIL FROM:<alice@example.com>", "RSET")
    assert (await line.ask(f"AUTH PLAIN {plain()}")).startswith("503 ")


async def test_a_copier_logs_in_in_clear_after_helo_alone(open_server: OpenServer) -> None:
    opened = await open_server("device-auth")
    line = await opened.connect("device-auth")
    await line.hear()
    assert "\n250-AUTH PLAIN LOGIN\n250-AUTH=LOGIN PLAIN\n" in await line.ask("EHLO c")
    assert (await line.ask("MAIL FROM:<copier@example.com>")).startswith("530 5.7.0 Authentication required")
    assert await line.ask("HELO") == "250 gate.example.com"
    assert await line.ask("AUTH LOGIN") == f"334 {USER}"
    assert await line.ask(b64("Copier")) == f"334 {PASSWORD}"
    assert await line.ask(b64("1234")) == SUCCESS
    await line.ask("MAIL FROM:<>", "RCPT TO:<15551234567>", "DATA")
    assert (await line.ask(".")).startswith("250 ")
    assert opened.backend.asked == [("Copier", "1234", "device-auth")]
    assert opened.backend.mails[0].envelope.grant.notify == "owner@example.com"


async def test_starttls_forgets_a_login_in_clear(open_server: OpenServer) -> None:
    opened = await open_server("device-tls")
    line = await opened.connect("device-tls")
    await line.hear()
    assert await line.ask("EHLO c", f"AUTH PLAIN {plain('copier', '1234')}") == SUCCESS
    await line.ask("STARTTLS")
    await opened.encrypt(line)
    assert (await line.ask("EHLO c", "MAIL FROM:<a@b>")).startswith("530 5.7.0 Authentication required")


async def test_bytes_that_are_no_utf_8_are_a_copiers_latin_1(open_server: OpenServer) -> None:
    opened = await open_server("device-auth", backend=Backend(passwords={"müller": "größe"}))
    line = await opened.connect("device-auth")
    await line.hear()
    response = b64("\0müller\0größe".encode("latin-1"))
    assert await line.ask("EHLO c", f"AUTH PLAIN {response}") == SUCCESS


async def test_three_failures_end_the_connection_and_the_next_ones_wait(
    open_server: OpenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("mailfax.smtpd.auth.asyncio.sleep", wait)
    opened = await open_server("device-auth")
    for _ in range(2):
        line = await opened.connect("device-auth")
        await line.hear()
        await line.ask("EHLO c")
        for user in ("alice", "nobody", "copier"):
            assert await line.ask(f"AUTH PLAIN {plain(user, 'wrong')}") == FAILURE
        assert await line.hear() == "421 4.7.0 Too many failed logins; closing the connection"
        assert await line.hear() == ""
    delays = [seconds for seconds in waited if seconds]
    assert delays and delays == sorted(delays)


async def test_passwords_reach_neither_log_nor_reply(
    open_server: OpenServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    class Broken(Backend):
        async def authenticate(self, user: str, password: str, listener: str) -> str | None:
            raise OSError("the password file is gone")

    for backend, reply in (
        (Broken(), "454 4.7.0 Passwords can't be checked now; try again later"),
        (Backend(), FAILURE),
    ):
        opened = await open_server("device-auth", backend=backend)
        line = await opened.connect("device-auth")
        await line.hear()
        assert await line.ask("EHLO c", f"AUTH PLAIN {plain('alice', 'hunter22')}") == reply
        assert await line.ask("AUTH LOGIN", b64("alice"), b64("hunter22")) == reply
    for secret in ("hunter22", plain("alice", "hunter22"), b64("hunter22")):
        assert secret not in caplog.text


async def test_a_client_that_leaves_or_falls_silent_while_it_logs_in(open_server: OpenServer) -> None:
    opened = await open_server("device-auth", pace=Pace(command=0.2, device_command=0.2))
    line, silent = await opened.connect("device-auth"), await opened.connect("device-auth")
    for one in (line, silent):
        await one.hear()
        assert await one.ask("EHLO c", "AUTH LOGIN") == f"334 {USER}"
    line.close()
    assert (await silent.hear()).startswith("421 4.4.2 ")
    await opened.listeners.drain(1)
    assert opened.backend.asked == []


async def test_auth_is_not_known_where_nobody_logs_in(open_server: OpenServer) -> None:
    opened = await open_server("starttls", "lmtp")
    for name, hello in (("starttls", "EHLO c"), ("lmtp", "LHLO c")):
        line = await opened.connect(name)
        await line.hear()
        assert "AUTH" not in await line.ask(hello)
        assert await line.ask(f"AUTH PLAIN {plain()}") == "500 5.5.2 Command not recognised"
