"""Each listener has its own floor of TLS: old copiers reach theirs, and lower no other."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from mailfax.config import Listener
from mailfax.smtpd.tls import tls_context
from tests.smtpd.conftest import PLAIN, Line, OpenServer

pytestmark = pytest.mark.anyio

VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}


def old_client(authority: trustme.CA, version: str) -> ssl.SSLContext:
    """A client that speaks this version and no other, as a copier of its time."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = VERSIONS[version]
    return context


def listener(path: Path, minimum: str, *, device: bool = False, tls: str = "implicit") -> Listener:
    return replace(PLAIN, name="handler", tls=tls, certificate=path, key=path, tls_minimum=minimum, device=device)


@pytest.mark.parametrize("tls", ["implicit", "none"])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("minimum", VERSIONS)
async def test_a_version_is_spoken_from_the_minimum_on(
    open_server: OpenServer, tls_files: tuple[trustme.CA, Path], minimum: str, version: str, tls: str
) -> None:
    authority, path = tls_files
    opened = await open_server(listener(path, minimum, device=True, tls=tls))
    connecting = asyncio.open_connection(*opened.listeners.addresses["handler"], ssl=old_client(authority, version))
    if version < minimum:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await connecting
        return
    line = Line(*await connecting)
    opened.lines.append(line)
    assert (await line.hear()).startswith("220 ")
    assert line.writer.get_extra_info("ssl_object").version() == f"TLSv{version}".removesuffix(".0")


async def test_starttls_has_the_same_floor(open_server: OpenServer, tls_files: tuple[trustme.CA, Path]) -> None:
    authority, path = tls_files
    opened = await open_server(listener(path, "1.0", device=True, tls="starttls"))
    line = await opened.connect("handler")
    await line.hear()
    await line.ask("EHLO c", "STARTTLS")
    await line.writer.start_tls(old_client(authority, "1.0"), server_hostname="gate.example.com")
    assert (await line.ask("EHLO c")).startswith("250-gate.example.com")


async def test_what_is_lowered_for_copiers_is_lowered_for_them_alone(
    open_server: OpenServer, tls_files: tuple[trustme.CA, Path]
) -> None:
    authority, path = tls_files
    main = replace(listener(path, "1.2"), name="main")
    opened = await open_server(listener(path, "1.0", device=True), main)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection(*opened.listeners.addresses["main"], ssl=old_client(authority, "1.1"))


@pytest.mark.parametrize("minimum", VERSIONS)
def test_nothing_without_authentication_or_encryption_is_on_and_old_ciphers_only_for_old_versions(
    tls_files: tuple[trustme.CA, Path], minimum: str
) -> None:
    context = tls_context(listener(tls_files[1], minimum, device=True))
    assert context is not None
    ciphers = context.get_ciphers()
    assert ciphers and all(cipher["strength_bits"] >= 112 for cipher in ciphers)
    assert not any(cipher["auth"] == "auth-null" for cipher in ciphers)
    assert (context.security_level == 0) is (minimum < "1.2")


def test_a_device_listener_needs_no_certificate() -> None:
    assert tls_context(replace(PLAIN, device=True)) is None
