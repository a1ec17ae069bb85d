-- Every statement of the spool. A block begins with "-- name:" and is called by that name and no other.
-- Portable SQL: what runs on SQLite runs on PostgreSQL too, but for lines that end with the name of one of them. :now is
-- the spool's clock, :epoch this process; the engine binds both, one moment for all statements of a commit. A tuple
-- bound to :name in IN (:name) becomes a list.
--
-- On PostgreSQL several processes write at once, each statement sees what was committed before it began, and a row that
-- somebody else is changing is waited for and then judged by its newest form, but only by the conditions on that very
-- row. So a change repeats its guard outside of subqueries, and what counts or looks at other rows says "-- alone:" (sql.py).
--
-- PostgreSQL wants to know the type of each parameter: it would conclude it from where it stands, and take :now - 60 for
-- a whole number. What is not named here is text.
-- float8: accepted_at accepted_before after at before daily decided_at deliver elapsed ended_at ends_at expires_at fetch last_byte_at
-- float8: last_byte_elapsed leapt lease lease_until line_seconds listed_at next_attempt_at not_after not_before now oldest
-- float8: received_at reconcile reconcile_at refused_at render since submit submit_at submitted_at submitting_at track
-- float8: report sealed_at track_at tried_at until up_to wait
-- int8: absences any attempts behind cancel_requested clear delay_told elsewhere epoch epoch_was everywhere faxes faxes_per_day gone hour jobs last_seq limit
-- int8: most_unclear offset one_by_one only_expired pages pages_delivered pages_per_day part per_number pid prefix_size seal serves
-- int8: preview refusals size slow success_notice version was_epoch was_version
-- bytea: bytes leaves

-- name: process_start
-- Epochs only grow: no two processes that ever opened this spool have the same one.
-- alone: process
INSERT INTO process (epoch, started_at, host, pid, serves)
SELECT COALESCE(MAX(epoch), 0) + 1, :now, :host, :pid, :serves FROM process WHERE 1 = 1
RETURNING epoch

-- name: process_forget
-- Commands open the spool too; those that ended well are forgotten after a day, the newest epoch stays.
DELETE FROM process
WHERE ended_at > 0 AND ended_at < :now - 86400 AND epoch < (SELECT MAX(epoch) FROM process)

-- name: process_end
UPDATE process SET ended_at = :now WHERE epoch = :epoch

-- name: process_reloaded
UPDATE process SET reloaded_at = :now, reload_problem = :problem WHERE epoch = :epoch

-- name: process_serving
SELECT epoch, host, pid, reloaded_at, reload_problem FROM process WHERE ended_at = 0 AND serves = 1
ORDER BY epoch DESC

-- name: process_release_accounts
UPDATE account SET
    lease_until = CASE WHEN epoch = :epoch THEN 0 ELSE lease_until END,
    collecting_until = CASE WHEN collecting_epoch = :epoch THEN 0 ELSE collecting_until END
WHERE epoch = :epoch OR collecting_epoch = :epoch


-- name: history_add
INSERT INTO history (at, queue_id, event, state, detail) VALUES (:now, :queue_id, :event_word, :state, :detail)

-- name: history_of
-- A message's lines together with those of its jobs. With OR PostgreSQL reads the whole history.
SELECT seq, at, queue_id, event, state, detail FROM history
WHERE queue_id IN (SELECT :queue_id UNION ALL SELECT queue_id FROM job WHERE message = :queue_id)
ORDER BY seq


-- name: history_newest
-- These six: the history under seal (seals.py).
SELECT COALESCE(MAX(seq), 0) AS seq FROM history

-- name: history_writers
-- Transactions that may hold a seq below the newest, and have not ended. SQLite has one writer: none.
SELECT '' AS holder WHERE 1 = 0 -- sqlite
SELECT virtualtransaction AS holder FROM pg_locks -- postgresql
WHERE locktype = 'relation' AND relation = 'history'::regclass AND mode = 'RowExclusiveLock' -- postgresql
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) -- postgresql

-- name: history_span
SELECT seq, at, queue_id, event, state, detail FROM history
WHERE seq > :behind AND seq <= :last_seq ORDER BY seq LIMIT :limit

-- name: seal_newest
SELECT number, made_at, last_seq, leaves, hash FROM seal WHERE number = (SELECT MAX(s.number) FROM seal s)

-- name: seal_after
SELECT number, made_at, last_seq, leaves, hash FROM seal WHERE number > :seal ORDER BY number LIMIT :limit

-- name: seal_add
-- alone: seal
INSERT INTO seal (number, made_at, last_seq, leaves, hash)
SELECT :seal, :sealed_at, :last_seq, :leaves, :hash
WHERE :seal = (SELECT COALESCE(MAX(s.number), 0) + 1 FROM seal s)


-- name: content_add
INSERT INTO content (content_id, size, prefix_size, sha256, made_at, bytes)
VALUES (:content_id, :size, :prefix_size, :sha256, :now, :bytes)

-- name: content_get
SELECT content_id, size, prefix_size, sha256, bytes FROM content WHERE content_id = :content_id

-- name: content_size
SELECT size FROM content WHERE content_id = :content_id

-- name: content_known
SELECT content_id FROM content WHERE content_id IN (:content_ids)

-- name: chunk_add
-- These four: large contents on PostgreSQL (large.py). What a lost connection left unclear is written again.
INSERT INTO chunk (content_id, part, made_at, bytes) VALUES (:content_id, :part, :now, :bytes)
ON CONFLICT (content_id, part) DO NOTHING

-- name: chunk_get
SELECT bytes FROM chunk WHERE content_id = :content_id AND part = :part

-- name: chunk_remove
DELETE FROM chunk
WHERE content_id = :content_id AND NOT EXISTS (SELECT 1 FROM content c WHERE c.content_id = chunk.content_id)

-- name: chunk_sweep
DELETE FROM chunk
WHERE made_at < :before AND NOT EXISTS (SELECT 1 FROM content c WHERE c.content_id = chunk.content_id)


-- name: message_add
INSERT INTO message (
    queue_id, received_at, sender, ret, envid, client_ip, listener, login, account, sender_name, sender_company,
    owner, success_notice, header_message_id, subject, content_id, size, payer, faxes_per_day, pages_per_day,
    cover_page, body, strip, hours, timezone, notice_content, outcome_webhook, language
) VALUES (
    :queue_id, :received_at, :sender, :ret, :envid, :client_ip, :listener, :login, :account, :sender_name,
    :sender_company, :owner, :success_notice, :header_message_id, :subject, :content_id, :size, :payer, :faxes_per_day,
    :pages_per_day, :cover_page, :body, :strip, :hours, :timezone, :notice_content, :outcome_webhook, :language
)

-- name: message_get
SELECT * FROM message WHERE queue_id = :queue_id


-- name: document_add
INSERT INTO document (
    message, state, attempts, next_attempt_at, version, epoch, lease_until, content_id, filename, pages, notes,
    contents, skipped, payer
) VALUES (:message, 'pending', 0, :now, 0, 0, 0, '', '', NULL, '', '[]', '[]', :payer)

-- name: document_head
-- When the next one of a lane is due, of those that nobody makes just now.
SELECT next_attempt_at FROM document
WHERE state = 'pending' AND slow = :slow AND damaged = 0 AND lease_until <= :now
ORDER BY next_attempt_at, message LIMIT 1

-- name: document_claim
-- Counts the attempt before it is made, so that a file that kills its renderer can't do so for ever. Whose lease has
-- run out has lost the document. Those of the :busy payers come only when nobody else has any in this lane (:any = 1).
UPDATE document SET
    epoch = :epoch, lease_until = :now + :lease, claim = :claim, attempts = attempts + 1, version = version + 1
WHERE message = (
    SELECT d.message FROM document d
    WHERE d.state = 'pending' AND d.slow = :slow AND d.damaged = 0
      AND d.next_attempt_at <= :now AND d.lease_until <= :now AND (:any = 1 OR d.payer NOT IN (:busy))
    ORDER BY d.next_attempt_at, d.message LIMIT 1
    FOR UPDATE OF d SKIP LOCKED -- postgresql
) AND state = 'pending' AND lease_until <= :now
RETURNING *

-- name: document_claim_history
INSERT INTO history (at, queue_id, event, state, detail)
SELECT :now, message, 'rendering', state, 'attempt ' || attempts FROM document WHERE claim = :claim

-- name: document_change
UPDATE document SET
    state = :state, attempts = :attempts, next_attempt_at = :next_attempt_at, lease_until = 0, content_id = :content_id,
    filename = :filename, pages = :pages, notes = :notes, contents = :contents, skipped = :skipped, cover = :cover,
    slow = :slow, render_key = :render_key, version = version + 1
WHERE message = :message AND version = :was_version AND epoch = :was_epoch AND state = 'pending'

-- name: document_impossible
-- :jobs is how many jobs get their end in this commit: none may be left behind without a document.
UPDATE document SET state = 'impossible', lease_until = 0, version = version + 1
WHERE message = :message AND version = :was_version AND epoch = :was_epoch AND state = 'pending'
  AND (SELECT COUNT(*) FROM job WHERE job.message = document.message AND job.state IN ('accepted', 'held')
       AND job.damaged = 0) = :jobs

-- name: document_unneeded
-- With a job's end, or once it was found at FaxCore: none is left that waits for it.
-- alone: document :message
UPDATE document SET state = 'unneeded', lease_until = 0, version = version + 1
WHERE message = :message AND state = 'pending' AND NOT EXISTS (
    SELECT 1 FROM job j WHERE j.message = :message AND j.state IN ('accepted', 'held')
)

-- name: document_jobs_history
-- Before document_jobs_ready, while they can still be told apart.
INSERT INTO history (at, queue_id, event, state, detail)
SELECT :now, queue_id, :event_word, :state, :detail FROM job WHERE message = :message AND state = 'accepted'

-- name: document_jobs_ready
UPDATE job SET state = 'ready', version = version + 1 WHERE message = :message AND state = 'accepted'

