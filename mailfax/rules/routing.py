"""Where a received fax goes: the routes in the order of the configuration, and the account's ``deliver_to`` last.

In: a ``Call`` (account, caller, time), the routes. Out: ``Routed``: at least one place, or ``junk``; no fax is ever
homeless (RFC 4160 4.2.1). A route that only copies adds its places, and the next routes are read.

LIMITS: the caller is what the fax service reported, and no proof of anything (design A19): it may choose among the
places that a site wrote down, and never make one up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from mailfax.config import Account, Config, Route
from mailfax.config.hours import read_hours
from mailfax.rules.caller import is_caller
from mailfax.rules.explanation import Finding


@dataclass(frozen=True, slots=True)
class Call:
    """A received fax as routes see it. ``caller``: as it was reported; None where nobody knows it yet.

    ``at`` is when we first saw it, by our own clock: the service's date has no zone (A16).
    """

    account: str
    caller: str | None
    at: float


@dataclass(frozen=True, slots=True)
class Routed:
    """``to`` is empty only where it is ``junk``. ``why`` names what decided: "route 2", 'account "main"'."""

    to: tuple[str, ...]
    why: str
    junk: bool = False


@dataclass(frozen=True, slots=True)
class Routing:
    """The routes of a site. ``country``: whose numbers are written without a country code."""

    routes: tuple[Route, ...]
    accounts: tuple[Account, ...]
    country: str
    postmaster: str

    @classmethod
    def of(cls, config: Config) -> Routing:
        return cls(config.routes, config.accounts, config.default_country, config.postmaster)

    def to(self, call: Call, *, even_junk: bool = False) -> Routed:
        """Each place once, in the order of the configuration; copies come last. ``even_junk``: nothing is junk."""
        copies: list[str] = []
        for number, route in enumerate(self.routes, 1):
            if self.mismatch(route, call) or (route.junk and even_junk):
                continue
            if route.junk:
                return Routed((), f"route {number}", junk=True)
            copies += route.copy_to
            if route.deliver_to:
                return Routed(tuple(dict.fromkeys((*route.deliver_to, *copies))), f"route {number}")
        return Routed(tuple(dict.fromkeys((*self._own(call.account), *copies))), f'account "{call.account}"')

    def mismatch(self, route: Route, call: Call) -> str:
        """Which key of ``route`` does not match, or "": the first one."""
        if route.account and call.account not in route.account:
            return "account"
        if route.caller and not any(is_caller(pattern, call.caller, self.country) for pattern in route.caller):
            return "caller"
        if route.hours and not _is_open(route.hours, route.timezone, call.at):
            return "hours"
        return ""

    def findings(self, call: Call) -> list[Finding]:
        """What each route says to ``call``, up to the one that decides, and the account's own where none does."""
        found = []
        for number, route in enumerate(self.routes, 1):
            if key := self.mismatch(route, call):
                found.append(Finding(f"route {number}", False, f"{key} does not match"))
                continue
            if route.junk:
                return [*found, Finding(f"route {number}", True, "junk")]
            if route.deliver_to:
                return [*found, Finding(f"route {number}", True, ", ".join((*route.deliver_to, *route.copy_to)))]
            found.append(Finding(f"route {number}", None, f"copies to {', '.join(route.copy_to)}, and goes on"))
        return [*found, Finding(f'account "{call.account}"', True, ", ".join(self._own(call.account)))]

    def _own(self, name: str) -> Sequence[str]:
        own = next((account.deliver_to for account in self.accounts if account.name == name), ())
        return own or (self.postmaster,)


def _is_open(hours: Sequence[str], zone: str, at: float) -> bool:
    here = datetime.fromtimestamp(at, ZoneInfo(zone))
    minute = here.hour * 60 + here.minute
    return any(here.weekday() in span.days and span.begins <= minute < span.ends for span in map(read_hours, hours))
