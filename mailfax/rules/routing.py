"""Which mailboxes a received fax goes to. Pure; part 5 adds callers and times of day to the same question.

In: the account's ``deliver_to`` and the site's postmaster. Out: at least one address: no fax is ever homeless
(RFC 4160 4.2.1).
"""

from __future__ import annotations

from collections.abc import Sequence


def mailboxes(deliver_to: Sequence[str], postmaster: str) -> tuple[str, ...]:
    """The addresses that get a fax received on an account, each once, in the order of the configuration."""
    return tuple(dict.fromkeys(deliver_to)) or (postmaster,)
