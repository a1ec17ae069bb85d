"""Signing in with the password that a directory knows."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.support.pages import PASSWORD, PagesSite
from tests.support.site import until
from tests.support.slapd import BASE, Slapd, slapd

pytestmark = pytest.mark.needs("slapd")
MORE = """
[ldap]
url = "{url}"
bind = "uid={{login}},ou=people,{base}"
ca_file = "{ca_file}"

[[page_user]]
login = "carla"
from = ["carla@example.com"]

[[sender]]
from = ["carla@example.com"]
login = ["carla"]
account = "main"
"""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PagesSite, Slapd]]:
    people = [("carla", "people", "of the directory"), ("mallory", "people", "of the directory")]
    with slapd(tmp_path_factory.mktemp("slapd"), people) as server:
        site = PagesSite(tmp_path_factory.mktemp("site"))
        site.settings["more"] += MORE.format(url=server.ldap, base=BASE, ca_file=server.ca_file)
        try:
            site.open()
            yield site, server
        finally:
            site.close()


def test_a_password_of_the_directory_opens_the_pages(office: tuple[PagesSite, Slapd]) -> None:
    site, _ = office
    for login in ("carla", "Carla"):
        carla = site.visitor()
        assert carla.sign_in(login, "of the directory").status_code == 303
        assert "carla" in carla.get("/").text, "as the configuration has the name"
    sent = carla.submit(
        "/send", "/send", numbers="+15555550100", text="Hello", sender="carla@example.com", then="send"
    )
    assert sent.status_code == 303, sent.text
    assert site.rows("SELECT login FROM message") == [("carla",)]


def test_who_is_only_in_the_directory_may_not_sign_in(office: tuple[PagesSite, Slapd]) -> None:
    site, _ = office
    known, unknown = site.visitor(), site.visitor()
    refused = known.sign_in("mallory", "of the directory")
    wrong = unknown.sign_in("mallory", "something else")
    assert refused.status_code == wrong.status_code == 403
    assert "may not sign in" in refused.text


@pytest.mark.parametrize(("login", "password"), [("carla", ""), ("carla", "wrong"), ("*", "x"), ("anna", "x")])
def test_what_is_wrong_is_refused(office: tuple[PagesSite, Slapd], login: str, password: str) -> None:
    site, _ = office
    assert site.visitor().sign_in(login, password).status_code == 403


def test_the_password_file_goes_on_counting(office: tuple[PagesSite, Slapd]) -> None:
    site, _ = office
    assert site.visitor().sign_in("anna", PASSWORD).status_code == 303


def test_a_directory_that_is_away_is_no_wrong_password(office: tuple[PagesSite, Slapd]) -> None:
    """Last: it goes away."""
    site, server = office
    pid = int((server.folder / "slapd.pid").read_text())

    os.kill(pid, signal.SIGTERM)
    until(lambda: not (server.folder / "slapd.pid").exists(), "slapd to stop")
    answer = site.visitor().sign_in("carla", "of the directory")
    assert answer.status_code == 503 and "Nobody can be signed in just now" in answer.text
    assert site.visitor().sign_in("anna", PASSWORD).status_code == 303
