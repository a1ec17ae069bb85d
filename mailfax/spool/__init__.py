"""The spool: everything that survives a crash, in one SQLite file and a folder of large contents beside it, or in a
PostgreSQL database that any number of processes share.

Every change is one named commit (``COMMITS``), durable when its coroutine returns. All times are float seconds since
1970 UTC on the spool's clock; a ``lease`` is a length in seconds. ``was`` is a value as it was read, ``now_is`` the
same after ``was.after(event, …)``; where somebody else changed the row in between, ``Outdated`` is raised, nothing is
stored, and the caller drops its work or reads again. A returned value carries its new version: go on with that one.

Whole program
    ``await open_spool(config) -> Spool``          ``Spool.open(url, base, …)`` takes it apart
    ``await spool.close()``                        finishes what is pending, gives account leases back
    ``spool.epoch -> int``                         this process
    ``spool.now() -> float``                       the spool's clock
    ``bell = spool.bell(news)``; ``await bell.wait(timeout)``   until something of these names was committed
    ``spool.hears_others -> bool``                 also by other processes: on PostgreSQL
    ``await spool.weaknesses() -> list[str]``      what makes it less durable than it should be
    ``await spool.counts() -> Counts``             ``.jobs``, ``.letters``, ``.inbound``, ``.documents``: state word
                                                   -> number; ``.damaged``: table -> number
    ``await spool.mend_moments(longest_lease) -> int``   ["moments-corrected"] what a wrong clock put too far
                                                   ahead is due now
    ``await spool.sweep() -> int``                 ["swept"] removes large contents without a row, older than an hour,
                                                   and keys and counts that are too old to matter

``spool.content``
    ``begin() -> Content``                         ``prefix(ours, header)``, ``write(block)``, ``open()``, ``size``,
                                                   ``sent_sha256``, ``abandon()``; may raise OSError
    ``await size(content_id) -> int``
    ``await read(content_id) -> bytes``            ``ContentDamaged`` where bytes are gone or changed
    ``async for block in chunks(content_id)``      the same as a stream
    ``async with file(content_id) as path``        a real file; a temporary copy where the bytes live in the row

``spool.intake``
    ``await accept(message, jobs, content, letters=(), *, unheard=(), same=(), ceiling=0) -> Message``
                                                   ["accept"] content_id and size are filled in; the payer's quota
                                                   (of the message) and the site's ceiling are used up. Raises
                                                   ReferenceTaken, QueueIdTaken (draw again), SentBefore (read what
                                                   is known): call again with the same content; QuotaUsedUp,
                                                   CeilingReached, rules.failure.NotSent: nothing is stored
    ``await message(queue_id) -> Message | None``
    ``await header(message) -> bytes``             its header block as it came; empty where the content is damaged

``spool.unheard``                                  faxes whose 250 may not have been heard, by the key of their mail
    ``await find(keys: Iterable[Keys]) -> list[Found]``   ``.keys``, ``.job``, ``.failed``, ``.heard``, ``.gone``
    ``await same(found) -> None``                  ["same-as"] a mail came again, nothing of it is faxed; SentBefore
    ``gone(rows) -> None``                         ["not-heard"] their client is gone: stored with the next commit
    ``forget(rows) -> None``                       ["heard"] their 250 was heard; durable with one of the next commits

``spool.usage``                                    faxes and pages of the last 24 hours
    ``await of(payer) -> tuple[int, int]``         faxes, pages
    ``await ceiling_reached(letters) -> bool``     ["ceiling-reached"] once a day; False: told already

``spool.documents``                                one per message that has jobs
    ``await next_at(*, slow) -> float``            when the next one of a lane is due
    ``await claim(lease, *, slow=False, busy=()) -> tuple[Message, Document] | None``   ["rendering"] attempts are
                                                   counted here; payers in ``busy`` come last
    ``await ready(was, now_is, pages: bytes | Path, *, message=None) -> Document``   ["document-ready"] now_is has
                                                   filename, pages, notes, contents, skipped; ACCEPTED jobs become
                                                   READY; the payer of ``message`` pays. Raises PagesUsedUp
    ``await later(was, next_attempt_at, detail, *, counts=True, slow=False) -> Document``   ["document-later"]
    ``await impossible(was, jobs: Sequence[tuple[FaxJob, FaxJob]], detail) -> None``
                                                   ["document-impossible"] jobs: (was, now_is) of every ACCEPTED and
                                                   HELD job of the message; they owe a report
    ``await make_now(message_queue_id) -> bool``   ["document-now"] by a person's order
    ``await get(message_queue_id) -> Document | None``

``spool.jobs``
    ``await make_due() -> int``                    ["due"] DEFERRED jobs whose time has come become READY
    ``await heads(accounts) -> Heads``             when the first DEFERRED job is due, and the first READY one of each
    ``await claim(accounts, lease, *, one_by_one=(), leapt=0.0) -> Claimed | None``   ["claim"] ``.job`` (SUBMITTING),
                                                   ``.message``, ``.document``; accounts in ``one_by_one`` have one
                                                   fax in flight per number; ``leapt``: what expired only by that
    ``await advance(was, now_is, event, *, detail="", letters=()) -> FaxJob``
                                                   [the event's name, as "id-given"] a new ``now_is.fax_id`` enters
                                                   the ledger; raises FaxIdTaken; an end without letters owes a report
    ``await note(was, now_is, *, detail="", letters=()) -> FaxJob``   ["noted"] same state, other fields
                                                   (absences, delay_told, expires_at, …)
    ``await delayed(jobs, *, detail, letters=()) -> None``   ["noted", "silent"] all of one message at once
    ``await resend(was, again, spends=()) -> None``   ["resent"] a new job beside one that has ended
    ``await postpone(was, until) -> None``         ["postponed"] ask again later; no line of history;
                                                   ``postpone_all``: many at once, and none is Outdated
    ``await get(queue_id) -> FaxJob | None``       ``await of(message_queue_id) -> list[FaxJob]``
    ``await listing(*, states=None, account="", limit=100, offset=0) -> list[FaxJob]``   newest first
    ``await submitted(account, limit)``, ``in_doubt(account, limit) -> list[FaxJob]``   what is due first comes first,
                                                   due or not; ``tracked(account)``: all of both
    ``await pending(account, until) -> list[Pending]``   SUBMITTED, asked about until then: ids only
    ``await silent(account, oldest)``, ``recent(account, since, limit)``, ``tried(account) -> list[FaxJob]``
                                                   at FaxCore since before then; the newest there; perhaps there
    ``await expired_submissions() -> list[FaxJob]``   SUBMITTING, lease run out: advance with LEASE_EXPIRED
    ``await overdue(limit=500) -> list[FaxJob]``   past expires_at; none of a paused account
    ``await cancel_wanted() -> list[FaxJob]``      cancel_requested, and surely not sent
    ``await untold(accepted_before, limit=500) -> list[FaxJob]``   non-final, no delay letter yet
    ``await by_reference(account, reference) -> list[FaxJob]``   one or none

``spool.reports``                                  ends of faxes of which nobody was told yet
    ``await next_at() -> float``                   when the next one is due
    ``await due(limit) -> dict[str, set[str]]``    messages, and their jobs that are to be told of
    ``await told(jobs, letters) -> None``          ["reported"]
    ``await for_programs(limit) -> list[str]``     jobs that have ended, and of which a program is to hear
    ``await program_told(job, letters) -> None``   ["program-told"]

``spool.accounts``
    ``await state(name) -> AccountState``          ``paused``, ``paused_at``, ``paused_reason``, ``baseline_at``,
                                                   ``first_met``, ``reference_returned``, ``epoch``, ``lease_until``,
                                                   ``unclear`` (answers in a row), ``braked``, ``can_be_asked``
    ``await listing() -> list[AccountState]``
    ``await lease(name, seconds, *, collecting=False) -> bool``   ["account-lease"] takes or renews the right to
                                                   follow its faxes, or to collect; False: another process has it
    ``await pause(name, reason, letters=()) -> bool``   ["account-paused"] False: it was paused already, nothing owed
    ``await resume(name, letters=(), *, give_time_back=True) -> bool``   ["account-resumed"] expires_at of waiting
                                                   jobs grows by the pause
    ``await reference_returned(name) -> None``     ["reference-returned"]
    ``await quiet(name, since, alarm) -> bool``    ["account-quiet"] False: it was told before; ``heard_again(name,
                                                   all_clear)``: ["account-heard"]

``spool.ledger``                                   every fax id that we know, each once per account
    ``await baseline(account, ids) -> bool``       ["baseline"] sets baseline_at; False: it was made already
    ``await foreign(account, ids) -> None``        ["foreign-noted"]
    ``await unknown(account, ids) -> list[str]``   those of ``ids`` that the ledger doesn't have, in order
    ``await find(account, fax_id) -> LedgerEntry | None``   ``.kind`` baseline, foreign, job, inbound; ``.owner``

``spool.inbound``
    ``await listed(account, faxes) -> int``        ["inbound-listed"] known ones are left out; how many were new
    ``await due(account, limit=50) -> list[InboundFax]``
    ``await advance(was, now_is, event, *, detail="", content: bytes | Path | None = None, letters=())
                                                   -> InboundFax``
                                                   ["inbound-fetched", "inbound-not-now", "inbound-given-up",
                                                   "inbound-gone"]
    ``await get(account, fax_id)``                 ``await listing(*, states=None, limit=100, offset=0)``
    ``await last_at(account)``, ``await habit(account, since)``   when its newest fax was seen; how many
                                                   were, and the longest time between two

``spool.outbox``
    ``await owe(letters) -> None``                 ["owed"]
    ``await next_at() -> float``                   when the next one is due, or a lease runs out
    ``await recover() -> int``                     ["letter-lease-expired"] HANDING_OVER, lease run out -> WAITING
    ``await make_due() -> int``                    ["letters-due"] all that wait are due now
    ``await claim(lease) -> Letter | None``        ["letter-claimed"] with its content; where that is damaged,
                                                   ``content`` is empty and ``problem`` says so: never hand it over
    ``await renew(letter, lease) -> Letter``       ["letter-lease"] version stays
    ``await advance(was, now_is, event, *, detail="", letters=()) -> Letter``
                                                   ["letter-taken", "letter-not-taken", "letter-maybe-taken",
                                                   "letter-refused", "letter-too-old", "letter-resend",
                                                   "letter-cancel"]
    ``await get(letter_id) -> Letter | None``      with its content
    ``await listing(*, states=None, about="", limit=100, offset=0) -> list[Letter]``   without content

``spool.queue``                                    for operators: with sender, subject and the last word
    ``await listing(wanted, *, limit=100, offset=0) -> list[Queued]``   newest first; ``Wanted`` has the filters
    ``await find(text, limit=100)``                faxes, received faxes, letters: by number, ID, address, subject
    ``await received(queue_id) -> InboundFax | None``
    ``async for row in export(direction, since, until, sender)``   each fax, "sent" or "received", oldest first

``spool.shown``                                    for pages and programs
    ``await faxes(owner, wanted, text="", *, limit, offset) -> list[Queued]``   of one user; ``Owner``
    ``await received(owner, *, limit, offset)``    ``await may_see_received(owner, queue_id) -> bool``
    ``await hours(since) -> list[Hour]``           how many faxes stand where, by the hour
    ``await by_key(header_message_id) -> str``     what was sent by the pages under that name, or ""
    ``await viewed(queue_id, what, by) -> None``   ["viewed"] a line of history

``spool.bearers``                                  who is signed in, and tokens: hashes of them
    ``await add(secret, kind, login, *, name, stamp, seconds) -> bool``   ["bearer-added"]
    ``await find(secret) -> Bearer | None``        ``await used(bearer) -> None``   ["bearer-used"]
    ``await remove(kind, *, secret, name) -> bool``   ["bearer-removed"]   ``await tokens() -> list[Bearer]``

``spool.damage``
    ``await untold() -> list[Damaged]``            rows that were moved aside, and that nobody has heard of
    ``await told(rows, letters) -> None``          ["damage-told"]

``spool.processes``                                who serves
    ``await serving() -> list[Serving]``
    ``await reloaded(problem) -> None``            ["reloaded"]

``spool.recovery``                                 the spool is an older copy of itself
    ``await begin() -> None``                      ["recovery-noticed"] a person says so
    ``await is_due() -> bool``                     its faxes have to be put in doubt
    ``await doubted() -> int``                     how many that are
    ``await put_in_doubt(elapsed, boot, letters) -> int``   ["recovered"] they are looked for before anything is sent
    ``await waits_since() -> float``               since when notifications, but for alarms, wait for a person
    ``await release() -> bool``                    ["outbox-released"]

``spool.retention``                                what has ended is deleted in its time
    ``await apply(config.retention, *, by_person=False) -> Deleted``   ["contents-deleted", "records-deleted"]
                                                   nothing while the clock may be wrong, unless by a person's order
    ``await purge(table, queue_ids) -> int``       the content of these now: "message", "inbound" or "letter"
    ``await keep(what) -> bool``                   ["kept"] a queue ID, an address or @domain: never deleted
    ``await release(what) -> bool``                ["kept-released"]   ``await kept() -> list[Kept]``

``spool.history``
    ``await of(queue_id) -> list[HistoryLine]``    a message's lines with those of its jobs; ``seq``, ``at``,
                                                   ``queue_id``, ``event``, ``state``, ``detail``

``spool.seals``                                    over the history
    ``await add() -> Seal | None``                 ["sealed"] the oldest lines without a seal, where there are any
    ``await verify(kept="") -> Verdict``           what was altered, removed or inserted since

Errors: ``Outdated``; ``ReferenceTaken``, ``QueueIdTaken``, ``FaxIdTaken``, ``SentBefore``, ``QuotaUsedUp``,
``CeilingReached``, ``PagesUsedUp``; ``NotCommitted`` (surely nothing stored:
disk full, locked, read-only, not reachable; ``.full``); ``CommitUnclear`` (the disk or the connection failed while
committing: nothing may be promised); ``ContentDamaged``; ``SpoolRefused`` (it can't be opened, with a sentence).
None of them is a ``rules.failure.Failure``: a worker that could not write down an answer must not take that for "not
sent".
"""

