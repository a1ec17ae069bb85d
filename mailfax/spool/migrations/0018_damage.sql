-- Rows that were moved aside and not told of yet: `damaged` is 1 until somebody heard of it, and 2 from then on.
CREATE INDEX document_damaged ON document (message) WHERE damaged = 1;
CREATE INDEX inbound_damaged ON inbound (account, fax_id) WHERE damaged = 1;
CREATE INDEX job_damaged ON job (queue_id) WHERE damaged = 1;
CREATE INDEX letter_damaged ON letter (letter_id) WHERE damaged = 1;
