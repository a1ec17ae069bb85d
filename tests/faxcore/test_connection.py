"""Settings that can't be right are refused with a sentence, before any password leaves."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

import pytest

from mailfax.faxcore.client import FaxCore
from mailfax.faxcore.connection import checked_url, hush_libraries, is_loopback, tls_context

GOOD = {"base_url": "https://api.example.com/api/", "username": "5557152222", "password": "x"}


@pytest.mark.parametrize(
    "setting, value, word",
    [
        ("base_url", "", "https://"),
        ("base_url", "api.example.com/api", "https://"),
        ("base_url", "ftp://api.example.com/", "https://"),
        ("base_url", "http://api.example.com/api/", "password could be read"),
        ("base_url", "http://127.0.0.1.example.com/", "password could be read"),
        ("base_url", "https://user:secret@api.example.com/", "user name"),
        ("base_url", "https://api.example.com/api?x=1", "'\\?'"),
        ("base_url", "https://api.example.com:port/", "not a URL"),
        ("username", "", "empty"),
        ("username", "a:b", "colon"),
        ("server_timezone", "PST8", "time zone"),
        ("server_timezone", "../etc/passwd", "time zone"),
        ("ca_file", Path("/nonexistent/ca.pem"), "ca_file"),
    ],
)
def test_a_setting_that_can_not_be_right_is_named(setting, value, word):
    with pytest.raises(ValueError, match=word):
        FaxCore(**(GOOD | {setting: value}))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_plain_http_is_for_this_machine(host):
    assert is_loopback(host)
    assert checked_url(f"http://{f'[{host}]' if ':' in host else host}:8087/api/").host == host


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost.example.com", "0.0.0.0", "::2"])
def test_and_for_no_other(host):
    assert not is_loopback(host)


def test_tls_is_verified_and_recent():
    context = tls_context(checked_url(GOOD["base_url"]), None)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname


def test_libraries_that_log_urls_are_silent_even_with_the_root_at_debug():
    logging.getLogger("httpx").setLevel(logging.NOTSET)
    hush_libraries()
    for name in ("httpx", "httpcore", "httpcore.http11", "httpcore.connection"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)
