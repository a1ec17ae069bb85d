"""Moments that a wrong clock wrote: what is further in the future than its longest wait allows is due now.

In: rows whose next moment or lease lies further ahead than anybody ever puts it. Out: the same, due now. A clock
that was a day ahead for a minute would otherwise keep silent for a day what was put off in that minute, also after a
restart.

LIMITS: a moment that is wrong by less than the longest wait is kept. Of a submission, taking its lease for run out
means doubt, never a second attempt; a letter may be handed over twice, with one Message-ID.
"""

from __future__ import annotations

from typing import Final

from mailfax.rules import schedule
from mailfax.spool.commits import Commit, Statement
from mailfax.spool.engine import Engine
from mailfax.spool.rows import history

_STATEMENTS: Final = ("job_moments", "document_moments", "letter_moments", "inbound_moments", "report_moments")


def _too_far(longest: float) -> float:
    """Seconds ahead that no wait comes to: the longest with its jitter, and ten minutes by which clocks are set."""
    return longest * 1.2 + 600.0


#: By parameter of the statements: further ahead than this lies nothing that a right clock wrote.
TOO_FAR: Final = {
    "submit": _too_far(max(schedule.SUBMIT_LONGEST, schedule.RETRY_AFTER_LONGEST)),
    "track": _too_far(max(schedule.TRACK_LONGEST, schedule.RETRY_AFTER_LONGEST)),
    "reconcile": _too_far(max(schedule.DOUBT_WAITS)),
    "render": _too_far(schedule.RENDER_LONGEST),
    "deliver": _too_far(max(schedule.LETTER_LONGEST, schedule.RETRY_AFTER_LONGEST)),
    "fetch": _too_far(schedule.FETCH_LONGEST),
    "daily": _too_far(schedule.FETCH_DAILY),
    "report": _too_far(schedule.REPORT_DELIVERED),
}


async def make_wrong_moments_due(engine: Engine, longest_lease: float) -> int:
    """How many rows waited for a moment that can't be right. Nobody takes a lease longer than ``longest_lease`` s."""
    values = {**TOO_FAR, "lease": _too_far(longest_lease)}
    [[row]] = await engine.read(("moments_ahead", values))
    if not row["n"]:  # nearly always: then nothing is written
        return 0
    told = history("", "clock was wrong", "", f"{row['n']} moments too far in the future")
    mended = (Statement(name, values) for name in _STATEMENTS)
    results = await engine.commit(Commit("moments-corrected", (told, *mended)))
    return sum(result.hits for result in results[1:])
