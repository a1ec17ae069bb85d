-- Received faxes of callers that nobody hears of: deleted before others (spool/retention.py).

CREATE INDEX inbound_junk ON inbound (listed_at, queue_id) WHERE state = 'junk';
