"""What the service gives to the pages: the spool and those who do the work.

In: what was built of the configuration in force. Out: one frozen value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from mailfax.config import Config
from mailfax.directory import Directory
from mailfax.offramp.accept import Accept
from mailfax.offramp.fax_accounts import FaxAccounts
from mailfax.offramp.sending import Compose
from mailfax.oidc import Provider
from mailfax.passwords import Passwords
from mailfax.render import Renderer
from mailfax.rules.policy import Policy
from mailfax.spool import Spool


@dataclass(frozen=True, slots=True)
class Bridge:
    """``disk`` and ``relay`` say what is wrong with them, or nothing."""

    config: Config
    spool: Spool
    policy: Policy
    accept: Accept
    accounts: FaxAccounts
    renderer: Renderer
    compose: Compose
    passwords: Passwords
    directory: Directory | None
    provider: Provider | None
    disk: Callable[[], str]
    relay: Callable[[], str]

    @property
    def zone(self) -> ZoneInfo:
        """In which times are told."""
        return ZoneInfo(self.config.timezone)
