"""The three ways in which handing something over can fail.

Packages that speak a protocol *report* one of these; ``offramp.trouble`` and ``postmaster`` *decide*. The kinds
differ in what the caller may do next, so they are told apart by how much was handed over, never by the name of
the exception underneath::

    Failure
    ├── NotSent    surely not accepted: the same thing may be handed over again
    ├── Refused    surely not accepted, and it never will be: final
    │   └── Impossible   and we know it without having asked
    └── InDoubt    bytes left us and no clear answer was heard: look before you repeat
"""

from __future__ import annotations


class Failure(Exception):
    """Something was not, or perhaps not, handed over.

    ``sentence`` is for people and carries no internals, URL, number or subject; ``diagnostic`` is the short
    machine text that goes to history and to the Diagnostic-Code of a DSN; ``retry_after`` is in seconds where
    the other side named a time; ``everybody`` is true where nothing was said about this one thing: whatever is handed
    over there would meet the same.
    """

    def __init__(
        self, sentence: str, *, diagnostic: str = "", retry_after: float | None = None, everybody: bool = False
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.diagnostic = diagnostic or sentence
        self.retry_after = retry_after
        self.everybody = everybody


class NotSent(Failure):
    """Surely not accepted; the same thing may safely be handed over again later."""


class Refused(Failure):
    """Surely not accepted, and trying again will not help."""


class Impossible(Refused):
    """It can't be handed over there at all, and we know it without the other side's word."""


class InDoubt(Failure):
    """May or may not have been accepted; never repeat before having looked."""