-- name: document_same
-- Made of the same within a day.
SELECT d.* FROM document d JOIN content c ON c.content_id = d.content_id
WHERE d.render_key = :render_key AND d.state = 'ready' AND d.damaged = 0 AND c.made_at > :now - 86400
LIMIT 1

-- name: document_get
SELECT * FROM document WHERE message = :message AND damaged = 0

-- name: document_aside
UPDATE document SET damaged = 1, version = version + 1 WHERE message = :message AND damaged = 0


-- name: job_add
-- Its turn is a second after the last of its payer's that wait; now, where none does; with priority a day earlier.
INSERT INTO job (
    queue_id, message, account, address, number, recipient_name, subject, cover, paper, preview, notify, orcpt, reference, state, accepted_at,
    expires_at, submit_at, track_at, reconcile_at, version, attempts, epoch, lease_until, fax_id, submitting_at, last_byte_at,
    submitted_at, absences, cancel_requested, delay_told, ended_at, pages, pages_delivered,
    status_code, status_sentence, status_diagnostic, not_before, not_after, waits_until,
    last_byte_elapsed, last_byte_boot, also, code, priority, payer, turn
) SELECT
    :queue_id, :message, :account, :address, :number, :recipient_name, :subject, :cover, :paper, :preview, :notify, :orcpt,
    :reference, :state, :accepted_at, :expires_at, :submit_at, :track_at, :reconcile_at,
    :version, :attempts, :epoch_was, :lease_until, :fax_id,
    :submitting_at, :last_byte_at, :submitted_at, :absences, :cancel_requested, :delay_told,
    :ended_at, :pages, :pages_delivered, :status_code, :status_sentence, :status_diagnostic,
    :not_before, :not_after, :waits_until, :last_byte_elapsed, :last_byte_boot, :also, :code,
    :priority, m.payer, CASE WHEN :priority = 'high' THEN -86400.0 ELSE 0.0 END + (SELECT MAX(turn) FROM (
        SELECT :accepted_at AS turn UNION ALL SELECT * FROM (
            SELECT o.turn + 1 FROM job o
            WHERE o.payer = m.payer AND o.account = :account AND o.state IN ('accepted', 'ready', 'deferred')
            ORDER BY o.turn DESC LIMIT 1
        ) last_one
    ) turns)
FROM message m WHERE m.queue_id = :message

-- name: job_deferred_head
-- When the next one is due.
SELECT submit_at FROM job
WHERE state = 'deferred' AND damaged = 0 AND cancel_requested = 0
ORDER BY submit_at, queue_id LIMIT 1

-- name: job_ready_head
-- When the next one of an account is due: it may not go all the same (job_claim).
SELECT submit_at FROM job
WHERE account = :account AND state = 'ready' AND preview = 0 AND damaged = 0 AND cancel_requested = 0
ORDER BY submit_at, queue_id LIMIT 1

-- name: job_due_history
-- alone: due
INSERT INTO history (at, queue_id, event, state, detail)
SELECT :now, queue_id, :event_word, :state, '' FROM job
WHERE queue_id IN (
    SELECT queue_id FROM job
    WHERE state = 'deferred' AND damaged = 0 AND cancel_requested = 0 AND submit_at <= :now
    ORDER BY submit_at, queue_id LIMIT 500
)

-- name: job_due
-- The same five hundred at most as job_due_history, in the same commit and at the same :now.
UPDATE job SET state = :state, version = version + 1
WHERE state = 'deferred' AND queue_id IN (
    SELECT queue_id FROM job
    WHERE state = 'deferred' AND damaged = 0 AND cancel_requested = 0 AND submit_at <= :now
    ORDER BY submit_at, queue_id LIMIT 500
)

-- name: job_claim
-- Committed before the first byte leaves. An account that gave :most_unclear unclear answers in a row has one fax under
-- way at a time. Neither a paused account's job, nor one that somebody wants cancelled, nor
-- one that is past its time (but for what the clock :leapt), before its time or out of its hours. What is due goes by its turn, so that senders alternate;
-- the plus keeps SQLite from going by submit_at. A number has :per_number faxes under way: more would find its line busy. An account with :one_by_one, and faxes without a cover page, have no reference by which two faxes
-- to one number could be told apart, so such a fax goes only while no other to its number is in flight.
-- alone: claim
UPDATE job SET
    state = :state, epoch = :epoch, lease_until = :now + :lease, claim = :claim, submitting_at = :now,
    last_byte_at = 0, absences = 0, attempts = attempts + 1, version = version + 1
WHERE queue_id = (
    SELECT j.queue_id FROM job j
    WHERE j.state = 'ready' AND j.damaged = 0 AND j.cancel_requested = 0 AND j.preview = 0
      AND +j.submit_at <= :now AND j.expires_at > :now - :leapt AND j.account = :account
      AND j.not_before <= :now AND (j.not_after = 0 OR j.not_after > :now)
      AND (:per_number = 0 OR :per_number > (
          SELECT COUNT(*) FROM job l WHERE l.number = j.number AND l.state IN ('submitting', 'submitted', 'in-doubt')
            AND l.submitting_at > :now - :line_seconds
      ))
      AND NOT EXISTS (
          SELECT 1 FROM account a WHERE a.name = j.account AND (a.paused_at > 0 OR a.unclear >= :most_unclear AND EXISTS (
              SELECT 1 FROM job u WHERE u.account = a.name AND u.state = 'submitting'
          ))
      )
      AND CASE WHEN :one_by_one = 1 OR 'no' = CASE WHEN j.cover <> '' THEN j.cover ELSE (
          SELECT d.cover FROM document d WHERE d.message = j.message
      ) END THEN NOT EXISTS (
          SELECT 1 FROM job o
          WHERE o.account = j.account AND o.number = j.number AND o.state IN ('submitting', 'submitted', 'in-doubt')
      ) ELSE 1 = 1 END
    ORDER BY j.turn, j.queue_id LIMIT 1
    FOR UPDATE OF j SKIP LOCKED -- postgresql
) AND state = 'ready'
RETURNING *

-- name: job_claim_history
INSERT INTO history (at, queue_id, event, state, detail)
SELECT :now, queue_id, :event_word, state, 'attempt ' || attempts FROM job WHERE state = 'submitting' AND claim = :claim

-- name: job_change
-- :document is the state that its document must have, or '': a job never waits for what is there already, nor goes
-- without. :only_expired is 1 where another process takes the row: the database's clock decides.
UPDATE job SET
    recipient_name = :recipient_name, state = :state, expires_at = :expires_at, submit_at = :submit_at, track_at = :track_at,
    reconcile_at = :reconcile_at,
    attempts = :attempts, epoch = :epoch_was, lease_until = :lease_until, fax_id = :fax_id,
    submitting_at = :submitting_at, last_byte_at = :last_byte_at, submitted_at = :submitted_at,
    last_byte_elapsed = :last_byte_elapsed, last_byte_boot = :last_byte_boot,
    absences = :absences, cancel_requested = :cancel_requested,
    delay_told = :delay_told, ended_at = :ended_at, pages = :pages, pages_delivered = :pages_delivered,
    status_code = :status_code, status_sentence = :status_sentence, status_diagnostic = :status_diagnostic,
    not_before = :not_before, not_after = :not_after, waits_until = :waits_until, version = version + 1
WHERE queue_id = :queue_id AND state = :was_state AND epoch = :was_epoch AND version = :was_version AND damaged = 0
  AND (:document = '' OR EXISTS (
      SELECT 1 FROM document WHERE document.message = job.message AND document.state = :document
      FOR SHARE -- postgresql
  ))
  AND (:only_expired = 0 OR lease_until <= :now)

-- name: job_postpone
-- No history: this is said at every question, and changes nothing that anybody asks about.
UPDATE job SET submit_at = :submit_at, track_at = :track_at, reconcile_at = :reconcile_at, version = version + 1
WHERE queue_id = :queue_id AND state = :was_state AND version = :was_version AND damaged = 0

-- name: job_get
SELECT * FROM job WHERE queue_id = :queue_id AND damaged = 0

-- name: job_several
SELECT * FROM job WHERE queue_id IN (:queue_ids) AND damaged = 0

-- name: job_of
SELECT * FROM job WHERE message = :message AND damaged = 0 ORDER BY queue_id

-- name: job_newest
-- Apart from job_list, so that the index by time is taken: a million finished jobs make no difference.
SELECT * FROM job
WHERE damaged = 0 AND (:account = '' OR account = :account)
ORDER BY accepted_at DESC, queue_id DESC LIMIT :limit OFFSET :offset

-- name: job_list
SELECT * FROM job
WHERE damaged = 0 AND state IN (:states) AND (:account = '' OR account = :account)
ORDER BY accepted_at DESC, queue_id DESC LIMIT :limit OFFSET :offset

-- name: job_submitted
SELECT * FROM job
WHERE account = :account AND state = 'submitted' AND damaged = 0 ORDER BY track_at, queue_id LIMIT :limit

-- name: job_pending
-- What one list of FaxCore settles: no more than what this takes is read, for there may be ten thousand.
SELECT queue_id, fax_id, submitted_at FROM job
WHERE account = :account AND state = 'submitted' AND damaged = 0 AND track_at <= :until

-- name: job_in_doubt
SELECT * FROM job
WHERE account = :account AND state = 'in-doubt' AND damaged = 0 ORDER BY reconcile_at, queue_id LIMIT :limit

-- name: job_silent
-- Of an account that can't be asked, what FaxCore may have since before :oldest.
SELECT * FROM job
WHERE account = :account AND state = 'submitted' AND damaged = 0 AND submitted_at < :oldest AND last_byte_at < :oldest
UNION ALL SELECT * FROM job
WHERE account = :account AND state = 'in-doubt' AND damaged = 0 AND submitted_at < :oldest AND last_byte_at < :oldest
LIMIT :limit

