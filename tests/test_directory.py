"""Passwords that a directory knows, judged by a real OpenLDAP server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mailfax.config import LdapConfig
from mailfax.config.places import directory_url
from mailfax.directory import Directory, DirectoryTrouble
from tests.support.ports import free_port
from tests.support.slapd import BASE, Slapd, slapd

pytestmark = [pytest.mark.anyio, pytest.mark.needs("slapd")]
PEOPLE = [
    ("anna", "people", "a good password"),
    ("olga", "people", "pässwörd"),
    ("anna+x", "people", "plus"),
    ("root", "admins", "of the admins"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with slapd(tmp_path_factory.mktemp("slapd"), PEOPLE) as running:
        yield running


def config_of(server: Slapd, url: str, **more: object) -> LdapConfig:
    host, port, implicit = directory_url(url)
    made = LdapConfig(host, port, implicit, f"uid={{login}},ou=people,{BASE}", server.ca_file)
    return replace(made, **more)  # type: ignore[arg-type]


@pytest.fixture(params=["ldap", "ldaps"])
def config(server: Slapd, request: pytest.FixtureRequest) -> LdapConfig:
    return config_of(server, getattr(server, request.param))


@pytest.mark.parametrize(
    ("login", "password", "right"),
    [
        ("anna", "a good password", True),
        ("ANNA", "a good password", True),
        ("olga", "pässwörd", True),
        ("anna+x", "plus", True),
        ("anna", "another password", False),
        ("nobody", "a good password", False),
        # RFC 4513 5.1.2: this server answers success to a name without a password, as the RFC lets it.
        ("anna", "", False),
        ("", "", False),
        ("", "a good password", False),
        ("anna", "a good password\0", False),
        ("anna", "x" * 5000, False),
    ],
)
async def test_a_password_is_right_or_wrong(config: LdapConfig, login: str, password: str, right: bool) -> None:
    assert await Directory(config).authenticate(login, password) is right


@pytest.mark.parametrize(
    "login",
    [
        f"root,ou=admins,{BASE}",
        f"root,ou=admins,{BASE}\\",
        f"root,ou=admins,{BASE}#",
        "x)(uid=root",
        "*",
        "root\n",
        "root\\,ou=admins",
    ],
)
async def test_a_name_is_only_a_name(config: LdapConfig, login: str) -> None:
    """Injection: a login is one value of one part of the name, whatever signs are in it."""
    assert not await Directory(config).authenticate(login, "of the admins")


async def test_a_certificate_of_somebody_else_is_not_spoken_to(server: Slapd, tmp_path: Path) -> None:
    with slapd(tmp_path, PEOPLE, host="other.example.com") as other:
        for url in (other.ldap, other.ldaps):
            for ca_file in (other.ca_file, server.ca_file, None):
                with pytest.raises(DirectoryTrouble):
                    await Directory(config_of(other, url, ca_file=ca_file)).authenticate("anna", "a good password")


async def test_no_password_travels_in_clear(server: Slapd) -> None:
    """A server, or somebody in between, that refuses StartTLS: nothing more is sent."""
    heard = bytearray()
    listening = socket.create_server(("127.0.0.1", 0))

    def refuse() -> None:
        client, _ = listening.accept()
        with client:
            heard.extend(client.recv(4096))
            client.sendall(bytes.fromhex("300c02010178070a010204000400"))  # protocolError to the extended request
            client.settimeout(5)
            while block := client.recv(4096):
                heard.extend(block)

    thread = threading.Thread(target=refuse)
    thread.start()
    config = config_of(server, f"ldap://localhost:{listening.getsockname()[1]}", host="127.0.0.1")
    with pytest.raises(DirectoryTrouble):
        await Directory(config).authenticate("anna", "a good password")
    thread.join(10)
    listening.close()
    assert heard and b"a good password" not in heard and b"anna" not in heard


async def test_a_server_that_is_not_there_is_no_wrong_password(server: Slapd) -> None:
    with pytest.raises(DirectoryTrouble):
        await Directory(config_of(server, f"ldaps://localhost:{free_port()}")).authenticate("anna", "a good password")


async def test_a_referral_is_not_followed(server: Slapd) -> None:
    """Where the name belongs to another server, the password is not sent there."""
    config = config_of(server, server.ldaps, bind="uid={login},dc=elsewhere,dc=org")
    assert not await Directory(config).authenticate("anna", "a good password")
