"""Who asks, and what they may see and do: by their role, their group, and by whose a fax is.

In: a ``[[page_user]]`` of the configuration in force. Out: ``Visitor``. A fax that is somebody else's does not exist
for a user: the answer is the same as for one that is not there.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailfax.config import Config, PageUser
from mailfax.config.users import fold
from mailfax.rules.job import FaxJob, InboundFax, Message
from mailfax.spool import Owner, Spool


@dataclass(frozen=True, slots=True)
class Visitor:
    """One user. ``owner`` is None for operators, who see the faxes of all: of all ``accounts`` of their group, where
    they have one."""

    user: PageUser
    accounts: tuple[str, ...] | None = None

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
    def sees_the_site(self) -> bool:
        """Whether they see what is nobody's in particular: sums, notifications, how the site is."""
        return self.is_operator and self.accounts is None

    def has_account(self, name: str) -> bool:
        """Whether faxes of an account are theirs to see, as an operator."""
        return self.is_operator and (self.accounts is None or name in self.accounts)

    @property
    def sees_content(self) -> bool:
        """Whether pages are shown, and not only facts."""
        return self.user.role != "operator-without-content"

    @property
    def senders(self) -> tuple[str, ...]:
        """As whom they may write."""
        return self.user.senders

    def may_see(self, job: FaxJob, message: Message) -> bool:
        """Whether a fax is theirs to see."""
        if self.owner is not None:
            return self.owner.has(message.sender, message.login)
        return self.has_account(job.account)

    async def may_see_received(self, spool: Spool, fax: InboundFax) -> bool:
        """Whether a received fax is theirs to see."""
        if self.owner is not None:
            return await spool.shown.may_see_received(self.owner, fax.queue_id)
        return self.has_account(fax.account)


def visitor(config: Config, login: str) -> Visitor | None:
    """The user of that login as the configuration has them; None where it has none any more."""
    user = next((each for each in config.page_users if fold(each.login) == fold(login)), None)
    if user is None:
        return None
    of_group = tuple(account.name for account in config.accounts if account.group == user.group)
    return Visitor(user, of_group if user.group else None)
