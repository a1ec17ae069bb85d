-- What ends is deleted after a while (spool/retention.py): its content first, and then the content_id is ''. `kept` is what
-- is never deleted, for as long as it stands there: a queue ID, the address of a sender, or a whole @domain.

CREATE TABLE kept (
    what    TEXT PRIMARY KEY,
    kept_at DOUBLE PRECISION NOT NULL
);

-- What has content yet, and what has none any more, oldest first.
CREATE INDEX message_with_content ON message (received_at, queue_id) WHERE content_id <> '';
CREATE INDEX message_without_content ON message (received_at, queue_id) WHERE content_id = '';
CREATE INDEX inbound_with_content ON inbound (listed_at, queue_id) WHERE content_id <> '';
CREATE INDEX inbound_without_content ON inbound (listed_at, queue_id) WHERE content_id = '';
CREATE INDEX letter_with_content ON letter (kind, decided_at, letter_id) WHERE content_id <> '';
CREATE INDEX letter_without_content ON letter (kind, decided_at, letter_id) WHERE content_id = '';

-- Who has a content: several may have the same.
CREATE INDEX message_content ON message (content_id);
CREATE INDEX letter_content ON letter (content_id);
CREATE INDEX document_content ON document (content_id) WHERE content_id <> '';
CREATE INDEX inbound_content ON inbound (content_id) WHERE content_id <> '';
