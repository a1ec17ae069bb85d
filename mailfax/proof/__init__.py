"""What proves the author of a mail from the Internet: SPF, DKIM and DMARC, checked here or told by a known relay.

``docs/decisions/0006-proof-of-the-author.md`` says what is proven, and what not.
"""

from mailfax.proof.prover import Prover

__all__ = ["Prover"]
