-- How many rows of each state there are, kept with every change: whoever asks does not count a million.

CREATE TABLE tally (
    what    TEXT NOT NULL,
    state   TEXT NOT NULL,
    damaged INTEGER NOT NULL,
    n       BIGINT NOT NULL,
    PRIMARY KEY (what, state, damaged)
);
INSERT INTO tally (what, state, damaged, n)
SELECT 'job', state, damaged, COUNT(*) FROM job GROUP BY state, damaged
UNION ALL SELECT 'letter', state, damaged, COUNT(*) FROM letter GROUP BY state, damaged
UNION ALL SELECT 'inbound', state, damaged, COUNT(*) FROM inbound GROUP BY state, damaged
UNION ALL SELECT 'document', state, damaged, COUNT(*) FROM document GROUP BY state, damaged;

CREATE TRIGGER job_added AFTER INSERT ON job BEGIN
    INSERT INTO tally (what, state, damaged, n) VALUES ('job', NEW.state, NEW.damaged, 1)
    ON CONFLICT (what, state, damaged) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER job_changed AFTER UPDATE OF state, damaged ON job
WHEN NEW.state <> OLD.state OR NEW.damaged <> OLD.damaged BEGIN
    UPDATE tally SET n = n - 1 WHERE what = 'job' AND state = OLD.state AND damaged = OLD.damaged;
    INSERT INTO tally (what, state, damaged, n) VALUES ('job', NEW.state, NEW.damaged, 1)
    ON CONFLICT (what, state, damaged) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER job_removed AFTER DELETE ON job BEGIN
    UPDATE tally SET n = n - 1 WHERE what = 'job' AND state = OLD.state AND damaged = OLD.damaged;
END;
CREATE TRIGGER letter_added AFTER INSERT ON letter BEGIN
    INSERT INTO tally (what, state, damaged, n) VALUES ('letter', NEW.state, NEW.damaged, 1)
    ON CONFLICT (what, state, damaged) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER letter_changed AFTER UPDATE OF state, damaged ON letter
WHEN NEW.state <> OLD.state OR NEW.damaged <> OLD.damaged BEGIN
    UPDATE tally SET n = n - 1 WHERE what = 'letter' AND state = OLD.state AND damaged = OLD.damaged;
    INSERT INTO tally (what, state, damaged, n) VALUES ('letter', NEW.state, NEW.damaged, 1)
    ON CONFLICT (what, state, damaged) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER letter_removed AFTER DELETE ON letter BEGIN
    UPDATE tally SET n = n - 1 WHERE what = 'letter' AND state = OLD.state AND damaged = OLD.damaged;
END;
CREATE TRIGGER inbound_added AFTER INSERT ON inbound BEGIN
    INSERT INTO tally (what, state, damaged, n) VALUES ('inbound', NEW.state, NEW.damaged, 1)
    ON CONFLICT (what, state, damaged) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER inbound_changed AFTER UPDATE OF state, damaged ON inbound
WHEN NEW.state <> OLD.state OR NEW.damaged <> OLD.damaged BEGIN
    UPDATE tally SET n = n - 1 WHERE what = 'inbound' AND state = OLD.state AND damaged = OLD.damaged;
    INSERT INTO tally (what, state, damaged, n) VALUES ('inbound', NEW.state, NEW.damaged, 1)
    ON CONFLICT (what, state, damaged) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER inbound_removed AFTER DELETE ON inbound BEGIN
    UPDATE tally SET n = n - 1 WHERE what = 'inbound' AND state = OLD.state AND damaged = OLD.damaged;
END;
CREATE TRIGGER document_added AFTER INSERT ON document BEGIN
    INSERT INTO tally (what, state, damaged, n) VALUES ('document', NEW.state, NEW.damaged, 1)
    ON CONFLICT (what, state, damaged) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER document_changed AFTER UPDATE OF state, damaged ON document
WHEN NEW.state <> OLD.state OR NEW.damaged <> OLD.damaged BEGIN
    UPDATE tally SET n = n - 1 WHERE what = 'document' AND state = OLD.state AND damaged = OLD.damaged;
    INSERT INTO tally (what, state, damaged, n) VALUES ('document', NEW.state, NEW.damaged, 1)
    ON CONFLICT (what, state, damaged) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER document_removed AFTER DELETE ON document BEGIN
    UPDATE tally SET n = n - 1 WHERE what = 'document' AND state = OLD.state AND damaged = OLD.damaged;
END;

-- A message's jobs in their order; who sent what, for the person who asks.
DROP INDEX job_message;
CREATE INDEX job_message ON job (message, queue_id);
CREATE INDEX message_sender ON message (LOWER(sender), queue_id);
CREATE INDEX job_not_delivered ON job (accepted_at, queue_id)
WHERE state IN ('failed', 'cancelled', 'unconfirmed');