-- name: job_recent
SELECT * FROM job
WHERE account = :account AND submitted_at > 0 AND submitted_at > :since AND fax_id <> '' AND damaged = 0
ORDER BY submitted_at DESC, queue_id DESC LIMIT :limit

-- name: job_tried
-- An attempt of these may have made a fax whose id nobody has told us.
SELECT * FROM job
WHERE account = :account AND attempts > 0 AND fax_id = '' AND damaged = 0
  AND state IN ('ready', 'submitting', 'in-doubt', 'deferred', 'held') ORDER BY queue_id

-- name: job_expired_submissions
SELECT * FROM job WHERE state = 'submitting' AND damaged = 0 AND lease_until <= :now ORDER BY lease_until, queue_id

-- name: job_overdue
-- While an account is paused, the time of its jobs stands still.
SELECT * FROM job
WHERE state IN ('accepted', 'ready', 'deferred', 'held') AND damaged = 0 AND expires_at <= :now
  AND NOT EXISTS (SELECT 1 FROM account WHERE account.name = job.account AND account.paused_at > 0)
ORDER BY expires_at, queue_id LIMIT :limit

-- name: job_waiting_accounts
-- These three are asked when the service starts, and when it reads its configuration again.
SELECT DISTINCT account FROM job WHERE state IN ('accepted', 'ready', 'deferred', 'held') AND damaged = 0

-- name: job_waiting_senders
SELECT DISTINCT m.sender, m.login FROM job j JOIN message m ON m.queue_id = j.message
WHERE j.state IN ('accepted', 'ready', 'deferred') AND j.damaged = 0

-- name: job_waiting_of
SELECT j.* FROM job j JOIN message m ON m.queue_id = j.message
WHERE j.state IN ('accepted', 'ready', 'deferred') AND j.damaged = 0 AND m.sender = :sender AND m.login = :login
ORDER BY j.queue_id

-- name: job_closed
SELECT * FROM job
WHERE not_after > 0 AND state IN ('accepted', 'ready', 'deferred', 'held') AND damaged = 0 AND not_after <= :now
ORDER BY not_after, queue_id LIMIT 500

-- name: job_cancel_wanted
SELECT * FROM job
WHERE state IN ('accepted', 'ready', 'deferred', 'held') AND cancel_requested = 1 AND damaged = 0 ORDER BY queue_id

-- name: job_previews
-- Whoever writes its end first has made it: no lease is needed for what is only mailed.
SELECT * FROM job
WHERE state = 'ready' AND preview = 1 AND damaged = 0 AND submit_at <= :now AND expires_at > :now - :leapt
ORDER BY submit_at, queue_id LIMIT 1

-- name: job_untold
SELECT * FROM job
WHERE state IN ('accepted', 'ready', 'submitting', 'submitted', 'in-doubt', 'deferred', 'held') AND delay_told = 0
  AND preview = 0 AND damaged = 0 AND accepted_at <= :accepted_before AND not_before <= :accepted_before
ORDER BY accepted_at, queue_id LIMIT :limit

-- name: job_by_reference
SELECT * FROM job WHERE reference = :reference AND account = :account AND damaged = 0

-- name: job_aside
UPDATE job SET damaged = 1, version = version + 1 WHERE queue_id = :queue_id AND damaged = 0


-- name: unheard_add
-- Hits nothing where such a fax is there already whose client is gone, or is another process's. :again is NULL for none.
-- alone: unheard :key
INSERT INTO unheard (key, job, again, epoch, gone, made_at)
SELECT :key, :job, :again, :epoch, :gone, :now
WHERE NOT EXISTS (SELECT 1 FROM unheard u WHERE u.key = :key AND (u.gone = 1 OR u.epoch <> :epoch))
  AND NOT EXISTS (SELECT 1 FROM unheard u WHERE u.again = :again AND u.gone = 1)

-- name: unheard_find
SELECT u.key, u.again, u.job, u.epoch, u.gone, j.state FROM unheard u LEFT JOIN job j ON j.queue_id = u.job
WHERE u.key IN (:keys) OR (u.again IN (:agains) AND u.gone = 1)
ORDER BY u.made_at, u.job

-- name: unheard_same
-- The line about a mail that came again, and the guard of not faxing it: its first job is known, and has neither failed nor been cancelled.
INSERT INTO history (at, queue_id, event, state, detail)
SELECT :now, j.queue_id, :event_word, j.state, :detail FROM unheard u JOIN job j ON j.queue_id = u.job
WHERE u.key = :key AND u.job = :job AND j.state NOT IN ('failed', 'cancelled')

-- name: unheard_forget
DELETE FROM unheard WHERE key = :key AND job = :job

-- name: unheard_gone
UPDATE unheard SET gone = 1 WHERE key = :key AND job = :job

-- name: unheard_all_gone
-- A process that starts: those of the one before it, which may have died.
UPDATE unheard SET gone = 1 WHERE gone = 0

-- name: unheard_sweep
-- What lies in the future was written by a clock that went wrong.
DELETE FROM unheard WHERE made_at < :before OR made_at > :after


-- name: spent_faxes
-- Hits one row, or none where less is left. The last 24 hours are this one and the 23 before it. A limit of 0 is none.
-- alone: spent :payer
INSERT INTO spent (payer, hour, faxes, pages)
SELECT :payer, :hour, :faxes, 0 FROM (
    SELECT COALESCE(SUM(s.faxes), 0) AS faxes, COALESCE(SUM(s.pages), 0) AS pages FROM spent s
    WHERE s.payer = :payer AND s.hour > :hour - 24
) used
WHERE (:faxes_per_day = 0 OR used.faxes + :faxes <= :faxes_per_day)
  AND (:pages_per_day = 0 OR used.pages < :pages_per_day)
ON CONFLICT (payer, hour) DO UPDATE SET faxes = spent.faxes + :faxes

-- name: spent_pages
-- Each job of the message that waits for this document sends its pages.
-- alone: spent :payer
INSERT INTO spent (payer, hour, faxes, pages)
SELECT :payer, :hour, 0, fresh.pages FROM (
    SELECT :pages * COUNT(*) AS pages FROM job
    WHERE message = :message AND state IN ('accepted', 'held') AND damaged = 0
) fresh
WHERE fresh.pages <= :pages_per_day - (
    SELECT COALESCE(SUM(s.pages), 0) FROM spent s WHERE s.payer = :payer AND s.hour > :hour - 24
)
ON CONFLICT (payer, hour) DO UPDATE SET pages = spent.pages + excluded.pages

-- name: spent_sum
SELECT CAST(COALESCE(SUM(faxes), 0) AS BIGINT) AS faxes, CAST(COALESCE(SUM(pages), 0) AS BIGINT) AS pages FROM spent
WHERE payer = :payer AND hour > :hour - 24

-- name: spent_sweep
DELETE FROM spent WHERE hour < :hour - 24 OR hour > :hour + 24

-- name: alarm_tell
-- Hits one row where it was not told for a day. A clock that was put back does not silence it; one that is set right by
-- less than an hour does not repeat it.
INSERT INTO alarm (what, told_at) VALUES (:what, :now)
ON CONFLICT (what) DO UPDATE SET told_at = :now WHERE alarm.told_at <= :now - 86400 OR alarm.told_at > :now + 3600


-- name: account_get
SELECT * FROM account WHERE name = :name

-- name: account_list
SELECT * FROM account ORDER BY name

-- name: account_lease
INSERT INTO account (name, first_met, epoch, lease_until) VALUES (:name, :now, :epoch, :now + :lease)
ON CONFLICT (name) DO UPDATE SET epoch = :epoch, lease_until = :now + :lease
WHERE account.epoch = :epoch OR account.lease_until <= :now
  -- Written by a clock that was wrong: nobody holds it for so long.
  OR account.lease_until > :now + :lease + :lease

-- name: account_collecting_lease
INSERT INTO account (name, first_met, collecting_epoch, collecting_until) VALUES (:name, :now, :epoch, :now + :lease)
ON CONFLICT (name) DO UPDATE SET collecting_epoch = :epoch, collecting_until = :now + :lease
WHERE account.collecting_epoch = :epoch OR account.collecting_until <= :now
  -- Written by a clock that was wrong: nobody holds it for so long.
  OR account.collecting_until > :now + :lease + :lease

-- name: account_pause
INSERT INTO account (name, first_met, paused_at, paused_reason) VALUES (:name, :now, :now, :reason)
ON CONFLICT (name) DO UPDATE SET paused_at = :now, paused_reason = :reason WHERE account.paused_at = 0

-- name: account_quiet
UPDATE account SET quiet_since = :since WHERE name = :name AND quiet_since = 0

-- name: account_heard
UPDATE account SET quiet_since = 0 WHERE name = :name AND quiet_since > 0

-- name: account_resume_guard
UPDATE account SET paused_reason = '' WHERE name = :name AND paused_at > 0

-- name: account_resume_jobs
-- Each waiting job gets back the time it lost: the pause, or what of it came after the job; nothing where the clock was
-- put back.
UPDATE job SET version = version + 1, expires_at = expires_at + (
    SELECT CASE
        WHEN :now <= a.paused_at OR :now <= job.accepted_at THEN 0
        WHEN job.accepted_at > a.paused_at THEN :now - job.accepted_at
        ELSE :now - a.paused_at
    END
    FROM account a WHERE a.name = job.account
)
WHERE account = :name AND state IN ('accepted', 'ready', 'deferred', 'held')

-- name: account_resume
UPDATE account SET paused_at = 0 WHERE name = :name

-- name: account_unclear
-- Counted with the doubt that it made; a fax that was taken ends the row.
UPDATE account SET unclear = CASE WHEN :clear = 1 THEN 0 ELSE unclear + 1 END
WHERE name = :name AND (:clear = 0 OR unclear > 0)

-- name: account_reference_returned
INSERT INTO account (name, first_met, reference_returned) VALUES (:name, :now, 1)
ON CONFLICT (name) DO UPDATE SET reference_returned = 1

