"""SPF, DKIM and alignment together: what proves the author of one mail, found out here.

In: the author, the fields, the body, and who handed the mail to us. Out: ``Proven`` or ``Unproven``. One aligned pass
is enough, with or without a DMARC record. SPF is asked first: it costs no look at the body. A way that could not be
tried now makes the answer temporary, unless another way proves.

STANDARDS: RFC 7489 3.1 and 6.6.2 (order and meaning), RFC 6376 6.1 (many signatures).
LIMITS: the five topmost signatures that are aligned at all.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator

from mailfax.proof.alignment import aligned
from mailfax.proof.author import Author, Field, Unproven
from mailfax.proof.body import BodyUnreadable
from mailfax.proof.dmarc import Wish, ask_wish
from mailfax.proof.key import Bad
from mailfax.proof.questions import Questions, Temporary, TooMany
from mailfax.proof.sender_policy import check_spf
from mailfax.proof.signature import Body, check_signature, read_signatures
from mailfax.rules.envelope import Client, Proven

log = logging.getLogger(__name__)

MOST_SIGNATURES = 5
#: A domain that passed, and how.
_Pass = tuple[str, str]


class Examination:
    """One mail under examination. ``now``: seconds since 1970, for signatures that expire."""

    def __init__(self, author: Author, questions: Questions, *, now: float) -> None:
        self._author = author
        self._questions = questions
        self._now = now
        self._found: list[str] = []
        self._temporary = False

    def judge(self, client: Client, sender: str, fields: list[Field], body: Body) -> Proven | Unproven:
        """What proves the author, or everything that was tried. Raises ``BodyUnreadable``."""
        for method, domain in itertools.chain(self._by_spf(client, sender), self._by_dkim(fields, body)):
            if self._is_close_enough(method, domain):
                return Proven(self._author.address, f"{method}=pass of {domain}")
        return Unproven("; ".join(dict.fromkeys(self._found)), self._temporary)

    def _by_spf(self, client: Client, sender: str) -> Iterator[_Pass]:
        """At most one pass, that of MAIL FROM, or of EHLO where there is none (RFC 7208 2.3 and 2.4)."""
        domain = (sender.rpartition("@")[2] if sender else client.helo).lower()
        # Not for a relay: its own address may well be in the author's SPF record, whoever gave the mail to it.
        if client.relayed:
            self._found.append("SPF can't be checked behind a relay")
        elif not aligned(domain, self._author.domain):
            self._found.append(f"{domain or 'the sender'} is not of {self._author.domain}, so SPF proves nothing")
        else:
            result = self._attempt_spf(client, sender, domain)
            if result == "pass":
                yield "spf", domain
            else:
                self._temporary |= result == "temperror"
                self._found.append(f"SPF of {domain}: {result}")

    def _attempt_spf(self, client: Client, sender: str, domain: str) -> str:
        try:
            return check_spf(self._questions, ip=client.ip, sender=sender, helo=client.helo)
        except Exception:
            # pyspf raises bare exceptions on records that are odd enough; such a record is no pass (RFC 7208 2.6.7).
            log.info("SPF of %s can't be evaluated", domain, exc_info=True)
            return "permerror"

    def _by_dkim(self, fields: list[Field], body: Body) -> Iterator[_Pass]:
        signatures = [each for each in read_signatures(fields) if aligned(each.domain, self._author.domain)]
        if not signatures:
            self._found.append(f"no DKIM signature of {self._author.domain}")
        for signature in signatures[:MOST_SIGNATURES]:
            try:
                check_signature(signature, fields, body, self._questions, now=self._now)
            except BodyUnreadable:
                raise
            except Temporary as trouble:
                self._temporary = True
                self._found.append(f"DKIM: {trouble}")
            except (Bad, TooMany) as why:
                self._found.append(f"DKIM of {signature.domain}: {why}")
            except Exception:
                # dkimpy, too, raises what it likes on input made to hurt it.
                log.info("DKIM of %s can't be evaluated", signature.domain, exc_info=True)
                self._found.append(f"DKIM of {signature.domain}: it can't be evaluated")
            else:
                yield "dkim", signature.domain

    def _is_close_enough(self, method: str, domain: str) -> bool:
        """Whether a pass of an aligned domain is as closely aligned as the author's domain asks for."""
        if domain == self._author.domain:
            return True
        try:
            wish = ask_wish(self._author.domain, self._questions)
        except Temporary as trouble:
            self._temporary = True
            self._found.append(f"DMARC: {trouble}")
            return False
        except TooMany as why:
            self._found.append(f"DMARC: {why}")
            return False
        if _strict(wish, method):
            self._found.append(f"{self._author.domain} asks for {method.upper()} of its own name, not of {domain}")
            return False
        return True


def _strict(wish: Wish, method: str) -> bool:
    return wish.strict_spf if method == "spf" else wish.strict_dkim
