-- An index for each question of a carrier: what is due stands first in it, and whatever is not meant is not in it.

DROP INDEX job_ready;
CREATE INDEX job_ready ON job (account, submit_at, queue_id) WHERE state = 'ready' AND preview = 0;
CREATE INDEX job_preview ON job (submit_at, queue_id) WHERE state = 'ready' AND preview = 1;
CREATE INDEX job_tried ON job (account, queue_id)
WHERE attempts > 0 AND fax_id = '' AND state IN ('ready', 'submitting', 'in-doubt', 'deferred', 'held');
CREATE INDEX job_recent ON job (account, submitted_at, queue_id) WHERE submitted_at > 0;

DROP INDEX inbound_due;
DROP INDEX inbound_state;
CREATE INDEX inbound_due ON inbound (account, next_attempt_at, fax_id) WHERE state IN ('listed', 'unreadable');

DROP INDEX letter_due;
CREATE INDEX letter_waiting ON letter (next_attempt_at, decided_at, letter_id) WHERE state = 'waiting';
CREATE INDEX letter_leased ON letter (lease_until) WHERE state = 'handing-over';

-- For people, who read a page at a time, newest first.
DROP INDEX letter_about;
CREATE INDEX letter_about ON letter (about, decided_at, letter_id);
CREATE INDEX letter_newest ON letter (decided_at, letter_id);
CREATE INDEX letter_open ON letter (decided_at, letter_id) WHERE state IN ('waiting', 'handing-over', 'undeliverable');
CREATE INDEX inbound_newest ON inbound (listed_at, fax_id);
CREATE INDEX inbound_open ON inbound (listed_at, fax_id) WHERE state IN ('listed', 'unreadable');
CREATE INDEX inbound_queue_id ON inbound (queue_id);
DROP INDEX job_newest;
CREATE INDEX job_newest ON job (accepted_at, queue_id, damaged, account, number);
CREATE INDEX job_open ON job (accepted_at, queue_id)
WHERE state IN ('accepted', 'ready', 'submitting', 'submitted', 'in-doubt', 'deferred', 'held');

DROP INDEX document_due;
DROP INDEX document_lane;
CREATE INDEX document_pending ON document (slow, next_attempt_at, message, payer, lease_until) WHERE state = 'pending';