-- name: account_baseline
INSERT INTO account (name, first_met, baseline_at) VALUES (:name, :now, :now)
ON CONFLICT (name) DO UPDATE SET baseline_at = :now WHERE account.baseline_at = 0

-- name: account_listed
INSERT INTO account (name, first_met, listed_at) VALUES (:name, :now, :now)
ON CONFLICT (name) DO UPDATE SET listed_at = :now


-- name: ledger_add
INSERT INTO fax_id (account, fax_id, kind, owner, noted_at) VALUES (:account, :fax_id, :kind, :owner, :now)
ON CONFLICT (account, fax_id) DO NOTHING

-- name: ledger_own
-- A listing may show an id before SendFax's reply with it has reached us: what was noted as foreign may become ours.
INSERT INTO fax_id (account, fax_id, kind, owner, noted_at) VALUES (:account, :fax_id, 'job', :owner, :now)
ON CONFLICT (account, fax_id) DO UPDATE SET kind = 'job', owner = :owner
WHERE fax_id.kind = 'foreign' OR fax_id.owner = :owner

-- name: ledger_known
SELECT fax_id FROM fax_id WHERE account = :account AND fax_id IN (:fax_ids)

-- name: ledger_find
SELECT account, fax_id, kind, owner, noted_at FROM fax_id WHERE account = :account AND fax_id = :fax_id


-- name: inbound_add_history
-- Before inbound_add, and on the same condition: only where the ledger gave the id to this very fax, since a baseline
-- or a fax of ours never becomes a received one.
INSERT INTO history (at, queue_id, event, state, detail)
SELECT :now, :queue_id, 'listed', :state, '' FROM fax_id
WHERE account = :account AND fax_id = :fax_id AND kind = 'inbound' AND owner = :queue_id
  AND NOT EXISTS (SELECT 1 FROM inbound i WHERE i.account = :account AND i.fax_id = :fax_id)

-- name: inbound_add
INSERT INTO inbound (
    account, fax_id, state, listed_at, next_attempt_at, version, attempts, queue_id, caller, received_at, pages,
    content_id, problem
)
SELECT :account, :fax_id, :state, :listed_at, :next_attempt_at, 0, 0, :queue_id, :caller, :received_at, :pages, '',
    ''
FROM fax_id WHERE account = :account AND fax_id = :fax_id AND kind = 'inbound' AND owner = :queue_id
ON CONFLICT (account, fax_id) DO NOTHING

-- name: inbound_due
SELECT * FROM inbound
WHERE account = :account AND state IN ('listed', 'unreadable') AND damaged = 0 AND next_attempt_at <= :now
ORDER BY next_attempt_at, fax_id LIMIT :limit

-- name: inbound_again
SELECT * FROM inbound WHERE state = 'again' AND damaged = 0 ORDER BY listed_at, fax_id LIMIT :limit

-- name: inbound_change
UPDATE inbound SET
    state = :state, next_attempt_at = :next_attempt_at, attempts = :attempts, caller = :caller,
    received_at = :received_at, pages = :pages, content_id = :content_id, problem = :problem, version = version + 1
WHERE account = :account AND fax_id = :fax_id AND state = :was_state AND version = :was_version AND damaged = 0

-- name: inbound_get
SELECT * FROM inbound WHERE account = :account AND fax_id = :fax_id AND damaged = 0

-- name: inbound_open
SELECT * FROM inbound
WHERE damaged = 0 AND state IN ('listed', 'again', 'unreadable') AND state IN (:states)
  AND (:everywhere = 1 OR account IN (:accounts))
ORDER BY listed_at DESC, fax_id DESC LIMIT :limit OFFSET :offset

-- name: inbound_newest
SELECT * FROM inbound
WHERE damaged = 0 AND state IN (:states) AND (:everywhere = 1 OR account IN (:accounts))
ORDER BY listed_at DESC, fax_id DESC LIMIT :limit OFFSET :offset

-- name: inbound_last
SELECT listed_at FROM inbound WHERE account = :account ORDER BY listed_at DESC LIMIT 1

-- name: inbound_habit
SELECT COUNT(*) AS faxes, MAX(between_two) AS longest FROM (
    SELECT listed_at - LAG(listed_at) OVER (ORDER BY listed_at) AS between_two
    FROM inbound WHERE account = :account AND listed_at >= :since
) AS silences

-- name: inbound_aside
UPDATE inbound SET damaged = 1, version = version + 1
WHERE account = :account AND fax_id = :fax_id AND damaged = 0


-- name: letter_add
INSERT INTO letter (
    letter_id, kind, about, sender, recipients, message_id, state, decided_at, next_attempt_at, version, attempts,
    epoch, lease_until, content_id, problem, elsewhere
) VALUES (
    :letter_id, :kind, :about, :sender, :recipients, :message_id, :state, :decided_at, :next_attempt_at, 0, 0, 0, 0,
    :content_id, '', :elsewhere
)

-- name: letter_head
-- These two: when the next one is due, and when the first lease runs out.
SELECT next_attempt_at AS at, 0 AS leased FROM (
    SELECT next_attempt_at FROM letter
    WHERE state = 'waiting' AND elsewhere = 0 AND damaged = 0
      AND (kind = 'alarm' OR NOT EXISTS (SELECT 1 FROM recovery WHERE released_at = 0))
    ORDER BY next_attempt_at, decided_at, letter_id LIMIT 1
) waiting
UNION ALL SELECT lease_until, 1 FROM (
    SELECT lease_until FROM letter WHERE state = 'handing-over' AND damaged = 0 ORDER BY lease_until LIMIT 1
) leased

-- name: letter_head_elsewhere
SELECT next_attempt_at AS at, 0 AS leased FROM (
    SELECT next_attempt_at FROM letter
    WHERE state = 'waiting' AND elsewhere = 1 AND damaged = 0
      AND NOT EXISTS (SELECT 1 FROM recovery WHERE released_at = 0)
    ORDER BY next_attempt_at, decided_at, letter_id LIMIT 1
) waiting
UNION ALL SELECT lease_until, 1 FROM (
    SELECT lease_until FROM letter WHERE state = 'handing-over' AND damaged = 0 ORDER BY lease_until LIMIT 1
) leased

-- name: letter_claim
UPDATE letter SET
    state = :state, epoch = :epoch, lease_until = :now + :lease, claim = :claim, attempts = attempts + 1,
    version = version + 1
WHERE letter_id = (
    SELECT l.letter_id FROM letter l
    WHERE l.state = 'waiting' AND l.elsewhere = 0 AND l.damaged = 0 AND l.next_attempt_at <= :now
      AND (l.kind = 'alarm' OR NOT EXISTS (SELECT 1 FROM recovery WHERE released_at = 0))
    ORDER BY l.next_attempt_at, l.decided_at, l.letter_id LIMIT 1
    FOR UPDATE OF l SKIP LOCKED -- postgresql
) AND state = 'waiting'
RETURNING *

-- name: letter_claim_elsewhere
UPDATE letter SET
    state = :state, epoch = :epoch, lease_until = :now + :lease, claim = :claim, attempts = attempts + 1,
    version = version + 1
WHERE letter_id = (
    SELECT l.letter_id FROM letter l
    WHERE l.state = 'waiting' AND l.elsewhere = 1 AND l.damaged = 0 AND l.next_attempt_at <= :now
      AND NOT EXISTS (SELECT 1 FROM recovery WHERE released_at = 0)
    ORDER BY l.next_attempt_at, l.decided_at, l.letter_id LIMIT 1
    FOR UPDATE OF l SKIP LOCKED -- postgresql
) AND state = 'waiting'
RETURNING *

-- name: letter_claim_history
INSERT INTO history (at, queue_id, event, state, detail)
SELECT :now, CASE WHEN about = '' THEN letter_id ELSE about END, 'letter ' || :event_word, state,
    kind || ' ' || letter_id || ', attempt ' || attempts
FROM letter WHERE state = 'handing-over' AND claim = :claim

-- name: letter_recover_history
-- alone: recover
INSERT INTO history (at, queue_id, event, state, detail)
SELECT :now, CASE WHEN about = '' THEN letter_id ELSE about END, 'letter ' || :event_word, :state,
    kind || ' ' || letter_id
FROM letter WHERE state = 'handing-over' AND damaged = 0 AND lease_until <= :now

-- name: letter_recover
UPDATE letter SET state = :state, lease_until = 0, version = version + 1
WHERE state = 'handing-over' AND damaged = 0 AND lease_until <= :now

-- name: letter_renew
UPDATE letter SET lease_until = :now + :lease
WHERE letter_id = :letter_id AND state = 'handing-over' AND version = :was_version AND epoch = :was_epoch
  AND lease_until > :now
RETURNING lease_until

-- name: letter_change
UPDATE letter SET
    state = :state, next_attempt_at = :next_attempt_at, lease_until = 0, problem = :problem, refusals = :refusals,
    refused_at = :refused_at, tried_at = :tried_at, attempts = :attempts, decided_at = :decided_at,
    version = version + 1
WHERE letter_id = :letter_id AND state = :was_state AND epoch = :was_epoch AND version = :was_version AND damaged = 0

-- name: letters_due
-- The relay was in trouble and takes mail again: what it kept waiting waits no longer.
UPDATE letter SET next_attempt_at = CASE WHEN next_attempt_at > :now THEN :now ELSE next_attempt_at END
WHERE state = 'waiting' AND elsewhere = 0 AND damaged = 0

-- name: letter_get
SELECT * FROM letter WHERE letter_id = :letter_id AND damaged = 0

-- name: letter_about
SELECT * FROM letter
WHERE about = :about AND damaged = 0 AND state IN (:states)
ORDER BY decided_at DESC, letter_id DESC LIMIT :limit OFFSET :offset

-- name: letter_open
SELECT * FROM letter
WHERE damaged = 0 AND state IN ('waiting', 'handing-over', 'undeliverable') AND state IN (:states)
ORDER BY decided_at DESC, letter_id DESC LIMIT :limit OFFSET :offset

