"""What a configuration allows that may be meant, and that its owner should know of. ``mailfax check`` tells it.

In: ``Config`` and the users of its password file. Out: sentences. What is surely wrong is refused by ``load``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from mailfax.config.doors import OLD_TLS
from mailfax.config.places import is_open
from mailfax.config.senders import doors_for
from mailfax.config.users import User, fold
from mailfax.config.values import Config, Listener, Network

#: As many copiers, or as many servers in front, as stand in one table of addresses; more is a network of everybody's.
_COPIERS, _SERVERS = 16, 256
#: Memory in KiB times passes: the least of the choices in OWASP's password storage cheat sheet is 35,840.
_LEAST_COST = 35_000
_COSTS = re.compile(r"\$m=([0-9]+),t=([0-9]+),")


def weaknesses(config: Config, users: Sequence[User]) -> Iterator[str]:
    """Sentences about listeners, users, rules and limits, in this order."""
    for door in config.listeners:
        yield from (f"listener {door.name}: {told}" for told in _door(config, door))
    yield from (f"user {user.name}: {told}" for user in users for told in _user(config, user))
    for number, rule in enumerate(config.senders, 1):
        is_reached = any(
            _is_open(door.networks) for door in doors_for(rule, config.listeners) if door.proof != "network"
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


def _door(config: Config, door: Listener) -> Iterator[str]:
    if door.proof == "auth" and door.device and not door.certificate:
        yield "copiers' passwords are sent in clear; a certificate and key let those speak TLS that can"
    if door.tls_minimum in OLD_TLS:
        yield f"TLS {door.tls_minimum} can be broken by whoever reads the wire"
    if door.device and door.proof == "network" and (many := _count(door.networks)) > _COPIERS:
        yield f"each of {many} addresses counts as a copier; name the copiers one by one"
    for key, networks in (("proxies", door.proxies), ("relays", door.relays), ("xclient", door.xclient)):
        if (many := _count(networks)) > _SERVERS:
            yield f"each of the {many} addresses in {key} is believed about who the client is; name the servers"
    if door.proof == "dmarc" and door.relays and not door.authserv_id:
        yield "behind relays SPF can't be checked, so that mail without DKIM is refused; authserv_id would help"
    if config.senders and not any(door in doors_for(rule, config.listeners) for rule in config.senders):
        yield "no [[sender]] rule can match there, so nobody may fax through it"


def _user(config: Config, user: User) -> Iterator[str]:
    costs = _COSTS.search(user.hash)
    if costs and int(costs[1]) * int(costs[2]) < _LEAST_COST:
        yield f"their hash is cheap to guess (m={costs[1]}, t={costs[2]}); set the password anew with mailfax passwd"
    if not any(fold(user.name) in map(fold, rule.login) for rule in config.senders):
        yield "no [[sender]] rule has them in login, so they may not fax"


def _count(networks: Iterable[Network]) -> int:
    return sum(net.num_addresses for net in networks)


def _is_open(networks: Iterable[Network]) -> bool:
    return any(is_open(net) for net in networks)
