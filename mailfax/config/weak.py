"""What a configuration allows that may be meant, and that its owner should know of. ``mailfax check`` tells it.

In: ``Config`` and the users of its password file. Out: sentences. What is surely wrong is refused by ``load``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from mailfax.config.listeners import OLD_TLS
from mailfax.config.places import is_open
from mailfax.config.senders import listeners_for
from mailfax.config.signing_in import PageUser
from mailfax.config.users import User, fold
from mailfax.config.values import Config, Listener, Network

#: As many copiers, or as many servers in front, as stand in one table of addresses; more is a network of everybody's.
_COPIERS, _SERVERS = 16, 256
#: Memory in KiB times passes: the least of the choices in OWASP's password storage cheat sheet is 35,840.
_LEAST_COST = 35_000
_COSTS = re.compile(r"\$m=([0-9]+),t=([0-9]+),")


def weaknesses(config: Config, users: Sequence[User]) -> Iterator[str]:
    """Sentences about listeners, users, rules and limits, in this order."""
    for listener in config.listeners:
        yield from (f"listener {listener.name}: {told}" for told in _listener(config, listener))
    yield from (f"user {user.name}: {told}" for user in users for told in _user(config, user))
    yield from (
        f"[[page_user]] {user.login}: {told}"
        for user in config.page_users
        for told in _page_user(config, user, users)
    )
    for number, rule in enumerate(config.senders, 1):
        is_reached = any(
            _is_open(listener.networks)
            for listener in listeners_for(rule, config.listeners)
            if listener.proof != "network"
        )
        if is_reached and not (rule.faxes_per_day or rule.pages_per_day):
            yield (
                f"[sender {number}]: reached from the Internet without faxes_per_day or pages_per_day: "
                "one stolen password or domain may use up the site's own limit"
            )
    if "premium" not in config.destinations.deny and {"*", "premium"} & set(config.destinations.allow):
        yield "[destinations]: premium numbers may be dialled, at your cost"
    if config.render.cell == "low":
        yield "[render]: strangers' files may be opened where they can reach your own"
    if not config.limits.faxes_per_day:
        yield "[limits]: faxes_per_day = 0, so nothing stops a flood of faxes at your cost"


def _listener(config: Config, listener: Listener) -> Iterator[str]:
    if listener.proof == "auth" and listener.device and not listener.certificate:
        yield "copiers' passwords are sent in clear; a certificate and key let those speak TLS that can"
    if listener.tls_minimum in OLD_TLS:
        yield f"TLS {listener.tls_minimum} can be broken by whoever reads the wire"
    if listener.device and listener.proof == "network" and (many := _count(listener.networks)) > _COPIERS:
        yield f"each of {many} addresses counts as a copier; name the copiers one by one"
    for key, networks in (("proxies", listener.proxies), ("relays", listener.relays), ("xclient", listener.xclient)):
        if (many := _count(networks)) > _SERVERS:
            yield f"each of the {many} addresses in {key} is believed about who the client is; name the servers"
    if listener.proof == "dmarc" and listener.relays and not listener.authserv_id:
        yield "behind relays SPF can't be checked, so that mail without DKIM is refused; authserv_id would help"
    if config.senders and not any(listener in listeners_for(rule, config.listeners) for rule in config.senders):
        yield "no [[sender]] rule can match there, so nobody may fax through it"


def _user(config: Config, user: User) -> Iterator[str]:
    costs = _COSTS.search(user.hash)
    if costs and int(costs[1]) * int(costs[2]) < _LEAST_COST:
        yield f"their hash is cheap to guess (m={costs[1]}, t={costs[2]}); set the password anew with mailfax passwd"
    if not any(fold(user.name) in map(fold, rule.login) for rule in config.senders):
        yield "no [[sender]] rule has them in login, so they may not fax"


def _page_user(config: Config, user: PageUser, users: Sequence[User]) -> Iterator[str]:
    if config.pages is None:
        yield "there are no pages without [pages] address, so they can't sign in"
    elif fold(user.login) not in {fold(known.name) for known in users}:
        yield f"they have no password (mailfax passwd {user.login}), so they can't sign in; only their tokens count"


def _count(networks: Iterable[Network]) -> int:
    return sum(net.num_addresses for net in networks)


def _is_open(networks: Iterable[Network]) -> bool:
    return any(is_open(net) for net in networks)