-- name: letter_newest
SELECT * FROM letter
WHERE damaged = 0 AND state IN (:states) ORDER BY decided_at DESC, letter_id DESC LIMIT :limit OFFSET :offset

-- name: letter_aside
UPDATE letter SET damaged = 1, version = version + 1 WHERE letter_id = :letter_id AND damaged = 0


-- name: report_owe
-- With the end of a fax.
-- alone: report :message
INSERT INTO report (job, message, due_at) VALUES (:queue_id, :message, :now + :wait)

-- name: report_whole
-- Behind it: where none of the message is under way any more, nothing has to be waited for.
UPDATE report SET due_at = :now
WHERE message = :message AND due_at > :now AND NOT EXISTS (
    SELECT 1 FROM job j WHERE j.message = :message AND j.preview = 0 AND j.damaged = 0
      AND j.state IN ('accepted', 'ready', 'submitting', 'submitted', 'in-doubt', 'deferred', 'held')
)

-- name: report_head
SELECT due_at FROM report ORDER BY due_at LIMIT 1

-- name: report_due
-- All that is owed about the messages whose reports are due longest.
SELECT r.job, r.message FROM report r JOIN job j ON j.queue_id = r.job
WHERE j.damaged = 0 AND r.message IN (
    SELECT d.message FROM report d JOIN job o ON o.queue_id = d.job
    WHERE d.due_at <= :now AND o.damaged = 0 ORDER BY d.due_at LIMIT :limit
)

-- name: report_told
DELETE FROM report WHERE job = :queue_id

-- name: outcome_owe
-- With the end of a fax whose sender has a program that wants to hear of it.
INSERT INTO outcome_owed (job, message, ended_at)
SELECT :queue_id, m.queue_id, :now FROM message m WHERE m.queue_id = :message AND m.outcome_webhook <> ''

-- name: outcome_due
-- The oldest first, as they ended.
SELECT o.job FROM outcome_owed o JOIN job j ON j.queue_id = o.job
WHERE j.damaged = 0 ORDER BY o.ended_at, o.job LIMIT :limit

-- name: outcome_told
DELETE FROM outcome_owed WHERE job = :queue_id

-- name: report_moments
UPDATE report SET due_at = :now WHERE due_at > :now + :report

-- name: document_damaged
-- These four: what was moved aside and not told of yet. The last state is that of the history, which has the lines of the
-- letters about a fax, too.
SELECT message, message AS name, '' AS account, '' AS address, '' AS last_state, 0 AS tried
FROM document WHERE damaged = 1 ORDER BY message LIMIT 100

-- name: inbound_damaged
SELECT i.account, i.fax_id, i.queue_id AS name, '' AS address, '' AS message, 0 AS tried, COALESCE((
    SELECT h.state FROM history h WHERE h.queue_id = i.queue_id AND h.state <> 'damaged' AND h.event NOT LIKE 'letter %'
    ORDER BY h.seq DESC LIMIT 1
), '') AS last_state
FROM inbound i WHERE i.damaged = 1 ORDER BY i.account, i.fax_id LIMIT 100

-- name: job_damaged
SELECT j.queue_id, j.queue_id AS name, j.account, j.address, j.message, COALESCE((
    SELECT h.state FROM history h WHERE h.queue_id = j.queue_id AND h.state <> 'damaged' AND h.event NOT LIKE 'letter %'
    ORDER BY h.seq DESC LIMIT 1
), '') AS last_state, CASE WHEN EXISTS (
    SELECT 1 FROM history t WHERE t.queue_id = j.queue_id AND t.state IN ('submitting', 'submitted', 'in-doubt')
) THEN 1 ELSE 0 END AS tried, CASE WHEN EXISTS (SELECT 1 FROM report r WHERE r.job = j.queue_id) THEN 1 ELSE 0 END AS owed
FROM job j WHERE j.damaged = 1 ORDER BY j.queue_id LIMIT 100

-- name: letter_damaged
SELECT letter_id, letter_id AS name, '' AS account, recipients AS address, about AS message, '' AS last_state, 0 AS tried
FROM letter WHERE damaged = 1 ORDER BY letter_id LIMIT 100

-- name: document_told
UPDATE document SET damaged = 2 WHERE message = :message AND damaged = 1

-- name: inbound_told
UPDATE inbound SET damaged = 2 WHERE account = :account AND fax_id = :fax_id AND damaged = 1

-- name: inbound_anew
-- Nothing of it was mailed yet: it is fetched as if it were new.
UPDATE inbound SET
    state = :state, listed_at = :now, next_attempt_at = :now, attempts = 0, caller = '', received_at = NULL, pages = NULL,
    content_id = '', problem = '', version = 0, damaged = 0
WHERE account = :account AND fax_id = :fax_id AND damaged = 1

-- name: job_told
-- With the state that its sender was told: it is in nobody's way any more.
UPDATE job SET damaged = 2, state = :state WHERE queue_id = :queue_id AND damaged = 1

-- name: letter_told
UPDATE letter SET damaged = 2 WHERE letter_id = :letter_id AND damaged = 1


-- name: queue_all
-- A page of queue IDs, by an index alone: a page costs the same among a million ended faxes, whatever its depth.
SELECT o.queue_id FROM job o
WHERE o.damaged = 0
  AND (:everywhere = 1 OR o.account IN (:accounts)) AND (:number = '' OR o.number LIKE :number) AND o.accepted_at >= :since
  AND (:domain = '' OR EXISTS (
      SELECT 1 FROM message s WHERE s.queue_id = o.message AND LOWER(s.sender) LIKE :domain ESCAPE '!'
  ))
ORDER BY o.accepted_at DESC, o.queue_id DESC LIMIT :limit OFFSET :offset

-- name: queue_open
SELECT o.queue_id FROM job o
WHERE o.state IN ('accepted', 'ready', 'submitting', 'submitted', 'in-doubt', 'deferred', 'held') AND o.state IN (:states)
  AND o.damaged = 0
  AND (:everywhere = 1 OR o.account IN (:accounts)) AND (:number = '' OR o.number LIKE :number) AND o.accepted_at >= :since
  AND (:domain = '' OR EXISTS (
      SELECT 1 FROM message s WHERE s.queue_id = o.message AND LOWER(s.sender) LIKE :domain ESCAPE '!'
  ))
ORDER BY o.accepted_at DESC, o.queue_id DESC LIMIT :limit OFFSET :offset

-- name: queue_not_delivered
SELECT o.queue_id FROM job o
WHERE o.state IN ('failed', 'cancelled', 'unconfirmed') AND o.state IN (:states) AND o.damaged = 0
  AND (:everywhere = 1 OR o.account IN (:accounts)) AND (:number = '' OR o.number LIKE :number) AND o.accepted_at >= :since
  AND (:domain = '' OR EXISTS (
      SELECT 1 FROM message s WHERE s.queue_id = o.message AND LOWER(s.sender) LIKE :domain ESCAPE '!'
  ))
ORDER BY o.accepted_at DESC, o.queue_id DESC LIMIT :limit OFFSET :offset

-- name: queue_delivered
SELECT o.queue_id FROM job o
WHERE o.state = 'delivered' AND o.damaged = 0
  AND (:everywhere = 1 OR o.account IN (:accounts)) AND (:number = '' OR o.number LIKE :number) AND o.accepted_at >= :since
  AND (:domain = '' OR EXISTS (
      SELECT 1 FROM message s WHERE s.queue_id = o.message AND LOWER(s.sender) LIKE :domain ESCAPE '!'
  ))
ORDER BY o.accepted_at DESC, o.queue_id DESC LIMIT :limit OFFSET :offset

-- name: queue_of_states
SELECT o.queue_id FROM job o
WHERE o.state IN (:states) AND o.damaged = 0
  AND (:everywhere = 1 OR o.account IN (:accounts)) AND (:number = '' OR o.number LIKE :number) AND o.accepted_at >= :since
  AND (:domain = '' OR EXISTS (
      SELECT 1 FROM message s WHERE s.queue_id = o.message AND LOWER(s.sender) LIKE :domain ESCAPE '!'
  ))
ORDER BY o.accepted_at DESC, o.queue_id DESC LIMIT :limit OFFSET :offset

-- name: queue_of_sender
-- An address alone: that sender's messages, newest first, as far as the page needs them.
SELECT o.queue_id FROM message s JOIN job o ON o.message = s.queue_id
WHERE LOWER(s.sender) = :sender AND o.state IN (:states) AND o.damaged = 0
  AND (:everywhere = 1 OR o.account IN (:accounts)) AND (:number = '' OR o.number LIKE :number) AND o.accepted_at >= :since
ORDER BY s.received_at DESC, s.queue_id DESC, o.queue_id DESC LIMIT :limit OFFSET :offset

-- name: searchable_find
-- :text and :digits are patterns; that of FTS5 may know no escape, so it finds too much, and the row decides. Newest first,
-- as they came into the spool.
SELECT s.queue_id
FROM searched f JOIN searchable s ON s.id = f.rowid -- sqlite
WHERE f.text LIKE :loosely AND s.text LIKE :text ESCAPE '!' -- sqlite
FROM searchable s WHERE s.text LIKE :text ESCAPE '!' -- postgresql
AND (:everywhere = 1
    OR EXISTS (SELECT 1 FROM job j WHERE j.queue_id = s.queue_id AND j.account IN (:accounts))
    OR EXISTS (SELECT 1 FROM inbound i WHERE i.queue_id = s.queue_id AND i.account IN (:accounts)))
ORDER BY f.rowid DESC LIMIT :limit -- sqlite
ORDER BY s.id DESC LIMIT :limit -- postgresql

