-- What the mail door needs. `prefix_size`: so many bytes at the beginning of a content are lines of ours. `sha256` is of
-- what follows them, and then of them.

ALTER TABLE content ADD COLUMN prefix_size BIGINT NOT NULL DEFAULT 0;
