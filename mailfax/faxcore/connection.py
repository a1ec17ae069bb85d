"""The line to one account's host: its address, its certificates, and silence about both.

In go the settings of an account, out comes an HTTP client that can talk to no other host. Every call opens a
connection of its own: a kept one that the server closes at that moment would leave a SendFax in doubt. No redirect
is followed, no proxy of the environment used, no cookie kept (ASP.NET lets only one request of a session run at a
time).

STANDARDS: RFC 7617 (Basic, in UTF-8); TLS 1.2 or later, verified (A42).
"""

from __future__ import annotations

import ipaddress
import logging
import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import httpx

from mailfax import __version__
from mailfax.faxcore.errors import Trouble

CONNECT_SECONDS = 15.0
WRITE_SECONDS = 60.0  # for one piece of 64 KiB

HEADERS = {
    "Accept": "application/xml, text/xml;q=0.9, */*;q=0.1",  # Web API answers JSON to those who do not say (A11)
    "Accept-Encoding": "identity",  # a compressed answer can't be bounded by its length
    "Cache-Control": "no-cache",  # asking goes by GET, and so does DeleteFax (A21, A40)
    "Connection": "close",
    "User-Agent": f"mailfax/{__version__}",
}


def hush_libraries() -> None:
    """Keeps whole URLs, with numbers and subjects in them, out of every log.

    httpx logs each URL at INFO and httpcore headers at DEBUG; a level of their own holds whatever the root's is.
    """
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def open_line(
    url: httpx.URL, username: str, password: str, *, ca_file: Path | None, read_timeout: float
) -> httpx.AsyncClient:
    """The HTTP client of one account; ``read_timeout`` in seconds. Raises ValueError with a sentence."""
    if not username or ":" in username:
        raise ValueError("username must not be empty or have a colon in it: Basic authentication ends it there.")
    hush_libraries()
    return httpx.AsyncClient(
        auth=httpx.BasicAuth(username, password),
        headers=HEADERS,
        verify=tls_context(url, ca_file),
        trust_env=False,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        limits=httpx.Limits(max_keepalive_connections=0),
        timeout=httpx.Timeout(read_timeout, connect=CONNECT_SECONDS, write=WRITE_SECONDS),
    )


def checked_url(base_url: str) -> httpx.URL:
    """``base_url`` as a URL. Raises ValueError, with a sentence for the administrator."""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise ValueError("base_url is not a URL; it looks like https://api.example.com/api/") from error
    if url.scheme not in ("https", "http") or not url.host:
        raise ValueError("base_url must begin with https:// and a host, as in https://api.example.com/api/")
    if url.scheme == "http" and not is_loopback(url.host):
        raise ValueError("base_url must begin with https://: over http:// the password could be read on its way.")
    if url.userinfo or url.query or url.fragment:
        raise ValueError("base_url must have no user name, password, '?' or '#' in it.")
    return url


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine: plain http:// and the numbers for trials are allowed only there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def tls_context(url: httpx.URL, ca_file: Path | None) -> ssl.SSLContext:
    """Verifies names and certificates by the public authorities, or by ``ca_file`` alone."""
    if url.scheme == "http":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # unused, and trusts nobody
    elif ca_file is None:
        context = httpx.create_ssl_context(trust_env=False)
    else:
        try:
            context = ssl.create_default_context(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ValueError(f"ca_file {ca_file} can't be read as PEM certificates.") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def connection_trouble(error: BaseException) -> Trouble | None:
    """The account's trouble where no connection came about at all, else None."""
    if not isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
        return None
    cause: BaseException | None = error
    while cause is not None:
        # a handshake that merely hangs or is hung up on leaves an SSLWantReadError behind
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLWantReadError):
            return Trouble.CERTIFICATE
        cause = cause.__cause__ or cause.__context__
    return Trouble.NO_CONNECTION
