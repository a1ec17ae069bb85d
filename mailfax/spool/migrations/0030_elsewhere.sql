-- What goes to a folder or a webhook, and not to the relay: it waits in a line of its own.

ALTER TABLE letter ADD COLUMN elsewhere BIGINT NOT NULL DEFAULT 0;
CREATE INDEX letter_elsewhere ON letter (state, next_attempt_at, decided_at, letter_id) WHERE elsewhere = 1;
