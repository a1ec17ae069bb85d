"""What every worker is, and what it works with: the spool, who writes our mails, the limits, the clocks, chance.

In: the configuration and an open spool. Out: one value, made once and the same for all. What only some workers need
(a client, the relay, the renderer) each is given beside it.
"""

from __future__ import annotations

import math
import random
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from mailfax.clock import SteadyClock, boot, elapsed
from mailfax.config import Config, Limits
from mailfax.letters import Marks, Site
from mailfax.rules.queue_id import draw_queue_id
from mailfax.spool import Spool


@dataclass(frozen=True, slots=True)
class Context:
    """Times that are stored are on the spool's clock; those that a process only waits for are on ``elapsed``, which
    counts from ``boot``. Where a moment must not be moved by a clock that is set, both are stored.

    ``marks`` draws what makes a letter itself; ``steady`` says whether time on the spool's clock may be believed;
    ``jitter`` draws a number in [0, 1).
    """

    spool: Spool
    site: Site
    limits: Limits
    marks: Callable[[], Marks]
    steady: SteadyClock
    elapsed: Callable[[], float] = elapsed
    jitter: Callable[[], float] = random.random
    boot: str = field(default_factory=boot)

    @classmethod
    def of(cls, config: Config, spool: Spool) -> Context:
        """That of a service."""
        return cls(
            spool,
            Site(
                config.hostname, config.postmaster, config.fax_domains[0], ZoneInfo(config.timezone), config.language
            ),
            config.limits,
            drawn_marks(config.hostname, spool.now),
            SteadyClock(spool.now, settle_seconds=max(account.settle_seconds for account in config.accounts)),
        )


class Worker(ABC):
    """Moves work between packages: one piece or one pass a round.

    ``news`` are the names of commits, or of statements in them (``spool.bell``), after which there may be work for
    it; ``next_at`` is when there will be by the passing of time, on the spool's clock, as far as its last round knew.
    Beside these it is asked now and then, for other processes may bring it work.
    """

    news: tuple[str, ...] = ()
    next_at: float = math.inf

    @abstractmethod
    async def round(self) -> bool:
        """Do some work; whether there was any."""


def drawn_marks(hostname: str, now: Callable[[], float]) -> Callable[[], Marks]:
    """Draws a letter's ID, its Message-ID and its date."""

    def draw() -> Marks:
        moment = now()
        letter_id = draw_queue_id(moment, secrets.choice)
        return Marks(letter_id, f"<{letter_id}.{secrets.token_hex(8)}@{hostname}>", moment)

    return draw
