-- A job that is a preview: its pages are mailed back, and it is never handed to FaxCore.

ALTER TABLE job ADD COLUMN preview INTEGER NOT NULL DEFAULT 0;