-- name: accepted_find
-- Those that come into the index when their pages are made.
SELECT j.queue_id FROM job j JOIN message m ON m.queue_id = j.message
WHERE j.state = 'accepted' AND (:everywhere = 1 OR j.account IN (:accounts)) AND (
    LOWER(j.queue_id) LIKE :text ESCAPE '!' OR j.number LIKE :text ESCAPE '!' OR LOWER(j.address) LIKE :text ESCAPE '!'
    OR LOWER(j.reference) LIKE :text ESCAPE '!' OR LOWER(m.sender) LIKE :text ESCAPE '!'
    OR LOWER(m.subject) LIKE :text ESCAPE '!' OR LOWER(m.header_message_id) LIKE :text ESCAPE '!'
)
ORDER BY j.accepted_at DESC, j.queue_id DESC LIMIT :limit

-- name: fax_id_find
SELECT owner FROM fax_id WHERE fax_id = :fax_id ORDER BY owner LIMIT :limit

-- name: queue_rows
-- What people want to know of the faxes of a page.
SELECT j.*, m.sender AS of_sender, m.subject AS of_subject, COALESCE(d.state, '') AS of_document, COALESCE((
    SELECT h.detail FROM history h WHERE h.queue_id = j.queue_id AND h.state = j.state AND h.event <> 'noted'
    ORDER BY h.seq DESC LIMIT 1
), '') AS last_detail
FROM job j JOIN message m ON m.queue_id = j.message LEFT JOIN document d ON d.message = j.message
WHERE j.queue_id IN (:queue_ids)
ORDER BY j.accepted_at DESC, j.queue_id DESC

-- name: inbound_rows
SELECT * FROM inbound WHERE queue_id IN (:queue_ids) AND damaged = 0 ORDER BY listed_at DESC, fax_id DESC

-- name: inbound_by_queue_id
SELECT * FROM inbound WHERE queue_id = :queue_id AND damaged = 0

-- name: letter_find
-- Those that are on their way, or stuck; what was handed over is found by its fax, or by its own ID.
SELECT * FROM letter
WHERE damaged = 0 AND state IN ('waiting', 'handing-over', 'undeliverable') AND (
    LOWER(letter_id) LIKE :text ESCAPE '!' OR LOWER(message_id) LIKE :text ESCAPE '!'
    OR LOWER(recipients) LIKE :text ESCAPE '!'
)
ORDER BY decided_at DESC, letter_id DESC LIMIT :limit

-- name: document_now
-- A person wants it made now, or again: for a fax that is sent anew after it was given up.
-- alone: document :message
UPDATE document SET
    state = 'pending', next_attempt_at = :now, version = version + 1,
    attempts = CASE WHEN state = 'pending' THEN attempts ELSE 0 END
WHERE message = :message AND state IN ('pending', 'unneeded', 'impossible') AND lease_until <= :now AND damaged = 0

-- name: moments_ahead
-- How many rows wait for a moment further ahead than that kind of moment ever lies (spool/moments.py).
SELECT COUNT(*) AS n FROM (
    SELECT queue_id FROM job WHERE state = 'ready' AND preview = 0
      AND submit_at > :now + :submit AND submit_at > not_before
    UNION ALL SELECT queue_id FROM job WHERE state = 'ready' AND preview = 1 AND submit_at > :now + :submit
    UNION ALL SELECT queue_id FROM job WHERE state = 'deferred'
      AND submit_at > :now + :submit AND submit_at > not_before
    UNION ALL SELECT queue_id FROM job WHERE state = 'submitted' AND track_at > :now + :track
    UNION ALL SELECT queue_id FROM job WHERE state = 'in-doubt' AND reconcile_at > :now + :reconcile
    UNION ALL SELECT queue_id FROM job WHERE state = 'submitting' AND lease_until > :now + :lease
    UNION ALL SELECT message FROM document
    WHERE state = 'pending' AND (next_attempt_at > :now + :render OR lease_until > :now + :lease)
    UNION ALL SELECT letter_id FROM letter WHERE state = 'waiting' AND next_attempt_at > :now + :deliver
    UNION ALL SELECT letter_id FROM letter WHERE state = 'handing-over' AND lease_until > :now + :lease
    UNION ALL SELECT fax_id FROM inbound
    WHERE state IN ('listed', 'unreadable')
      AND next_attempt_at > :now + CASE WHEN state = 'listed' THEN :fetch ELSE :daily END
    UNION ALL SELECT job FROM report WHERE due_at > :now + :report
) ahead

-- name: job_moments
-- The last possible moment of acceptance is no later than now; a lease that is taken for run out means doubt.
UPDATE job SET
    submit_at = CASE WHEN submit_at > :now + :submit AND submit_at > not_before THEN :now ELSE submit_at END,
    track_at = CASE WHEN track_at > :now + :track THEN :now ELSE track_at END,
    reconcile_at = CASE WHEN reconcile_at > :now + :reconcile THEN :now ELSE reconcile_at END,
    last_byte_at = CASE WHEN last_byte_at > :now + :reconcile THEN :now ELSE last_byte_at END,
    submitted_at = CASE WHEN submitted_at > :now + :track THEN :now ELSE submitted_at END,
    lease_until = CASE WHEN state = 'submitting' AND lease_until > :now + :lease THEN :now ELSE lease_until END
WHERE (state = 'ready' AND preview = 0 AND submit_at > :now + :submit AND submit_at > not_before)
   OR (state = 'ready' AND preview = 1 AND submit_at > :now + :submit)
   OR (state = 'deferred' AND submit_at > :now + :submit AND submit_at > not_before)
   OR (state = 'submitted' AND track_at > :now + :track)
   OR (state = 'in-doubt' AND reconcile_at > :now + :reconcile)
   OR (state = 'submitting' AND lease_until > :now + :lease)

-- name: document_moments
UPDATE document SET
    next_attempt_at = CASE WHEN next_attempt_at > :now + :render THEN :now ELSE next_attempt_at END,
    lease_until = CASE WHEN lease_until > :now + :lease THEN :now ELSE lease_until END
WHERE state = 'pending' AND (next_attempt_at > :now + :render OR lease_until > :now + :lease)

-- name: letter_moments
UPDATE letter SET
    next_attempt_at = CASE WHEN next_attempt_at > :now + :deliver THEN :now ELSE next_attempt_at END,
    lease_until = CASE WHEN lease_until > :now + :lease THEN :now ELSE lease_until END
WHERE (state = 'waiting' AND next_attempt_at > :now + :deliver)
   OR (state = 'handing-over' AND lease_until > :now + :lease)

-- name: inbound_moments
UPDATE inbound SET next_attempt_at = :now
WHERE state IN ('listed', 'unreadable')
  AND next_attempt_at > :now + CASE WHEN state = 'listed' THEN :fetch ELSE :daily END


-- name: counts
-- On PostgreSQL each connection counts in rows of its own.
SELECT what, state, damaged, CAST(SUM(n) AS BIGINT) AS n FROM tally GROUP BY what, state, damaged HAVING SUM(n) > 0


-- name: recovery_begin
-- alone: recovery
INSERT INTO recovery (noticed_at) SELECT :now WHERE NOT EXISTS (SELECT 1 FROM recovery r WHERE r.doubted_at = 0)

-- name: recovery_due
SELECT noticed_at FROM recovery WHERE doubted_at = 0 LIMIT 1

-- name: recovery_count
SELECT COUNT(*) AS n FROM job WHERE state IN (:states) AND preview = 0 AND damaged = 0

-- name: recovery_doubt
UPDATE recovery SET doubted_at = :now WHERE doubted_at = 0

-- name: recovery_history
INSERT INTO history (at, queue_id, event, state, detail)
SELECT :now, queue_id, :event_word, :state, '' FROM job WHERE state IN (:states) AND preview = 0 AND damaged = 0

-- name: recovery_jobs
-- Each may have been handed over at any time between its acceptance and now.
UPDATE job SET
    state = :state, lease_until = 0, reconcile_at = :now, absences = 0, last_byte_at = :now,
    last_byte_elapsed = :elapsed, last_byte_boot = :boot,
    submitting_at = CASE WHEN submitting_at > 0 THEN submitting_at ELSE accepted_at END,
    attempts = CASE WHEN attempts > 0 THEN attempts ELSE 1 END, version = version + 1
WHERE state IN (:states) AND preview = 0 AND damaged = 0

-- name: recovery_waits
SELECT noticed_at FROM recovery WHERE released_at = 0 LIMIT 1

-- name: recovery_release
-- Not before its faxes were put in doubt: then a person could not know what is let go.
UPDATE recovery SET released_at = :now WHERE released_at = 0 AND doubted_at > 0


-- name: content_none
-- What has lost its content refers to this one (retention.py).
INSERT INTO content (content_id, size, prefix_size, sha256, made_at, bytes) VALUES ('', 0, 0, '', 0, :bytes)
ON CONFLICT (content_id) DO NOTHING

-- name: content_shared
-- A document that another was made the same as still has its pages.
-- alone: retention
UPDATE content SET made_at = made_at WHERE content_id = :content_id AND content_id <> ''

-- name: message_whole
-- A mail still has its content.
-- alone: retention
UPDATE message SET content_id = content_id WHERE queue_id = :message AND content_id <> ''

-- name: kept_add
-- alone: retention
INSERT INTO kept (what, kept_at) VALUES (:what, :now) ON CONFLICT (what) DO NOTHING

-- name: kept_remove
DELETE FROM kept WHERE what = :what

-- name: kept_list
SELECT what, kept_at FROM kept ORDER BY what

-- name: message_content_old
-- These eight: what may be deleted, oldest first, behind :at and :id, with its contents, and how many rows go with it.
SELECT m.queue_id AS id, m.received_at AS at, m.content_id, d.content_id AS more, 1 AS weight
FROM message m LEFT JOIN document d ON d.message = m.queue_id
WHERE m.content_id <> '' AND m.received_at < :before AND (m.received_at, m.queue_id) > (:at, :id)
ORDER BY m.received_at, m.queue_id LIMIT :limit

