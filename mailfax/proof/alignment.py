"""Which domains belong together: a pass counts for the author only where its domain is aligned with the author's.

STANDARDS: RFC 7489 3.1 (alignment), 3.2 (organizational domain), by the public suffix list with its private part:
``alice.github.io`` and ``mallory.github.io`` have nothing to do with each other.
"""

from __future__ import annotations

import functools

from publicsuffixlist import PublicSuffixList


def aligned(domain: str, author_domain: str, *, strict: bool = False) -> bool:
    """Whether a pass of ``domain`` stands for the author's; ``strict``: for its own name alone."""
    if domain.lower() == author_domain.lower():
        return True
    return not strict and organizational(domain) == organizational(author_domain)


def organizational(domain: str) -> str:
    """``example.co.uk`` for ``mail.example.co.uk``. What is a public suffix itself belongs to nobody but itself."""
    return _suffixes().privatesuffix(domain.lower()) or domain.lower()


@functools.cache
def _suffixes() -> PublicSuffixList:
    """Read from its file once (36 ms, 4 MB), and only where it is needed."""
    return PublicSuffixList()
