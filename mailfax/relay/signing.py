"""Our mail gets a DKIM signature: whoever reads it can see that it is from this site, and whole.

In: a whole mail with CRLF, as it is about to go out. Out: the same mail with a DKIM-Signature before it. It is signed
at each attempt and not in the spool, so that a new key counts at once.

STANDARDS: RFC 6376 (relaxed/relaxed; From, Date and Subject are signed once more than they stand there, so that none
can be added), RFC 8301 (rsa-sha256, 2048 bits and more).
LIMITS: what has no From field (mail passed on as it came) can't be signed, and goes out as it is. RSA alone.
"""

from __future__ import annotations

import dkim

from mailfax.config import DkimConfig


class Signer:
    """Signs with one key."""

    def __init__(self, config: DkimConfig) -> None:
        self._domain, self._selector, self._key = config.domain.encode(), config.selector.encode(), config.key

    def signed(self, content: bytes) -> bytes:
        """Takes as long as one RSA operation, some ten milliseconds; touches nothing."""
        try:
            signature: bytes = dkim.DKIM(content).sign(
                self._selector, self._domain, self._key, canonicalize=(b"relaxed", b"relaxed")
            )
        except (dkim.DKIMException, dkim.MessageFormatError):
            return content
        return signature + content
