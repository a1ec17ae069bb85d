-- Who is signed in to the pages, and the tokens of programs: a hash of each, never the thing itself.
CREATE TABLE bearer (
    hash    TEXT PRIMARY KEY,
    kind    TEXT NOT NULL, -- 'session' or 'token'
    name    TEXT NOT NULL, -- of a token
    login   TEXT NOT NULL,
    stamp   TEXT NOT NULL, -- of the password that was good when it was made
    made_at DOUBLE PRECISION NOT NULL,
    used_at DOUBLE PRECISION NOT NULL,
    ends_at DOUBLE PRECISION NOT NULL -- 0: never
);
-- What a user has sent; what was sent by the pages, by the key that its sender gave it; what was received for whom.
CREATE INDEX message_login ON message (LOWER(login), queue_id) WHERE login <> '';
CREATE INDEX message_of_pages ON message (header_message_id) WHERE listener = 'pages';
CREATE INDEX letter_received ON letter (LOWER(recipients), about) WHERE kind = 'received';
-- How many faxes ended how in each hour.
CREATE INDEX job_hours ON job (accepted_at, state) WHERE damaged = 0 AND preview = 0;
CREATE INDEX inbound_hours ON inbound (listed_at) WHERE damaged = 0;
