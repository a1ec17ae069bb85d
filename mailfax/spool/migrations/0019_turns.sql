-- Whose fax is next: each sender's faxes that wait have turns a second apart, so that whoever sends five thousand keeps
-- nobody waiting who sends one. `turn` orders what is due, and delays nothing.
ALTER TABLE job ADD COLUMN payer TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN turn DOUBLE PRECISION NOT NULL DEFAULT 0;
UPDATE job SET turn = accepted_at, payer = (SELECT m.payer FROM message m WHERE m.queue_id = job.message)
WHERE state IN ('accepted', 'ready', 'deferred', 'held');
CREATE INDEX job_last_turn ON job (payer, account, turn) WHERE state IN ('accepted', 'ready', 'deferred');
CREATE INDEX job_turn ON job (account, turn, queue_id) WHERE state = 'ready' AND preview = 0;
