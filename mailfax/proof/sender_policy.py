"""SPF: whether the domain of MAIL FROM lets this client send for it. ``pyspf`` evaluates, we ask the DNS.

In: the client's true address, MAIL FROM and the EHLO name. Out: the result as RFC 7208 2.6 calls it.

STANDARDS: RFC 7208; its bounds on terms, names and empty answers (4.6.4) are pyspf's.
LIMITS: the explanation of a fail (``exp=``) is not fetched: it is a stranger's text for people who are not our users.
"""

from __future__ import annotations

import warnings
from typing import Any

from mailfax.proof.questions import Questions, Temporary, TooMany

with warnings.catch_warnings():
    # pyspf 2.0.14 (2020) has escapes in texts that newer Pythons warn of when they compile it.
    warnings.simplefilter("ignore")
    import spf


class _Query(spf.query):  # type: ignore[misc]
    """pyspf's evaluation with our questions in place of its own, which know no common time limit."""

    def __init__(self, questions: Questions, ip: str, sender: str, helo: str) -> None:
        super().__init__(i=ip, s=sender, h=helo)
        self._questions = questions

    def dns(self, name: str, qtype: str, cnames: object = None, ignore_void: bool = False) -> list[Any]:
        """Records in pyspf's shapes: TXT is a list of octet strings, MX (preference, name)."""
        try:
            records = self._questions.ask(str(name), qtype)
        except Temporary as trouble:
            raise spf.TempError(str(trouble)) from trouble
        except TooMany as trouble:
            raise spf.PermError(str(trouble)) from trouble
        if not records and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                raise spf.PermError(f"Void lookup limit of {spf.MAX_VOID_LOOKUPS} exceeded")
        if qtype == "TXT":
            return [[text.encode("latin-1")] for text in records]
        if qtype == "MX":
            return [(int(number), name) for number, _, name in (text.partition(" ") for text in records)]
        return [text.rstrip(".") for text in records]

    def get_explanation(self, spec: str) -> None:
        return None


def check_spf(questions: Questions, *, ip: str, sender: str, helo: str) -> str:
    """ "pass", "fail", "softfail", "neutral", "none", "permerror" or "temperror". ``sender`` "" means EHLO's domain.

    pyspf may raise anything where a record is odd enough.
    """
    result: str = _Query(questions, ip.partition("%")[0], sender, helo).check()[0]
    return result
