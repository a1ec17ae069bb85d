"""What can go wrong on the FaxCore wire, told apart by what the caller may do next.

::

    Failure                     (rules.failure)
    ├── NotSent                 surely not accepted: may be handed over again
    │   └── AccountTrouble      ... and the reason lies with the account, not with this fax: pause the account
    ├── Refused                 surely not accepted, and it never will be
    ├── InDoubt                 the whole document may have left us, no clear answer was heard: look first
    │   └── PerhapsTooLarge     ... and its size may be why: if it is not there, it won't be taken another time
    └── NotRead                 a call that only asks brought no answer; nothing has changed over there
        ├── Unavailable         no answer now: ask again later
        ├── Unreadable          an answer came, and it was not understood: conclude nothing from it
        └── NotKnown            the service says that it does not know this fax id

``send_fax`` raises the first four, the asking calls (and ``delete_fax``, which may be repeated) AccountTrouble
and the last three. NotKnown is never proof of failure: faxes move and vanish behind our back (A39, A43).
"""

from __future__ import annotations

import enum

from mailfax.rules.failure import Failure, InDoubt, NotSent, Refused

__all__ = [
    "AccountTrouble",
    "Failure",
    "InDoubt",
    "NotKnown",
    "NotRead",
    "NotSent",
    "PerhapsTooLarge",
    "Refused",
    "Trouble",
    "Unavailable",
    "Unreadable",
]


class Trouble(enum.Enum):
    """What is the matter with an account; the value is the sentence for the operator."""

    LOGIN = "The fax service does not accept the user name and password of this account."
    NO_CONNECTION = "No connection to the fax service: the host was not found, or nothing answered there."
    CERTIFICATE = "The fax service showed a certificate that is not trusted, or spoke no TLS at all."
    UNCLEAR = (
        "The fax service gave no clear answer to several faxes in a row, which may or may not have been accepted. We "
        "are checking, and try one fax at a time; all others wait."
    )
    WRONG_ADDRESS = "The base_url of this account does not lead to a FaxCore API: please check it."


class AccountTrouble(NotSent):
    """Nothing was accepted, and nothing will be until the account's trouble is over."""

    def __init__(self, trouble: Trouble, *, diagnostic: str = "", retry_after: float | None = None) -> None:
        super().__init__(trouble.value, diagnostic=diagnostic, retry_after=retry_after)
        self.trouble = trouble


class PerhapsTooLarge(InDoubt):
    """The service may have failed at the size of the document (A31)."""


class NotRead(Failure):
    """A call that changes nothing brought no usable answer."""


class Unavailable(NotRead):
    """The service did not answer, or said that it can't now; ``retry_after`` where it named a time."""


class Unreadable(NotRead):
    """The answer was not understood; it is never to be read as "nothing there"."""


class NotKnown(NotRead):
    """The service says that it has no fax of this id."""
