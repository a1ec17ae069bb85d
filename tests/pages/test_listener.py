"""The listener of the pages: TLS, proxies in front, reloading, and a stop while somebody looks on."""

from __future__ import annotations

import os
import re
import signal
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import trustme

from tests.support.pages import PASSWORD, PagesSite, Visitor
from tests.support.site import until

Open = Callable[[str], PagesSite]


@pytest.fixture
def open_site(tmp_path: Path) -> Iterator[Open]:
    """Opens a site whose [pages] has more keys."""
    opened: list[PagesSite] = []

    def open_one(more: str) -> PagesSite:
        opened.append(PagesSite(tmp_path, more))
        opened[-1].open()
        return opened[-1]

    yield open_one
    for site in opened:
        site.close()


def write(authority: trustme.CA, folder: Path) -> None:
    issued = authority.issue_cert("127.0.0.1", "localhost")
    issued.private_key_pem.write_to_path(folder / "pages.key")
    issued.cert_chain_pems[0].write_to_path(folder / "pages.crt")


def serial(site: PagesSite) -> str:
    """Of the certificate that is shown."""
    return ssl.get_server_certificate(("127.0.0.1", site.pages_port))


def test_with_a_certificate_tls_is_spoken_and_it_is_renewed_at_a_reload(open_site: Open, tmp_path: Path) -> None:
    authority = trustme.CA()
    write(authority, tmp_path)
    site = open_site('certificate = "pages.crt"\nkey = "pages.key"')
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    url = site.url.replace("http:", "https:")
    with httpx.Client(base_url=url, verify=trusted) as browser:
        visitor = Visitor(url, verify=trusted)
        answer = visitor.sign_in("anna")
        assert answer.status_code == 303
        assert "__Host-mailfax=" in answer.headers["set-cookie"] and "Secure" in answer.headers["set-cookie"]
        visitor.close()
        assert browser.get("/").status_code == 303
    with pytest.raises(httpx.TransportError):
        httpx.get(site.url)
    before = serial(site)
    write(authority, tmp_path)
    os.kill(site.processes[-1].pid, signal.SIGHUP)
    until(lambda: serial(site) != before, "the new certificate", site.log)
    (tmp_path / "pages.crt").write_text("no certificate")
    os.kill(site.processes[-1].pid, signal.SIGHUP)
    until(lambda: "was not reloaded" in site.log(), "the refusal", site.log)
    assert serial(site) != before, "the one before stays in use"


def attempt(site: PagesSite, **headers: str) -> httpx.Response:
    """A sign-in with a wrong password, as a proxy passes it on; to the proxy cookies travel over TLS."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    with httpx.Client(base_url=site.url, headers=headers) as proxy:
        form = proxy.get("/sign-in")
        cookie = form.headers["set-cookie"]
        assert "Secure" in cookie
        [token] = re.findall(r'name="csrf" value="(\w+)"', form.text)
        sent = {"Origin": "https://fax.example.com", "Cookie": cookie.partition(";")[0]}
        fields = {"csrf": token, "login": "anna", "password": "wrong password"}
        return proxy.post("/sign-in", data=fields, headers=sent)


def test_a_proxy_is_believed_about_the_client(open_site: Open) -> None:
    site = open_site('url = "https://fax.example.com"\nproxies = ["127.0.0.1"]')
    refused = attempt(site, X_Forwarded_For="203.0.113.9, 198.51.100.7")
    assert refused.status_code == 403 and "is wrong" in refused.text
    assert "a sign-in from 198.51.100.7 was refused" in site.log(), "the last one is the proxy's own word"


def test_nobody_else_is_believed_about_the_client(open_site: Open) -> None:
    site = open_site('url = "https://fax.example.com"')
    assert "is wrong" in attempt(site, X_Forwarded_For="203.0.113.9").text
    assert "a sign-in from 127.0.0.1 was refused" in site.log()


def test_without_tls_of_our_own_only_proxies_may_connect_from_elsewhere(open_site: Open) -> None:
    site = open_site('proxies = ["192.0.2.7"]')
    site.settings["more"] = site.settings["more"].replace("127.0.0.1:", "0.0.0.0:", 1)
    site.stop(site.processes[-1])
    site.start()
    until(lambda: "pages on 0.0.0.0" in site.log(), "the pages", site.log)
    answer = httpx.get(f"{site.url}/sign-in", headers={"X-Forwarded-For": "192.0.2.7"})
    assert answer.status_code == 403 and "proxies" in answer.text


def test_roles_are_those_of_the_configuration_in_force(open_site: Open) -> None:
    site = open_site("")
    anna = site.visitor("anna")
    assert "My faxes" in anna.get("/").text
    site.settings["more"] = site.settings["more"].replace(
        'login = "anna"\nrole = "user"', 'login = "anna"\nrole = "operator"'
    )
    site.configure()
    os.kill(site.processes[-1].pid, signal.SIGHUP)
    until(lambda: "Overview" in anna.get("/").text, "the new role", site.log)
    site.settings["more"] = site.settings["more"].replace('login = "anna"', 'login = "berta"')
    site.configure()
    os.kill(site.processes[-1].pid, signal.SIGHUP)
    until(lambda: anna.get("/").status_code == 303, "the end of the session", site.log)
    assert site.visitor().sign_in("anna", PASSWORD).status_code == 403


def test_a_stop_does_not_wait_for_who_looks_on(open_site: Open) -> None:
    site = open_site("")
    anna = site.visitor("anna")
    ended = threading.Event()

    def look() -> None:
        try:
            with anna.stream("GET", "/live") as events:
                for _ in events.iter_lines():
                    pass
        except httpx.TransportError:
            pass
        ended.set()

    looking = threading.Thread(target=look)
    looking.start()
    time.sleep(0.5)
    before = time.monotonic()
    assert site.stop(site.processes[-1]) == 0
    assert time.monotonic() - before < 8 and ended.wait(5)
    looking.join()
    assert "Traceback" not in site.log(), site.log()
