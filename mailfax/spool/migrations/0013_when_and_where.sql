-- When a fax may be handed over, by its sender's wish and by their office hours: not before `not_before`, and not from
-- `not_after` on (0: whenever); what it waits for, for people. A message keeps the hours, and the zone they are meant in,
-- that its sender's rule had: a window that has closed is followed by the next.
ALTER TABLE job ADD COLUMN not_before DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN not_after DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN waits_until TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN hours TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN timezone TEXT NOT NULL DEFAULT 'UTC';
CREATE INDEX job_closing ON job (not_after, queue_id)
WHERE not_after > 0 AND state IN ('accepted', 'ready', 'deferred', 'held');

-- One fax at a time to a number, whatever its account.
DROP INDEX job_in_flight;
CREATE INDEX job_in_flight ON job (number, account) WHERE state IN ('submitting', 'submitted', 'in-doubt');
