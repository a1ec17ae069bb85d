"""``[pages]`` and each ``[[page_user]]``: where people look and programs ask, and who may; refused where passwords or
faxes would cross a network in clear, or strangers would be believed.

In: ``Part`` values. Out: ``PagesConfig``, ``PageUser``. Raises ``ConfigError``.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

from mailfax.config.listeners import require_pair
from mailfax.config.places import is_loopback, is_open
from mailfax.config.signing_in import LdapConfig, OidcConfig, PageUser
from mailfax.config.tables import Part, nearest
from mailfax.config.users import fold
from mailfax.config.values import (
    Account,
    Listener,
    PagesConfig,
)

#: The name of the pages where a listener is named: of what was sent by them. The spool's statements know it, too.
PAGES = "[pages]"
EVERYWHERE = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))


def read_pages(part: Part, users: Sequence[Part]) -> PagesConfig | None:
    """None where no address is written: closed."""
    if part["address"] is None:
        for key, value in part.values.items():
            if value:
                part.refuse(key, 'stands there without an address; write for example address = "127.0.0.1:8026"')
        return None
    host, port = part["address"]
    if not users:
        part.refuse("address", 'nobody may sign in; write a [[page_user]], for example login = "anna"')
    if part["certificate"] or part["key"]:
        require_pair(part)
    for net in filter(is_open, part["proxies"]):
        part.refuse("proxies", f'"{net}" holds strangers, who could claim any address; write those of your proxies')
    if not (is_loopback(host) or part["certificate"] or part["proxies"]):
        part.refuse(
            "certificate",
            f"missing, so passwords and faxes would cross the network in clear from {host}; write certificate and "
            "key, or listen on 127.0.0.1, or name in proxies those who speak TLS in front",
        )
    values = {key: value for key, value in part.values.items() if key != "address"}
    files = {"certificate": part.path("certificate"), "key": part.path("key")}
    return PagesConfig(**{"host": host, "port": port, **values, **files})


def read_page_users(parts: Sequence[Part], accounts: Sequence[Account]) -> tuple[PageUser, ...]:
    """Each login once; a group is one that some account has."""
    groups = {account.group for account in accounts} - {""}
    seen: set[str] = set()
    for part in parts:
        if fold(part["login"]) in seen:
            part.refuse("login", f'"{part["login"]}" stands there a second time; take one of the two out')
        seen.add(fold(part["login"]))
        if part["group"] and part["role"] == "user":
            part.refuse("group", "counts for operators; a user sees own faxes; leave it out, or change role")
        if part["group"] and part["group"] not in groups:
            known = nearest(part["group"], sorted(groups)) if groups else "write it to an account, too"
            part.refuse("group", f'no [[account]] has group = "{part["group"]}"; {known}')
    return tuple(PageUser(part["login"], part["role"], part["from"], part["group"]) for part in parts)


def read_ldap(part: Part, pages: PagesConfig | None) -> LdapConfig | None:
    """None where no server is written."""
    if part["url"] is None:
        for key, value in part.values.items():
            if value:
                part.refuse(key, 'stands there without a url; write for example url = "ldaps://ldap.example.com"')
        return None
    if pages is None:
        part.refuse("url", "stands there without [pages], where people sign in; write address there, or leave it out")
    if not part["bind"]:
        part.refuse("bind", 'missing; write for example "uid={login},ou=people,dc=example,dc=com"')
    host, port, implicit = part["url"]
    return LdapConfig(host, port, implicit, part["bind"], part.authorities())


def read_oidc(part: Part, pages: PagesConfig | None, secrets: Mapping[str, str] | None) -> OidcConfig | None:
    """None where no provider is written. A secret is optional: PKCE proves the client to its own answer."""
    if part["issuer"] is None:
        for key, value in part.values.items():
            if value and key != "claim":
                part.refuse(
                    key, 'stands there without an issuer; write for example issuer = "https://login.example.com"'
                )
        return None
    if pages is None or not pages.url:
        part.refuse("issuer", "stands there without url in [pages], to which browsers come back; write it there")
    if not part["client_id"]:
        part.refuse("client_id", "missing; write what the provider calls mailfax")
    secret = (secrets or {}).get("MAILFAX_OIDC_SECRET", "")
    return OidcConfig(part["issuer"], part["client_id"], secret, part["claim"], part.authorities())


def with_pages(listeners: Sequence[Listener], pages: PagesConfig | None, parts: Sequence[Part]) -> list[Listener]:
    """The listeners (of ``parts``), and the pages as what they are to sender rules: one where people log in."""
    for part in parts:
        if part["name"] == PAGES:
            part.refuse("name", f'"{PAGES}" is what is sent by the pages; write another')
    if pages is None:
        return list(listeners)
    return [*listeners, Listener(PAGES, pages.host, pages.port, networks=EVERYWHERE, proof="auth")]