-- name: inbound_content_old
SELECT queue_id AS id, listed_at AS at, content_id, '' AS more, 1 AS weight FROM inbound
WHERE content_id <> '' AND listed_at < :before AND (listed_at, queue_id) > (:at, :id)
ORDER BY listed_at, queue_id LIMIT :limit

-- name: junk_content_old
SELECT queue_id AS id, listed_at AS at, content_id, '' AS more, 1 AS weight FROM inbound
WHERE state = 'junk' AND content_id <> '' AND listed_at < :before AND (listed_at, queue_id) > (:at, :id)
ORDER BY listed_at, queue_id LIMIT :limit

-- name: letter_content_old
SELECT letter_id AS id, decided_at AS at, content_id, '' AS more, 1 AS weight FROM letter
WHERE content_id <> '' AND kind = :kind AND decided_at < :before AND (decided_at, letter_id) > (:at, :id)
ORDER BY decided_at, letter_id LIMIT :limit

-- name: message_record_old
SELECT m.queue_id AS id, m.received_at AS at, '' AS content_id, '' AS more,
    1 + (SELECT COUNT(*) FROM job n WHERE n.message = m.queue_id) AS weight
FROM message m -- postgresql
FROM message m INDEXED BY message_without_content -- sqlite
WHERE m.content_id = '' AND m.received_at < :before AND (m.received_at, m.queue_id) > (:at, :id)
ORDER BY m.received_at, m.queue_id LIMIT :limit

-- name: inbound_record_old
SELECT queue_id AS id, listed_at AS at, '' AS content_id, '' AS more, 1 AS weight FROM inbound
WHERE content_id = '' AND listed_at < :before AND (listed_at, queue_id) > (:at, :id)
ORDER BY listed_at, queue_id LIMIT :limit

-- name: junk_record_old
SELECT queue_id AS id, listed_at AS at, '' AS content_id, '' AS more, 1 AS weight FROM inbound
WHERE state = 'junk' AND content_id = '' AND listed_at < :before AND (listed_at, queue_id) > (:at, :id)
ORDER BY listed_at, queue_id LIMIT :limit

-- name: letter_record_old
SELECT letter_id AS id, decided_at AS at, '' AS content_id, '' AS more, 1 AS weight FROM letter
WHERE content_id = '' AND kind = :kind AND decided_at < :before AND (decided_at, letter_id) > (:at, :id)
ORDER BY decided_at, letter_id LIMIT :limit

-- name: message_contents
-- These three: the same of what a person names.
SELECT m.queue_id AS id, m.content_id, d.content_id AS more
FROM message m LEFT JOIN document d ON d.message = m.queue_id
WHERE m.queue_id IN (:ids) AND m.content_id <> ''

-- name: inbound_contents
SELECT queue_id AS id, content_id, '' AS more FROM inbound WHERE queue_id IN (:ids) AND content_id <> ''

-- name: letter_contents
SELECT letter_id AS id, content_id, '' AS more FROM letter WHERE letter_id IN (:ids) AND content_id <> ''

-- name: message_content_gone
-- Only where every fax of it ended before :before, and nobody makes its pages just now.
-- alone: retention
UPDATE message SET content_id = ''
WHERE queue_id IN (:ids) AND content_id <> ''
  AND NOT EXISTS (
      SELECT 1 FROM job j WHERE j.message = message.queue_id AND (
          j.state NOT IN ('delivered', 'failed', 'cancelled', 'unconfirmed', 'previewed') OR j.damaged = 1
          OR j.ended_at > :before
      )
  )
  AND NOT EXISTS (SELECT 1 FROM report r WHERE r.message = message.queue_id)
  AND NOT EXISTS (SELECT 1 FROM outcome_owed o WHERE o.message = message.queue_id)
  AND NOT EXISTS (SELECT 1 FROM document d WHERE d.message = message.queue_id AND d.lease_until > :now)
  AND NOT EXISTS (SELECT 1 FROM kept k WHERE k.what = message.queue_id OR k.what = LOWER(message.sender))
  AND NOT EXISTS (
      SELECT 1 FROM kept k WHERE k.what >= '@' AND k.what < 'A' AND LOWER(message.sender) LIKE '%' || k.what
  )

-- name: document_content_gone
UPDATE document SET content_id = '', render_key = ''
WHERE message IN (:ids) AND content_id <> ''
  AND EXISTS (SELECT 1 FROM message m WHERE m.queue_id = document.message AND m.content_id = '')

-- name: inbound_content_gone
-- Its pages were fetched long after it was listed, perhaps.
-- alone: retention
UPDATE inbound SET content_id = ''
WHERE queue_id IN (:ids) AND content_id <> '' AND state IN ('stored', 'junk', 'vanished') AND damaged <> 1
  AND EXISTS (SELECT 1 FROM content c WHERE c.content_id = inbound.content_id AND c.made_at < :before)
  AND NOT EXISTS (SELECT 1 FROM kept k WHERE k.what = inbound.queue_id)

-- name: letter_content_gone
-- alone: retention
UPDATE letter SET content_id = ''
WHERE letter_id IN (:ids) AND content_id <> '' AND state IN ('handed-over', 'cancelled') AND damaged <> 1
  AND NOT EXISTS (SELECT 1 FROM kept k WHERE k.what = letter.letter_id OR k.what = letter.about)
  AND NOT EXISTS (
      SELECT 1 FROM message m JOIN kept k ON k.what = m.queue_id OR k.what = LOWER(m.sender)
      WHERE m.queue_id = letter.about OR m.queue_id = (SELECT j.message FROM job j WHERE j.queue_id = letter.about)
  )
  AND NOT EXISTS (
      SELECT 1 FROM message m JOIN kept k
          ON k.what >= '@' AND k.what < 'A' AND LOWER(m.sender) LIKE '%' || k.what
      WHERE m.queue_id = letter.about OR m.queue_id = (SELECT j.message FROM job j WHERE j.queue_id = letter.about)
  )

-- name: content_delete
-- Whatever was meant: nothing goes that anything still refers to.
DELETE FROM content
WHERE content_id IN (:content_ids) AND content_id <> ''
  AND NOT EXISTS (SELECT 1 FROM message m WHERE m.content_id = content.content_id)
  AND NOT EXISTS (SELECT 1 FROM letter l WHERE l.content_id = content.content_id)
  AND NOT EXISTS (SELECT 1 FROM document d WHERE d.content_id = content.content_id AND d.content_id <> '')
  AND NOT EXISTS (SELECT 1 FROM inbound i WHERE i.content_id = content.content_id AND i.content_id <> '')
RETURNING content_id, CASE WHEN bytes IS NULL THEN 1 ELSE 0 END AS large

-- name: message_record_mark
-- What goes with this very commit has the size -1. Without content nothing of it can be sent again, so what has ended stays so.
-- alone: retention
UPDATE message SET size = -1
WHERE queue_id IN (:ids) AND content_id = ''
  AND NOT EXISTS (
      SELECT 1 FROM job j WHERE j.message = message.queue_id AND (
          j.state NOT IN ('delivered', 'failed', 'cancelled', 'unconfirmed', 'previewed') OR j.damaged = 1
          OR j.ended_at > :before
      )
  )
  AND NOT EXISTS (SELECT 1 FROM report r WHERE r.message = message.queue_id)
  AND NOT EXISTS (SELECT 1 FROM outcome_owed o WHERE o.message = message.queue_id)
  AND NOT EXISTS (
      SELECT 1 FROM letter l WHERE l.about = message.queue_id AND l.state NOT IN ('handed-over', 'cancelled')
  )
  AND NOT EXISTS (
      SELECT 1 FROM job j JOIN letter l ON l.about = j.queue_id
      WHERE j.message = message.queue_id AND l.state NOT IN ('handed-over', 'cancelled')
  )
  AND NOT EXISTS (SELECT 1 FROM kept k WHERE k.what = message.queue_id OR k.what = LOWER(message.sender))
  AND NOT EXISTS (
      SELECT 1 FROM kept k WHERE k.what >= '@' AND k.what < 'A' AND LOWER(message.sender) LIKE '%' || k.what
  )

