-- What a person looks for by `mailfax find`, in an index of every three characters (pg_trgm): a part of a number, an
-- address, a subject or an ID is found behind a million faxes. Triggers keep it, so that no commit has to remember it,
-- and what an older version writes beside this one is found, too. A fax comes into it when its pages are made: until
-- then its row is read, and no client waits for an index. Where pg_trgm may not be had, every row is read.

CREATE TABLE searchable (
    id       INTEGER PRIMARY KEY,
    queue_id TEXT NOT NULL UNIQUE,
    text     TEXT NOT NULL
);
CREATE FUNCTION searchable_change() RETURNS trigger LANGUAGE plpgsql AS '
BEGIN
    IF TG_OP = ''DELETE'' THEN
        DELETE FROM searchable WHERE queue_id = OLD.queue_id;
    ELSIF TG_TABLE_NAME = ''job'' THEN
        INSERT INTO searchable (queue_id, text)
        SELECT NEW.queue_id, LOWER(concat_ws(chr(10), NEW.queue_id, NEW.number, NEW.address, NEW.reference,
            m.sender, m.subject, m.header_message_id))
        FROM message m WHERE m.queue_id = NEW.message
        ON CONFLICT (queue_id) DO NOTHING;
    ELSE
        INSERT INTO searchable AS s (queue_id, text)
        VALUES (NEW.queue_id, LOWER(concat_ws(chr(10), NEW.queue_id, NEW.fax_id, NEW.caller)))
        ON CONFLICT (queue_id) DO UPDATE SET text = EXCLUDED.text;
    END IF;
    RETURN NULL;
END
';
CREATE TRIGGER job_searchable AFTER UPDATE OF state ON job FOR EACH ROW
WHEN (OLD.state = 'accepted' AND NEW.state <> 'accepted') EXECUTE FUNCTION searchable_change();
CREATE TRIGGER job_searchable_added AFTER INSERT ON job FOR EACH ROW
WHEN (NEW.state <> 'accepted') EXECUTE FUNCTION searchable_change();
CREATE TRIGGER job_unsearchable AFTER DELETE ON job FOR EACH ROW EXECUTE FUNCTION searchable_change();
CREATE TRIGGER inbound_searchable AFTER INSERT OR DELETE ON inbound FOR EACH ROW EXECUTE FUNCTION searchable_change();
CREATE TRIGGER inbound_searchable_changed AFTER UPDATE OF caller ON inbound FOR EACH ROW
WHEN (NEW.caller <> OLD.caller) EXECUTE FUNCTION searchable_change();

INSERT INTO searchable (queue_id, text)
SELECT j.queue_id, LOWER(concat_ws(chr(10), j.queue_id, j.number, j.address, j.reference, m.sender, m.subject,
    m.header_message_id))
FROM job j JOIN message m ON m.queue_id = j.message WHERE j.state <> 'accepted' ORDER BY j.accepted_at, j.queue_id;
INSERT INTO searchable (queue_id, text)
SELECT queue_id, LOWER(concat_ws(chr(10), queue_id, fax_id, caller)) FROM inbound ORDER BY listed_at, fax_id;

DO '
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX searchable_text ON searchable USING gin (text gin_trgm_ops);
EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN
    RAISE NOTICE ''pg_trgm is not to be had: mailfax find reads every row'';
END
';
-- An ID of the fax service is found without its account.
CREATE INDEX job_accepted ON job (accepted_at, queue_id) WHERE state = 'accepted';
CREATE INDEX fax_id_owner ON fax_id (fax_id, owner);
