-- Who collects what came in for an account, and until when: another process than the one that follows what was sent may.

ALTER TABLE account ADD COLUMN collecting_epoch BIGINT NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN collecting_until DOUBLE PRECISION NOT NULL DEFAULT 0;
