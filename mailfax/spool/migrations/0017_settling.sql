-- The last possible moment of acceptance on the clock of the machine that nobody can set, and the boot that it counts from;
-- '' where that is not known: then the wall clock tells.
ALTER TABLE job ADD COLUMN last_byte_elapsed DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN last_byte_boot TEXT NOT NULL DEFAULT '';
