-- Where a program hears of the outcomes of a message's faxes, as its sender's rule said when it was accepted; "": nowhere.
-- And the ends of faxes that no program was written to about yet (offramp/programs.py).
ALTER TABLE message ADD COLUMN outcome_webhook TEXT NOT NULL DEFAULT '';
CREATE TABLE outcome_owed (
    job      TEXT PRIMARY KEY,
    message  TEXT NOT NULL,
    ended_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX outcome_owed_first ON outcome_owed (ended_at, job);
CREATE INDEX outcome_owed_message ON outcome_owed (message);