-- name: message_record_told
-- What is deleted of the history is said in a line of it (seals.py), in the very statement that deletes it: on SQLite,
-- where nobody comes between them, in the one before. That line is the newest: by it an older copy of the spool is known (mark.py).
WITH gone AS (DELETE FROM history WHERE queue_id IN ( -- postgresql
WITH gone AS (SELECT seq FROM history WHERE queue_id IN ( -- sqlite
    SELECT m.queue_id FROM message m WHERE m.queue_id IN (:ids) AND m.size = -1
    UNION ALL SELECT j.queue_id FROM message m JOIN job j ON j.message = m.queue_id
    WHERE m.queue_id IN (:ids) AND m.size = -1
) RETURNING seq -- postgresql
) -- sqlite
)
INSERT INTO history (at, queue_id, event, state, detail)
SELECT :now, '[retention]', 'deleted', '', STRING_AGG(CAST(seq AS TEXT), ' ' ORDER BY seq) FROM gone -- postgresql
SELECT :now, '[retention]', 'deleted', '', GROUP_CONCAT(seq, ' ') FROM gone -- sqlite
HAVING COUNT(*) > 0

-- name: message_record_history
DELETE FROM history
WHERE 1 = 0 AND queue_id IN ( -- postgresql
WHERE queue_id IN ( -- sqlite
    SELECT m.queue_id FROM message m WHERE m.queue_id IN (:ids) AND m.size = -1
    UNION ALL SELECT j.queue_id FROM message m JOIN job j ON j.message = m.queue_id
    WHERE m.queue_id IN (:ids) AND m.size = -1
)

-- name: message_record_jobs
-- The fax ids stay in the ledger: no fax of ours is ever taken for a received one, or for another's.
DELETE FROM job WHERE message IN (SELECT m.queue_id FROM message m WHERE m.queue_id IN (:ids) AND m.size = -1)

-- name: message_record_document
DELETE FROM document WHERE message IN (SELECT m.queue_id FROM message m WHERE m.queue_id IN (:ids) AND m.size = -1)

-- name: message_record_gone
DELETE FROM message WHERE queue_id IN (:ids) AND size = -1

-- name: inbound_record_gone
-- The fax ids stay in the ledger: nothing is fetched twice.
-- alone: retention
DELETE FROM inbound
WHERE queue_id IN (:ids) AND content_id = '' AND state IN ('stored', 'junk', 'vanished') AND damaged <> 1
  AND NOT EXISTS (SELECT 1 FROM letter l WHERE l.about = inbound.queue_id AND l.state NOT IN ('handed-over', 'cancelled'))
  AND NOT EXISTS (SELECT 1 FROM kept k WHERE k.what = inbound.queue_id)

-- name: inbound_record_told
WITH gone AS (DELETE FROM history -- postgresql
WITH gone AS (SELECT seq FROM history -- sqlite
    WHERE queue_id IN (:ids) AND NOT EXISTS (SELECT 1 FROM inbound i WHERE i.queue_id = history.queue_id)
    RETURNING seq -- postgresql
)
INSERT INTO history (at, queue_id, event, state, detail)
SELECT :now, '[retention]', 'deleted', '', STRING_AGG(CAST(seq AS TEXT), ' ' ORDER BY seq) FROM gone -- postgresql
SELECT :now, '[retention]', 'deleted', '', GROUP_CONCAT(seq, ' ') FROM gone -- sqlite
HAVING COUNT(*) > 0

-- name: inbound_record_history
DELETE FROM history
WHERE 1 = 0 AND queue_id IN (:ids) -- postgresql
WHERE queue_id IN (:ids) -- sqlite
  AND NOT EXISTS (SELECT 1 FROM inbound i WHERE i.queue_id = history.queue_id)

-- name: letter_record_gone
-- alone: retention
DELETE FROM letter
WHERE letter_id IN (:ids) AND content_id = '' AND state IN ('handed-over', 'cancelled') AND damaged <> 1
  AND NOT EXISTS (SELECT 1 FROM kept k WHERE k.what = letter.letter_id OR k.what = letter.about)
  AND NOT EXISTS (
      SELECT 1 FROM message m JOIN kept k ON k.what = m.queue_id OR k.what = LOWER(m.sender)
      WHERE m.queue_id = letter.about OR m.queue_id = (SELECT j.message FROM job j WHERE j.queue_id = letter.about)
  )
  AND NOT EXISTS (
      SELECT 1 FROM message m JOIN kept k
          ON k.what >= '@' AND k.what < 'A' AND LOWER(m.sender) LIKE '%' || k.what
      WHERE m.queue_id = letter.about OR m.queue_id = (SELECT j.message FROM job j WHERE j.queue_id = letter.about)
  )

-- name: letter_record_told
WITH gone AS (DELETE FROM history -- postgresql
WITH gone AS (SELECT seq FROM history -- sqlite
    WHERE queue_id IN (:ids) AND NOT EXISTS (SELECT 1 FROM letter l WHERE l.letter_id = history.queue_id)
    RETURNING seq -- postgresql
)
INSERT INTO history (at, queue_id, event, state, detail)
SELECT :now, '[retention]', 'deleted', '', STRING_AGG(CAST(seq AS TEXT), ' ' ORDER BY seq) FROM gone -- postgresql
SELECT :now, '[retention]', 'deleted', '', GROUP_CONCAT(seq, ' ') FROM gone -- sqlite
HAVING COUNT(*) > 0

-- name: letter_record_history
DELETE FROM history
WHERE 1 = 0 AND queue_id IN (:ids) -- postgresql
WHERE queue_id IN (:ids) -- sqlite
  AND NOT EXISTS (SELECT 1 FROM letter l WHERE l.letter_id = history.queue_id)


-- name: export_sent
-- These two: everything from :since on, oldest first, behind :at and :id, with no list in memory that grows.
SELECT j.queue_id, j.accepted_at AS at, j.ended_at, j.account, m.sender, j.number, j.state, j.status_sentence,
    COALESCE(j.subject, m.subject) AS subject, j.pages, j.pages_delivered, j.code
FROM job j JOIN message m ON m.queue_id = j.message
WHERE j.damaged = 0 AND j.accepted_at >= :since AND j.accepted_at < :up_to AND (j.accepted_at, j.queue_id) > (:at, :id)
  AND (:sender = '' OR LOWER(m.sender) = :sender) AND (:domain = '' OR LOWER(m.sender) LIKE :domain ESCAPE '!')
ORDER BY j.accepted_at, j.queue_id LIMIT :limit

-- name: export_received
SELECT fax_id, queue_id, listed_at AS at, received_at, account, caller, state, problem, pages FROM inbound
WHERE damaged = 0 AND listed_at >= :since AND listed_at < :up_to AND (listed_at, fax_id) > (:at, :id)
ORDER BY listed_at, fax_id LIMIT :limit


-- name: bearer_add
-- A token's name is its own.
INSERT INTO bearer (hash, kind, name, login, stamp, made_at, used_at, ends_at)
SELECT :hash, :kind, :name, :login, :stamp, :now, :now, :ends_at
WHERE :kind = 'session' OR NOT EXISTS (SELECT 1 FROM bearer b WHERE b.kind = 'token' AND b.name = :name)

-- name: bearer_sweep
DELETE FROM bearer WHERE ends_at > 0 AND ends_at <= :now

-- name: bearer_get
SELECT hash, kind, name, login, stamp, made_at, used_at, ends_at FROM bearer
WHERE hash = :hash AND (ends_at = 0 OR ends_at > :now)

-- name: bearer_use
UPDATE bearer SET used_at = :now WHERE hash = :hash

-- name: bearer_remove
DELETE FROM bearer WHERE kind = :kind AND ((kind = 'session' AND hash = :hash) OR (kind = 'token' AND name = :name))

-- name: bearer_tokens
SELECT hash, kind, name, login, stamp, made_at, used_at, ends_at FROM bearer WHERE kind = 'token' ORDER BY name

-- name: shown_by_login
-- The newest faxes of one user: what they sent with their login.
SELECT o.queue_id, s.received_at FROM message s JOIN job o ON o.message = s.queue_id
WHERE LOWER(s.login) = :who AND s.login <> ''
  AND o.state IN (:states) AND o.damaged = 0
  AND (:number = '' OR o.number LIKE :number) AND o.accepted_at >= :since
  AND (:text = '' OR LOWER(o.queue_id) LIKE :text ESCAPE '!' OR LOWER(o.address) LIKE :text ESCAPE '!'
    OR LOWER(o.fax_id) LIKE :text ESCAPE '!' OR LOWER(o.reference) LIKE :text ESCAPE '!'
    OR LOWER(s.subject) LIKE :text ESCAPE '!' OR (:digits <> '' AND o.number LIKE :digits))
ORDER BY s.received_at DESC, s.queue_id DESC, o.queue_id DESC LIMIT :limit

-- name: shown_by_address
-- What they sent from an address of theirs.
SELECT o.queue_id, s.received_at FROM message s JOIN job o ON o.message = s.queue_id
WHERE LOWER(s.sender) = :who
  AND o.state IN (:states) AND o.damaged = 0
  AND (:number = '' OR o.number LIKE :number) AND o.accepted_at >= :since
  AND (:text = '' OR LOWER(o.queue_id) LIKE :text ESCAPE '!' OR LOWER(o.address) LIKE :text ESCAPE '!'
    OR LOWER(o.fax_id) LIKE :text ESCAPE '!' OR LOWER(o.reference) LIKE :text ESCAPE '!'
    OR LOWER(s.subject) LIKE :text ESCAPE '!' OR (:digits <> '' AND o.number LIKE :digits))
ORDER BY s.received_at DESC, s.queue_id DESC, o.queue_id DESC LIMIT :limit

-- name: shown_received
-- The received faxes of one user: those that were mailed to an address of theirs.
SELECT i.* FROM letter l JOIN inbound i ON i.queue_id = l.about
WHERE LOWER(l.recipients) IN (:recipients) AND l.kind = 'received' AND i.damaged = 0
ORDER BY i.listed_at DESC, i.fax_id DESC LIMIT :limit OFFSET :offset

-- name: shown_received_one
SELECT 1 AS one FROM letter
WHERE about = :about AND kind = 'received' AND LOWER(recipients) IN (:recipients) LIMIT 1

-- name: shown_hours
SELECT
    CAST(accepted_at / 3600 AS INTEGER) AS hour, -- sqlite
    CAST(FLOOR(accepted_at / 3600) AS BIGINT) AS hour, -- postgresql
    state, COUNT(*) AS n FROM job
WHERE accepted_at >= :since AND damaged = 0 AND preview = 0
GROUP BY 1, 2

-- name: shown_hours_received
SELECT
    CAST(listed_at / 3600 AS INTEGER) AS hour, -- sqlite
    CAST(FLOOR(listed_at / 3600) AS BIGINT) AS hour, -- postgresql
    COUNT(*) AS n FROM inbound
WHERE listed_at >= :since AND damaged = 0
GROUP BY 1

-- name: shown_spent
-- What arrived, by sender, code and the beginning of the number: as much of it as prices need.
SELECT LOWER(m.sender) AS sender, j.code, SUBSTR(j.number, 1, CAST(:prefix_size AS INTEGER)) AS prefix, COUNT(*) AS faxes,
    CAST(SUM(COALESCE(j.pages_delivered, j.pages)) AS BIGINT) AS pages
FROM job j JOIN message m ON m.queue_id = j.message
WHERE j.accepted_at >= :since AND j.damaged = 0 AND j.preview = 0
  AND (j.pages_delivered > 0 OR (j.state = 'delivered' AND j.pages_delivered IS NULL AND j.pages > 0))
GROUP BY 1, 2, 3

-- name: shown_by_key
SELECT queue_id FROM message WHERE header_message_id = :header_message_id AND listener = '[pages]' LIMIT 1
