-- Rendering has a share for each payer and a quick lane: `slow` is 1 once a document has taken longer than that lane
-- allows. A document for which no job waits any more is 'unneeded', and nobody passes over it at each claim.

ALTER TABLE document ADD COLUMN payer TEXT NOT NULL DEFAULT '';
ALTER TABLE document ADD COLUMN slow BIGINT NOT NULL DEFAULT 0;
UPDATE document SET payer = (SELECT m.payer FROM message m WHERE m.queue_id = document.message) WHERE state = 'pending';
UPDATE document SET state = 'unneeded' WHERE state = 'pending' AND NOT EXISTS (
    SELECT 1 FROM job WHERE job.message = document.message AND job.state IN ('accepted', 'held')
);
CREATE INDEX document_lane ON document (state, slow, next_attempt_at, message, payer, lease_until);
