"""What is watched: read from the spool and from the workers of this process, at one moment.

In: ``Watched``, which the service builds. Out: ``Snapshot``, plain figures, and the troubles in words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailfax.smtpd.certificate import server_certificate
from mailfax.spool import AccountState, Counts, Spool

#: A fax or a notification that has been due for so many seconds, and has not been begun, waits for something.
OVERDUE_SECONDS = 900.0
#: A certificate that ends sooner than this, in seconds, should have been renewed by now.
CERTIFICATE_SECONDS = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Watched:
    """``disk`` and ``relay`` say what is wrong with them, or nothing. ``certificates``: listener -> its file."""

    spool: Spool
    accounts: Sequence[str]
    certificates: Mapping[str, Path]
    disk: Callable[[], str]
    relay: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``certificates``: listener -> seconds since 1970 until which its certificate is valid. ``overdue``: what waits,
    and for how many seconds the first of it has been due."""

    now: float
    counts: Counts
    accounts: Sequence[AccountState]
    certificates: Mapping[str, float]
    overdue: Mapping[str, float]
    room: int
    disk: str
    relay: str

    def troubles(self) -> list[str]:
        """What needs a person, a sentence each; empty where all is well."""
        told = [self.disk] if self.disk else []
        told += [f"Mail relay: {self.relay}"] if self.relay else []
        told += [
            f'Fax account "{account.name}" is paused: {account.paused_reason}'
            for account in self.accounts
            if account.paused
        ]
        told += [
            f"The first of the {what} that wait has been due for {seconds:.0f} seconds."
            for what, seconds in self.overdue.items()
            if seconds > OVERDUE_SECONDS
        ]
        told += [
            f'The certificate of listener "{listener}" '
            + ("has ended." if until <= self.now else f"ends in {(until - self.now) / 86_400:.0f} days.")
            for listener, until in self.certificates.items()
            if until - self.now < CERTIFICATE_SECONDS
        ]
        told += [
            f"{number} damaged rows in table {table} were moved aside."
            for table, number in self.counts.damaged.items()
            if number
        ]
        return told


async def look(watched: Watched) -> Snapshot:
    """Raises what the spool raises where it can't be read."""
    spool = watched.spool
    try:
        room, disk = spool.content.room(), watched.disk()
    except OSError as gone:
        room, disk = 0, watched.disk() or f"The folder of the spool can't be read: {gone.strerror}."
    known = {each.name: each for each in await spool.accounts.listing()}
    return Snapshot(
        now=spool.now(),
        counts=await spool.counts(),
        accounts=[known.get(name, AccountState(name)) for name in watched.accounts],
        certificates={listener: valid_until(path) for listener, path in watched.certificates.items()},
        overdue=await spool.backlog(watched.accounts),
        room=room,
        disk=disk,
        relay=watched.relay(),
    )


def valid_until(path: Path) -> float:
    """Seconds since 1970 until which the first certificate of a PEM file is valid; 0.0 where there is none."""
    try:
        moment: float = server_certificate(path).not_valid_after.timestamp()
    except (OSError, ValueError):
        return 0.0
    return moment
