"""Signing in at a provider of OpenID Connect: by a code, once, for the browser that asked, as a user of ours."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey
from playwright.sync_api import sync_playwright

from mailfax import oidc
from mailfax.config import OidcConfig
from tests.support.pages import PagesSite, Visitor
from tests.support.provider import CLIENT, SECRET, Provider, provider

Bent = Callable[[dict[str, Any]], dict[str, Any]]
MORE = '\n[oidc]\nissuer = "{issuer}"\nclient_id = "{client}"\n'


@pytest.fixture(scope="module")
def idp() -> Iterator[Provider]:
    with provider() as running:
        yield running


@pytest.fixture(scope="module")
def office(idp: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagesSite]:
    site = PagesSite(tmp_path_factory.mktemp("oidc"))
    site.settings["more"] = site.settings["more"].replace("[pages]\n", f'[pages]\nurl = "{site.url}"\n')
    site.settings["more"] += MORE.format(issuer=idp.issuer, client=CLIENT)
    site.environment["MAILFAX_OIDC_SECRET"] = SECRET
    try:
        site.open()
        yield site
    finally:
        site.close()


@pytest.fixture(autouse=True)
def ordinary(idp: Provider) -> None:
    idp.again()


def to_provider(visitor: Visitor, wanted: str = "") -> str:
    """The address at the provider to which a browser is sent."""
    answer = visitor.get("/sign-in/oidc" + (f"?next={wanted}" if wanted else ""))
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def back_from(address: str) -> str:
    """The address to which the provider sends a browser back."""
    return httpx.get(address).headers["location"]


def signs_in(visitor: Visitor, wanted: str = "") -> httpx.Response:
    return visitor.get(back_from(to_provider(visitor, wanted)))


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/").status_code == 200


def is_refused(answer: httpx.Response, visitor: Visitor) -> bool:
    return (
        (answer.status_code, answer.headers.get("location")) == (303, "/sign-in?trouble=refused")
        and not is_in(visitor)
        and "could not be signed in" in visitor.get("/sign-in?trouble=refused").text
    )


def test_a_browser_signs_in_and_goes_on_where_it_wanted(office: PagesSite, idp: Provider) -> None:
    """A real one: the cookie of the session is Strict, and comes along all the same."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"{office.url}/received")
        page.get_by_role("link", name="Sign in at").click()
        page.wait_for_url(f"{office.url}/received")
        assert page.get_by_text("anna", exact=True).is_visible()
        page.reload()
        assert page.url == f"{office.url}/received"
        cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
        assert cookies["mailfax"]["sameSite"] == "Strict" and cookies["mailfax"]["httpOnly"]
        assert "mailfax-oidc" not in cookies
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url(f"{office.url}/sign-in")
        browser.close()


def test_what_is_asked_for(office: PagesSite, idp: Provider) -> None:
    visitor = office.visitor()
    first, second = (parse_qs(urlsplit(to_provider(visitor)).query) for _ in range(2))
    assert first["redirect_uri"] == [f"{office.url}/sign-in/oidc/back"] and first["response_type"] == ["code"]
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name] and len(first[name][0]) >= 43


@pytest.mark.parametrize(
    ("who", "login"),
    [
        ({"email": "anna@example.com", "email_verified": True}, "anna"),
        ({"email": "ALICE@example.com", "email_verified": True}, "olga"),
        ({"email": "olga", "email_verified": True}, "olga"),
        ({"email": "anna@example.com", "email_verified": False}, ""),
        ({"email": "anna@example.com", "email_verified": "true"}, ""),
        ({"email": "anna@example.com"}, ""),
        ({"email": "mallory@example.com", "email_verified": True}, ""),
        ({"email": ["anna@example.com"], "email_verified": True}, ""),
        ({"preferred_username": "olga"}, ""),
        ({}, ""),
    ],
)
def test_whom_a_claim_names(office: PagesSite, idp: Provider, who: dict[str, Any], login: str) -> None:
    idp.who = who
    visitor = office.visitor()
    answer = signs_in(visitor)
    if login:
        assert answer.status_code == 200 and f"<span>{login}</span>" in visitor.get("/").text
    else:
        assert is_refused(answer, visitor)


@pytest.mark.parametrize(
    "bent",
    [
        lambda claims: claims | {"nonce": "of another sign-in"},
        lambda claims: {name: value for name, value in claims.items() if name != "nonce"},
        lambda claims: claims | {"aud": "another client"},
        lambda claims: claims | {"aud": [CLIENT, "another"]},
        lambda claims: claims | {"azp": "another"},
        lambda claims: claims | {"iss": "https://evil.example"},
        lambda claims: claims | {"exp": claims["iat"] - 61},
        lambda claims: claims | {"iat": claims["iat"] + 3600},
        lambda claims: {name: value for name, value in claims.items() if name != "exp"},
        lambda claims: {name: value for name, value in claims.items() if name != "sub"},
    ],
)
def test_a_token_that_was_not_made_for_this_sign_in_is_worth_nothing(
    office: PagesSite, idp: Provider, bent: Bent
) -> None:
    """Replay among them: a token of another sign-in has another nonce."""
    idp.bend = bent
    visitor = office.visitor()
    assert is_refused(signs_in(visitor), visitor)


