-- How many rows of each state there are, kept with every change: whoever asks does not count a million. Each connection
-- counts in rows of its own: else all would wait for one another, and for ever where they change two states in another
-- order.

CREATE TABLE tally (
    what    TEXT NOT NULL,
    state   TEXT NOT NULL,
    damaged INTEGER NOT NULL,
    slot    BIGINT NOT NULL DEFAULT 0,
    n       BIGINT NOT NULL,
    PRIMARY KEY (what, state, damaged, slot)
);
INSERT INTO tally (what, state, damaged, n)
SELECT 'job', state, damaged, COUNT(*) FROM job GROUP BY state, damaged
UNION ALL SELECT 'letter', state, damaged, COUNT(*) FROM letter GROUP BY state, damaged
UNION ALL SELECT 'inbound', state, damaged, COUNT(*) FROM inbound GROUP BY state, damaged
UNION ALL SELECT 'document', state, damaged, COUNT(*) FROM document GROUP BY state, damaged;

CREATE FUNCTION tally_change() RETURNS trigger LANGUAGE plpgsql AS '
BEGIN
    IF TG_OP <> ''INSERT'' THEN
        INSERT INTO tally AS t (what, state, damaged, slot, n)
        VALUES (TG_TABLE_NAME, OLD.state, OLD.damaged, pg_backend_pid() % 64, -1)
        ON CONFLICT (what, state, damaged, slot) DO UPDATE SET n = t.n - 1;
    END IF;
    IF TG_OP <> ''DELETE'' THEN
        INSERT INTO tally AS t (what, state, damaged, slot, n)
        VALUES (TG_TABLE_NAME, NEW.state, NEW.damaged, pg_backend_pid() % 64, 1)
        ON CONFLICT (what, state, damaged, slot) DO UPDATE SET n = t.n + 1;
    END IF;
    RETURN NULL;
END
';
CREATE TRIGGER job_counted AFTER INSERT OR DELETE ON job FOR EACH ROW EXECUTE FUNCTION tally_change();
CREATE TRIGGER job_changed AFTER UPDATE OF state, damaged ON job FOR EACH ROW
WHEN (NEW.state <> OLD.state OR NEW.damaged <> OLD.damaged) EXECUTE FUNCTION tally_change();
CREATE TRIGGER letter_counted AFTER INSERT OR DELETE ON letter FOR EACH ROW EXECUTE FUNCTION tally_change();
CREATE TRIGGER letter_changed AFTER UPDATE OF state, damaged ON letter FOR EACH ROW
WHEN (NEW.state <> OLD.state OR NEW.damaged <> OLD.damaged) EXECUTE FUNCTION tally_change();
CREATE TRIGGER inbound_counted AFTER INSERT OR DELETE ON inbound FOR EACH ROW EXECUTE FUNCTION tally_change();
CREATE TRIGGER inbound_changed AFTER UPDATE OF state, damaged ON inbound FOR EACH ROW
WHEN (NEW.state <> OLD.state OR NEW.damaged <> OLD.damaged) EXECUTE FUNCTION tally_change();
CREATE TRIGGER document_counted AFTER INSERT OR DELETE ON document FOR EACH ROW EXECUTE FUNCTION tally_change();
CREATE TRIGGER document_changed AFTER UPDATE OF state, damaged ON document FOR EACH ROW
WHEN (NEW.state <> OLD.state OR NEW.damaged <> OLD.damaged) EXECUTE FUNCTION tally_change();

-- A message's jobs in their order; who sent what, for the person who asks.
DROP INDEX job_message;
CREATE INDEX job_message ON job (message, queue_id);
CREATE INDEX message_sender ON message (LOWER(sender), queue_id);
CREATE INDEX job_not_delivered ON job (accepted_at, queue_id)
WHERE state IN ('failed', 'cancelled', 'unconfirmed');
