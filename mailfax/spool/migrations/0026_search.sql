-- What a person looks for by `mailfax find`, in an index of every three characters (FTS5's trigram): a part of a number,
-- an address, a subject or an ID is found behind a million faxes. Triggers keep it, so that no commit has to remember it,
-- and what an older version writes beside this one is found, too. Which characters stand together is all that the index
-- keeps; the text is the row's. A fax comes into it when its pages are made: until then its row is read, and no client
-- waits for an index.

CREATE TABLE searchable (
    id       INTEGER PRIMARY KEY,
    queue_id TEXT NOT NULL UNIQUE,
    text     TEXT NOT NULL
);
CREATE VIRTUAL TABLE searched USING fts5(
    text, content = 'searchable', content_rowid = 'id', tokenize = 'trigram', detail = 'none'
);
INSERT INTO searchable (queue_id, text)
SELECT j.queue_id, LOWER(j.queue_id || char(10) || j.number || char(10) || j.address || char(10) || j.reference
    || char(10) || m.sender || char(10) || m.subject || char(10) || m.header_message_id)
FROM job j JOIN message m ON m.queue_id = j.message WHERE j.state <> 'accepted' ORDER BY j.accepted_at, j.queue_id;
INSERT INTO searchable (queue_id, text)
SELECT queue_id, LOWER(queue_id || char(10) || fax_id || char(10) || caller)
FROM inbound ORDER BY listed_at, fax_id;
INSERT INTO searched (searched) VALUES ('rebuild');

CREATE TRIGGER searchable_added AFTER INSERT ON searchable BEGIN
    INSERT INTO searched (rowid, text) VALUES (NEW.id, NEW.text);
END;
CREATE TRIGGER searchable_changed AFTER UPDATE OF text ON searchable BEGIN
    INSERT INTO searched (searched, rowid, text) VALUES ('delete', OLD.id, OLD.text);
    INSERT INTO searched (rowid, text) VALUES (NEW.id, NEW.text);
END;
CREATE TRIGGER searchable_removed AFTER DELETE ON searchable BEGIN
    INSERT INTO searched (searched, rowid, text) VALUES ('delete', OLD.id, OLD.text);
END;
CREATE TRIGGER job_searchable AFTER UPDATE OF state ON job
WHEN OLD.state = 'accepted' AND NEW.state <> 'accepted' BEGIN
    INSERT INTO searchable (queue_id, text)
    SELECT NEW.queue_id, LOWER(NEW.queue_id || char(10) || NEW.number || char(10) || NEW.address || char(10)
        || NEW.reference || char(10) || m.sender || char(10) || m.subject || char(10) || m.header_message_id)
    FROM message m WHERE m.queue_id = NEW.message
    ON CONFLICT (queue_id) DO NOTHING;
END;
CREATE TRIGGER job_searchable_added AFTER INSERT ON job WHEN NEW.state <> 'accepted' BEGIN
    INSERT INTO searchable (queue_id, text)
    SELECT NEW.queue_id, LOWER(NEW.queue_id || char(10) || NEW.number || char(10) || NEW.address || char(10)
        || NEW.reference || char(10) || m.sender || char(10) || m.subject || char(10) || m.header_message_id)
    FROM message m WHERE m.queue_id = NEW.message
    ON CONFLICT (queue_id) DO NOTHING;
END;
CREATE TRIGGER job_unsearchable AFTER DELETE ON job BEGIN
    DELETE FROM searchable WHERE queue_id = OLD.queue_id;
END;
CREATE TRIGGER inbound_searchable AFTER INSERT ON inbound BEGIN
    INSERT INTO searchable (queue_id, text)
    VALUES (NEW.queue_id, LOWER(NEW.queue_id || char(10) || NEW.fax_id || char(10) || NEW.caller));
END;
CREATE TRIGGER inbound_searchable_changed AFTER UPDATE OF caller ON inbound WHEN NEW.caller <> OLD.caller BEGIN
    UPDATE searchable SET text = LOWER(NEW.queue_id || char(10) || NEW.fax_id || char(10) || NEW.caller)
    WHERE queue_id = NEW.queue_id;
END;
CREATE TRIGGER inbound_unsearchable AFTER DELETE ON inbound BEGIN
    DELETE FROM searchable WHERE queue_id = OLD.queue_id;
END;
-- An ID of the fax service is found without its account.
CREATE INDEX job_accepted ON job (accepted_at, queue_id) WHERE state = 'accepted';
CREATE INDEX fax_id_owner ON fax_id (fax_id, owner);
