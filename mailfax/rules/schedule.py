"""When something is tried, asked or given up: pure figures, all times in seconds.

``jitter`` is a number in [0, 1) drawn by the caller, so that many things do not wake at one moment.

LIMITS: at most 6 list calls a minute and account (``../docs/faxcore-quirks.md``); FaxCore redials a busy line itself,
so nothing here repeats a fax that FaxCore took.
"""

from __future__ import annotations

#: First wait, factor and longest wait between two attempts to submit.
SUBMIT_FIRST, SUBMIT_FACTOR, SUBMIT_LONGEST = 15.0, 2.0, 900.0
#: First wait and longest wait between two attempts to hand a letter to the relay (Postfix waits 300 s to 4000 s).
LETTER_FIRST, LETTER_FACTOR, LETTER_LONGEST = 10.0, 2.0, 3600.0
#: Between two attempts to hand any letter to a relay that is in trouble.
RELAY_FIRST, RELAY_FACTOR, RELAY_LONGEST = 5.0, 2.0, 300.0
#: A letter that the relay refuses, while it takes others, ends after so many refusals and no sooner than this.
REFUSALS, REFUSED_SECONDS = 3, 3600.0
#: Between two attempts to make a document whose worker died.
RENDER_FIRST, RENDER_FACTOR, RENDER_LONGEST = 5.0, 4.0, 300.0
#: What takes longer than this, in seconds, is made in the slow lane, so that it stops nobody's line of text (the
#: median mail takes 0.02).
QUICK_SECONDS = 2.0
#: A worker that died this often on one document will die again: poison.
RENDER_ATTEMPTS = 3
#: Between two attempts to fetch a received fax; given up (and then tried daily) after this many.
FETCH_FIRST, FETCH_FACTOR, FETCH_LONGEST = 30.0, 4.0, 900.0
FETCH_ATTEMPTS = 3
FETCH_DAILY = 86_400.0
#: One about which nothing was answered for so long since it was listed is reported, and tried on.
FETCH_SILENT = 4 * 3600.0
#: Longest wait between two lists of the Inbox of a service that does not answer.
POLL_LONGEST = 900.0
#: How long one fax of several waits, once it has ended, for others to be told of with it: a failure is worth knowing.
REPORT_DELIVERED, REPORT_FAILED = 600.0, 60.0
#: First question after a submission: the reference's own sample fax took 32 s; then slower and slower.
TRACK_FIRST, TRACK_FACTOR, TRACK_LONGEST = 10.0, 1.5, 300.0
#: A job in doubt is looked for after these waits, then every five minutes.
DOUBT_WAITS = (5.0, 30.0, 60.0, 120.0, 300.0)
#: Between two attempts to reach an account that is in trouble.
TROUBLE_FIRST, TROUBLE_FACTOR, TROUBLE_LONGEST = 30.0, 2.0, 600.0
#: A service that names a later moment is asked then all the same, in seconds.
RETRY_AFTER_LONGEST = 3600.0
#: After so many unclear answers in a row an account has one fax under way at a time, and is paused after each that is
#: unclear again: an outage must not put a whole queue in doubt.
UNCLEAR_IN_A_ROW = 3


def _grow(first: float, factor: float, longest: float, attempts: int, jitter: float) -> float:
    """Exponential back-off with up to a fifth of jitter on top; ``attempts`` counts those already made (>= 1)."""
    # The exponent is capped: factor ** 2000 overflows a float long after the longest wait is reached.
    return float(min(first * factor ** min(max(attempts, 1) - 1, 32), longest)) * (1 + jitter / 5)


def _asked_for(retry_after: float | None) -> float:
    """What the other side asked for, within reason."""
    return min(retry_after or 0.0, RETRY_AFTER_LONGEST)


def submit_attempt(attempts: int, now: float, jitter: float, retry_after: float | None = None) -> float:
    """When a job that was surely not sent is tried again; never before what the service asked for."""
    wait = _grow(SUBMIT_FIRST, SUBMIT_FACTOR, SUBMIT_LONGEST, attempts, jitter)
    return now + max(wait, _asked_for(retry_after))


def letter_attempt(attempts: int, now: float, jitter: float, retry_after: float | None = None) -> float:
    """When a letter that the relay did not take is tried again."""
    return now + max(_grow(LETTER_FIRST, LETTER_FACTOR, LETTER_LONGEST, attempts, jitter), _asked_for(retry_after))


def relay_attempt(attempts: int, now: float, jitter: float, retry_after: float | None = None) -> float:
    """When a relay in trouble is tried again."""
    wait = _grow(RELAY_FIRST, RELAY_FACTOR, RELAY_LONGEST, attempts, jitter)
    return now + max(wait, _asked_for(retry_after))


def render_attempt(attempts: int, now: float, jitter: float) -> float:
    """When a document whose worker died is tried again."""
    return now + _grow(RENDER_FIRST, RENDER_FACTOR, RENDER_LONGEST, attempts, jitter)


def fetch_attempt(attempts: int, now: float, jitter: float) -> float:
    """When a received fax that could not be fetched is tried again: soon at first, daily once it was reported."""
    if attempts >= FETCH_ATTEMPTS:
        return now + FETCH_DAILY * (1 + jitter / 5)
    return now + _grow(FETCH_FIRST, FETCH_FACTOR, FETCH_LONGEST, attempts, jitter)


def silent_fetch_attempt(age: float, now: float, jitter: float, retry_after: float | None = None) -> float:
    """When a received fax, listed ``age`` seconds ago, is asked for again after no answer at all: that says nothing
    against it, so no attempt is counted, and the waits grow with its age."""
    wait = min(max(FETCH_FIRST, age / 2), FETCH_LONGEST) * (1 + jitter / 5)
    return now + max(wait, _asked_for(retry_after))


def poll_interval(poll_seconds: float, failures: int, jitter: float, retry_after: float | None = None) -> float:
    """How long after one list of the Inbox the next is due; ``failures`` in a row had no answer. A tenth of jitter
    keeps many accounts of one service from being asked at one moment."""
    longest = max(poll_seconds, POLL_LONGEST)
    return max(min(poll_seconds * 2.0 ** min(failures, 32), longest) * (1 + jitter / 10), _asked_for(retry_after))


def track_interval(age: float, jitter: float) -> float:
    """How long after one question the next is due for a job submitted ``age`` seconds ago."""
    wait = TRACK_FIRST
    passed = wait
    while passed <= age and wait < TRACK_LONGEST:
        wait = min(wait * TRACK_FACTOR, TRACK_LONGEST)
        passed += wait
    return wait * (1 + jitter / 5)


def doubt_interval(age: float, jitter: float) -> float:
    """How long after one look the next is due for a job that has been in doubt for ``age`` seconds."""
    passed = 0.0
    for wait in DOUBT_WAITS:
        passed += wait
        if age < passed:
            break
    return wait * (1 + jitter / 5)


def trouble_attempt(attempts: int, now: float, jitter: float, retry_after: float | None = None) -> float:
    """When an account in trouble is tried again."""
    wait = _grow(TROUBLE_FIRST, TROUBLE_FACTOR, TROUBLE_LONGEST, attempts, jitter)
    return now + max(wait, _asked_for(retry_after))
