"""Who asks, and what they may see and do: by their role, and by whose a fax is.

In: a ``[[page_user]]`` of the configuration in force. Out: ``Visitor``. A fax that is somebody else's does not exist
for a user: the answer is the same as for one that is not there.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailfax.config import Config, PageUser
from mailfax.config.users import fold
from mailfax.rules.job import Message
from mailfax.spool import Owner, Spool


@dataclass(frozen=True, slots=True)
class Visitor:
    """One user. ``owner`` is None for operators, who see the faxes of all."""

    user: PageUser

    @property
    def login(self) -> str:
        return self.user.login

    @property
    def owner(self) -> Owner | None:
        return Owner(self.user.login, self.user.senders) if self.user.role == "user" else None

    @property
    def is_operator(self) -> bool:
        return self.owner is None

    @property
    def sees_content(self) -> bool:
        """Whether pages are shown, and not only facts."""
        return self.user.role != "operator-without-content"

    @property
    def senders(self) -> tuple[str, ...]:
        """As whom they may write."""
        return self.user.senders

    def may_see(self, message: Message) -> bool:
        """Whether the faxes of a message are theirs to see."""
        return self.owner is None or self.owner.has(message.sender, message.login)

    async def may_see_received(self, spool: Spool, queue_id: str) -> bool:
        """Whether a received fax is theirs to see."""
        return self.owner is None or await spool.shown.may_see_received(self.owner, queue_id)


def visitor(config: Config, login: str) -> Visitor | None:
    """The user of that login as the configuration has them; None where it has none any more."""
    return next((Visitor(user) for user in config.page_users if fold(user.login) == fold(login)), None)
