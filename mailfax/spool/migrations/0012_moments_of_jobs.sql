-- A moment for each thing that a job may wait for, where one column stood for all of them. `submit_at`: it is not handed
-- to FaxCore (nor mailed back, where it is a preview) before; `track_at`: it is asked how it went; `reconcile_at`: it is
-- looked for, since nobody knows whether FaxCore has it. Which of them counts is said by the state.

ALTER TABLE job RENAME COLUMN next_attempt_at TO submit_at;
ALTER TABLE job ADD COLUMN track_at DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN reconcile_at DOUBLE PRECISION NOT NULL DEFAULT 0;
UPDATE job SET track_at = submit_at WHERE state = 'submitted';
UPDATE job SET reconcile_at = submit_at WHERE state = 'in-doubt';

-- Each index has only the rows of its question, so that a million faxes that have ended make none of them longer.
DROP INDEX job_due;
DROP INDEX job_expiry;
DROP INDEX job_account;
CREATE INDEX job_ready ON job (submit_at, queue_id) WHERE state = 'ready';
CREATE INDEX job_deferred ON job (submit_at, queue_id) WHERE state = 'deferred';
CREATE INDEX job_submitting ON job (lease_until, queue_id) WHERE state = 'submitting';
CREATE INDEX job_submitted ON job (account, track_at, queue_id) WHERE state = 'submitted';
CREATE INDEX job_in_doubt ON job (account, reconcile_at, queue_id) WHERE state = 'in-doubt';
CREATE INDEX job_in_flight ON job (account, number) WHERE state IN ('submitting', 'submitted', 'in-doubt');
CREATE INDEX job_waiting ON job (expires_at, queue_id) WHERE state IN ('accepted', 'ready', 'deferred', 'held');
CREATE INDEX job_cancel_wanted ON job (queue_id)
WHERE cancel_requested = 1 AND state IN ('accepted', 'ready', 'deferred', 'held');
CREATE INDEX job_untold ON job (accepted_at, queue_id)
WHERE delay_told = 0 AND state IN ('accepted', 'ready', 'submitting', 'submitted', 'in-doubt', 'deferred', 'held');
