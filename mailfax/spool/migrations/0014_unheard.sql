-- A fax whose 250 was not heard is known again by `key`, and, where its client is `gone` without having heard, by `again`
-- too: the same content of the same client under another Message-ID. Clients of another `epoch` are another process's.
-- The keys of before were made otherwise, and nothing can be known again by them.

DROP TABLE unheard;

CREATE TABLE unheard (
    key     TEXT NOT NULL,
    job     TEXT NOT NULL,
    again   TEXT,
    epoch   BIGINT NOT NULL,
    gone    BIGINT NOT NULL,
    made_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (key, job)
);

CREATE INDEX unheard_again ON unheard (again) WHERE gone = 1;
