-- The spool, first form. Times are seconds since 1970 UTC on the database's clock; 0 stands for "not yet".
-- Truth values are 0 and 1. Lists are JSON. `version` counts the changes of a row and guards each of them.

CREATE TABLE process (
    epoch        BIGINT PRIMARY KEY,
    started_at   DOUBLE PRECISION NOT NULL,
    ended_at     DOUBLE PRECISION NOT NULL DEFAULT 0,
    host         TEXT NOT NULL,
    pid          BIGINT NOT NULL
);

-- `bytes` is NULL where they are in the file content/<first two of the id>/<id>.
CREATE TABLE content (
    content_id   TEXT PRIMARY KEY,
    size         BIGINT NOT NULL,
    sha256       TEXT NOT NULL,
    made_at      DOUBLE PRECISION NOT NULL,
    bytes        BLOB
);

CREATE TABLE message (
    queue_id          TEXT PRIMARY KEY,
    received_at       DOUBLE PRECISION NOT NULL,
    sender            TEXT NOT NULL,
    ret               TEXT NOT NULL,
    envid             TEXT NOT NULL,
    client_ip         TEXT NOT NULL,
    listener          TEXT NOT NULL,
    login             TEXT NOT NULL,
    account           TEXT NOT NULL,
    sender_name       TEXT NOT NULL,
    sender_company    TEXT NOT NULL,
    owner             TEXT NOT NULL,
    success_notice    INTEGER NOT NULL,
    header_message_id TEXT NOT NULL,
    subject           TEXT NOT NULL,
    content_id        TEXT NOT NULL REFERENCES content (content_id),
    size              BIGINT NOT NULL
);

-- `claim` is unique to one claim, so that its history line finds its row.
-- `damaged`: this row could not be read; it was moved aside and stops nothing else.
CREATE TABLE document (
    message         TEXT PRIMARY KEY REFERENCES message (queue_id),
    state           TEXT NOT NULL,
    attempts        BIGINT NOT NULL,
    next_attempt_at DOUBLE PRECISION NOT NULL,
    version         BIGINT NOT NULL,
    epoch           BIGINT NOT NULL,
    lease_until     DOUBLE PRECISION NOT NULL,
    content_id      TEXT NOT NULL,
    filename        TEXT NOT NULL,
    pages           BIGINT,
    notes           TEXT NOT NULL,
    contents        TEXT NOT NULL,
    skipped         TEXT NOT NULL,
    claim           TEXT NOT NULL DEFAULT '',
    damaged         INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX document_due ON document (state, next_attempt_at, message);
CREATE INDEX document_claim ON document (claim);

CREATE TABLE job (
    queue_id          TEXT PRIMARY KEY,
    message           TEXT NOT NULL REFERENCES message (queue_id),
    account           TEXT NOT NULL,
    address           TEXT NOT NULL,
    number            TEXT NOT NULL,
    recipient_name    TEXT NOT NULL,
    notify            TEXT,
    orcpt             TEXT NOT NULL,
    reference         TEXT NOT NULL UNIQUE,
    state             TEXT NOT NULL,
    accepted_at       DOUBLE PRECISION NOT NULL,
    expires_at        DOUBLE PRECISION NOT NULL,
    next_attempt_at   DOUBLE PRECISION NOT NULL,
    version           BIGINT NOT NULL,
    attempts          BIGINT NOT NULL,
    epoch             BIGINT NOT NULL,
    lease_until       DOUBLE PRECISION NOT NULL,
    fax_id            TEXT NOT NULL,
    submitting_at     DOUBLE PRECISION NOT NULL,
    last_byte_at      DOUBLE PRECISION NOT NULL,
    submitted_at      DOUBLE PRECISION NOT NULL,
    absences          BIGINT NOT NULL,
    cancel_requested  INTEGER NOT NULL,
    delay_told        INTEGER NOT NULL,
    ended_at          DOUBLE PRECISION NOT NULL,
    pages             BIGINT,
    pages_delivered   BIGINT,
    status_code       TEXT,
    status_sentence   TEXT,
    status_diagnostic TEXT,
    claim             TEXT NOT NULL DEFAULT '',
    damaged           INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX job_message ON job (message);
CREATE INDEX job_due ON job (state, next_attempt_at, queue_id);
CREATE INDEX job_account ON job (account, state);
CREATE INDEX job_expiry ON job (state, expires_at);
CREATE INDEX job_newest ON job (accepted_at, queue_id);

CREATE TABLE account (
    name               TEXT PRIMARY KEY,
    first_met          DOUBLE PRECISION NOT NULL,
    baseline_at        DOUBLE PRECISION NOT NULL DEFAULT 0,
    paused_at          DOUBLE PRECISION NOT NULL DEFAULT 0,
    paused_reason      TEXT NOT NULL DEFAULT '',
    reference_returned INTEGER NOT NULL DEFAULT 0,
    listed_at          DOUBLE PRECISION NOT NULL DEFAULT 0,
    epoch              BIGINT NOT NULL DEFAULT 0,
    lease_until        DOUBLE PRECISION NOT NULL DEFAULT 0
);

-- The ledger. `kind`: baseline, foreign, job, inbound; `owner`: the queue ID of the job or the received fax, or ''.
CREATE TABLE fax_id (
    account  TEXT NOT NULL,
    fax_id   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    owner    TEXT NOT NULL,
    noted_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (account, fax_id)
);

CREATE TABLE inbound (
    account         TEXT NOT NULL,
    fax_id          TEXT NOT NULL,
    state           TEXT NOT NULL,
    listed_at       DOUBLE PRECISION NOT NULL,
    next_attempt_at DOUBLE PRECISION NOT NULL,
    version         BIGINT NOT NULL,
    attempts        BIGINT NOT NULL,
    queue_id        TEXT NOT NULL,
    caller          TEXT NOT NULL,
    received_at     DOUBLE PRECISION,
    pages           BIGINT,
    content_id      TEXT NOT NULL,
    problem         TEXT NOT NULL,
    damaged         INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, fax_id)
);
CREATE INDEX inbound_due ON inbound (account, state, next_attempt_at);

CREATE TABLE letter (
    letter_id       TEXT PRIMARY KEY,
    kind            TEXT NOT NULL,
    about           TEXT NOT NULL,
    sender          TEXT NOT NULL,
    recipients      TEXT NOT NULL,
    message_id      TEXT NOT NULL,
    state           TEXT NOT NULL,
    decided_at      DOUBLE PRECISION NOT NULL,
    next_attempt_at DOUBLE PRECISION NOT NULL,
    version         BIGINT NOT NULL,
    attempts        BIGINT NOT NULL,
    epoch           BIGINT NOT NULL,
    lease_until     DOUBLE PRECISION NOT NULL,
    content_id      TEXT NOT NULL REFERENCES content (content_id),
    problem         TEXT NOT NULL,
    claim           TEXT NOT NULL DEFAULT '',
    damaged         INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX letter_due ON letter (state, next_attempt_at, decided_at, letter_id);
CREATE INDEX letter_about ON letter (about);

-- Append-only: nothing ever changes or removes a line except retention, oldest first.
CREATE TABLE history (
    seq      INTEGER PRIMARY KEY,
    at       DOUBLE PRECISION NOT NULL,
    queue_id TEXT NOT NULL,
    event    TEXT NOT NULL,
    state    TEXT NOT NULL,
    detail   TEXT NOT NULL
);
CREATE INDEX history_of ON history (queue_id, seq);
