-- `mailfax reload` finds the processes that serve, and what became of their last reload.
ALTER TABLE process ADD COLUMN serves BIGINT NOT NULL DEFAULT 0;
ALTER TABLE process ADD COLUMN reloaded_at DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE process ADD COLUMN reload_problem TEXT NOT NULL DEFAULT '';
