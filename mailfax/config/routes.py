"""Each ``[[route]]`` becomes a ``Route``, and is refused where it would lose a fax, or never be reached.

In: ``Part`` values, the accounts. Out: ``Route``. Raises ``ConfigError``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mailfax.config.tables import Part, nearest
from mailfax.config.values import Account, Route


def read_routes(parts: Sequence[Part], accounts: Sequence[Account], site: Mapping[str, Any]) -> tuple[Route, ...]:
    """All routes in their order; ``site``: the keys above all tables."""
    routes: list[Route] = []
    for part in parts:
        if routes and _takes_all(routes[-1]):
            part.refuse("account", "never reached: the route before it takes every fax; write this one above it")
        routes.append(_route(part, accounts, site))
    return tuple(routes)


def _takes_all(route: Route) -> bool:
    return not (route.account or route.caller or route.hours) and bool(route.deliver_to)


def _route(part: Part, accounts: Sequence[Account], site: Mapping[str, Any]) -> Route:
    names = [account.name for account in accounts]
    for name in part["account"]:
        if name not in names:
            part.refuse("account", f'no [[account]] is called "{name}"; {nearest(name, names)}')
    if part["junk"]:
        for key in ("deliver_to", "copy_to"):
            if part[key]:
                part.refuse(key, "stands beside junk = true, of which nobody hears; leave one of the two out")
        if not part["caller"]:
            part.refuse(
                "junk", 'true for every caller, so faxes would reach nobody; write caller = ["+1555…"] beside it'
            )
    elif not (part["deliver_to"] or part["copy_to"]):
        part.refuse("deliver_to", "missing or empty, so nobody would get the fax; write an address, or junk = true")
    return Route(**{**part.values, "timezone": part["timezone"] or site["timezone"]})
