-- Outcomes of which nobody was told yet: one notification is written for all faxes of a message that have
-- ended (offramp/report.py). `also`: further recipients that mean the same fax, (address, ORCPT, NOTIFY) each.

CREATE TABLE report (
    job     TEXT PRIMARY KEY,
    message TEXT NOT NULL,
    due_at  DOUBLE PRECISION NOT NULL
);
CREATE INDEX report_message ON report (message);
CREATE INDEX report_due ON report (due_at);
ALTER TABLE job ADD COLUMN also TEXT NOT NULL DEFAULT '[]';
