"""Queue IDs: our names for messages, jobs, received faxes and letters, in logs, mails and commands.

Ten signs: a letter and three more are drawn, six tell the time in tenths of a second. No vowels, as in Postfix's
long queue IDs: no words by chance. A job is ``<message>-<n>``.
"""

from __future__ import annotations

from collections.abc import Callable

ALPHABET = "0123456789BCDFGHJKLMNPQRSTVWXYZ"
_TIME_SIGNS, _DRAWN_SIGNS = 6, 4


def draw_queue_id(now: float, choose: Callable[[str], str]) -> str:
    """A new queue ID; ``choose`` draws one sign of a string."""
    tenths = int(now * 10)
    signs = ""
    for _ in range(_TIME_SIGNS):
        tenths, sign = divmod(tenths, len(ALPHABET))
        signs = ALPHABET[sign] + signs
    # The first sign is a letter, so that a queue ID is never taken for a number by a person or a shell.
    return choose(ALPHABET[10:]) + signs + "".join(choose(ALPHABET) for _ in range(_DRAWN_SIGNS - 1))


def message_id(job: str) -> str:
    """The queue ID of the message that a job belongs to."""
    return job.rpartition("-")[0]


def job_id(message: str, position: int) -> str:
    """The queue ID of the ``position``-th job (from 1) of a message."""
    return f"{message}-{position}"