@pytest.mark.parametrize(
    "bent",
    [
        lambda claims: claims | {"exp": claims["iat"] - 30},
        lambda claims: claims | {"iat": claims["iat"] + 45, "exp": claims["exp"] + 45},
        lambda claims: claims | {"aud": [CLIENT]},
        lambda claims: claims | {"aud": [CLIENT, "another"], "azp": CLIENT},
    ],
)
def test_clocks_may_differ_by_less_than_a_minute(office: PagesSite, idp: Provider, bent: Bent) -> None:
    idp.bend = bent
    visitor = office.visitor()
    assert signs_in(visitor).status_code == 200 and is_in(visitor)


def test_a_signature_of_somebody_else_is_none(
    office: PagesSite, idp: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    idp.signs_with = RSAKey.generate_key(2048, {"kid": "1"})
    visitor = office.visitor()
    assert is_refused(signs_in(visitor), visitor)
    idp.again()
    # "alg": none, and a signature by the public key as if it were a password.
    good = idp.id_token

    def unsigned(nonce: str) -> str:
        claims = good(nonce).split(".")[1]
        header = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
        return f"{header}.{claims}."

    def confused(nonce: str) -> str:
        header = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": "1"}).encode()).decode().rstrip("=")
        signed = f"{header}.{good(nonce).split('.')[1]}"
        mac = hmac.digest(idp.key.as_pem(private=False), signed.encode(), "sha256")
        return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

    for forged in (unsigned, confused, lambda nonce: "", lambda nonce: "x.y.z"):
        monkeypatch.setattr(idp, "id_token", forged)
        visitor = office.visitor()
        assert is_refused(signs_in(visitor), visitor), office.log()[-3000:]


def test_an_answer_counts_once_and_for_the_browser_that_asked(office: PagesSite, idp: Provider) -> None:
    """Replay, and a sign-in that somebody else began (session fixation by a link)."""
    anna, other = office.visitor(), office.visitor()
    answer = back_from(to_provider(anna))
    assert is_refused(other.get(answer), other), "it has asked nothing"
    to_provider(other)
    assert is_refused(other.get(answer), other), "it has asked something else"
    kept = anna.cookies["mailfax-oidc"]
    assert anna.get(answer).status_code == 200 and is_in(anna)
    assert "mailfax-oidc" not in anna.cookies
    thief = office.visitor()
    thief.cookies.set("mailfax-oidc", kept)
    assert is_refused(thief.get(answer), thief), "its code was used"


def test_a_session_that_was_planted_is_not_taken_over(office: PagesSite, idp: Provider) -> None:
    visitor = office.visitor()
    visitor.cookies.set("mailfax", "planted", domain="127.0.0.1")
    answer = signs_in(visitor)
    [given] = [each for each in answer.headers.get_list("set-cookie") if each.startswith("mailfax=")]
    assert "planted" not in given
    planted = office.visitor()
    planted.cookies.set("mailfax", "planted")
    assert not is_in(planted)


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x"])
def test_it_leads_nowhere_else(office: PagesSite, idp: Provider, elsewhere: str) -> None:
    """An open redirect, before the provider and after it."""
    visitor = office.visitor()
    answer = signs_in(visitor, elsewhere)
    assert answer.status_code == 200 and 'content="0; url=/"' in answer.text and "evil" not in answer.text
    visitor = office.visitor()
    address = to_provider(visitor)
    kept = json.loads(base64.urlsafe_b64decode(visitor.cookies["mailfax-oidc"])) | {"next": elsewhere}
    visitor.cookies.clear()
    visitor.cookies.set("mailfax-oidc", base64.urlsafe_b64encode(json.dumps(kept).encode()).decode())
    assert 'content="0; url=/"' in visitor.get(back_from(address)).text


@pytest.mark.parametrize(
    "answer",
    ["", "?code=x", "?state=x&code=y", "?error=access_denied&state={state}", "?state={state}",
     "?state={state}&code=x&iss=https://evil.example", "?state={state}&code=invented"],
)  # fmt: skip
def test_an_answer_that_is_none(office: PagesSite, idp: Provider, answer: str) -> None:
    visitor = office.visitor()
    state = parse_qs(urlsplit(to_provider(visitor)).query)["state"][0]
    assert is_refused(visitor.get("/sign-in/oidc/back" + answer.format(state=state)), visitor)
    nobody = office.visitor()
    nobody.cookies.set("mailfax-oidc", "bm9uc2Vuc2U=")
    assert is_refused(nobody.get("/sign-in/oidc/back" + answer.format(state=state)), nobody)


@pytest.mark.anyio
async def test_a_key_that_the_provider_has_changed_is_asked_for(
    idp: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most once in half a minute: a forged token makes no storm of questions."""
    client = oidc.Provider(OidcConfig(idp.issuer, CLIENT, SECRET), "http://127.0.0.1/back")
    before = idp.key

    async def finish() -> dict[str, Any]:
        attempt = oidc.Attempt.new()
        answer = back_from(await client.begin(attempt))
        asked = {name: values[0] for name, values in parse_qs(urlsplit(answer).query).items()}
        return await client.finish(attempt, asked, time.time())

    try:
        assert (await finish())["sub"] == "4711"
        idp.key = RSAKey.generate_key(2048, {"kid": "2", "use": "sig", "alg": "RS256"})
        idp.header = {"kid": "2"}
        with pytest.raises(oidc.NotSignedIn):
            await finish()
        monkeypatch.setattr(oidc, "SOONEST", 0.0)
        assert (await finish())["sub"] == "4711"
    finally:
        idp.key = before