from __future__ import annotations

from mailfax.spool.accounts import AccountState
from mailfax.spool.bearers import SESSION, TOKEN, Bearer
from mailfax.spool.commits import (
    COMMITS,
    CeilingReached,
    FaxIdTaken,
    KeyTaken,
    Outdated,
    PagesUsedUp,
    QueueIdTaken,
    QuotaUsedUp,
    ReferenceTaken,
    SentBefore,
    Statement,
    Taken,
)
from mailfax.spool.damage import Damaged
from mailfax.spool.engine import Bell, CommitUnclear, NotCommitted, SpoolRefused
from mailfax.spool.growing import Content
from mailfax.spool.history import HistoryLine
from mailfax.spool.intake import not_stored
from mailfax.spool.jobs import Claimed, Pending
from mailfax.spool.large import ContentDamaged
from mailfax.spool.ledger import LedgerEntry
from mailfax.spool.processes import Serving
from mailfax.spool.queue import Queued, Wanted
from mailfax.spool.seals import BATCH
from mailfax.spool.shown import Hour, Owner, Spent
from mailfax.spool.spool import Counts, Spool, open_spool
from mailfax.spool.unheard import Found, Keys, Unheard

__all__ = [
    "BATCH",
    "COMMITS",
    "SESSION",
    "TOKEN",
    "AccountState",
    "Bearer",
    "Bell",
    "CeilingReached",
    "Claimed",
    "CommitUnclear",
    "Content",
    "ContentDamaged",
    "Counts",
    "Damaged",
    "FaxIdTaken",
    "Found",
    "HistoryLine",
    "Hour",
    "KeyTaken",
    "Keys",
    "LedgerEntry",
    "NotCommitted",
    "Outdated",
    "Owner",
    "PagesUsedUp",
    "Pending",
    "QueueIdTaken",
    "Queued",
    "QuotaUsedUp",
    "ReferenceTaken",
    "SentBefore",
    "Serving",
    "Spent",
    "Spool",
    "SpoolRefused",
    "Statement",
    "Taken",
    "Unheard",
    "Wanted",
    "not_stored",
    "open_spool",
]
