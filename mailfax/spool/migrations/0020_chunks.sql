-- Large contents as rows, where there is no folder beside the database: none on SQLite.

CREATE TABLE chunk (
    content_id   TEXT NOT NULL,
    part         BIGINT NOT NULL,
    made_at      DOUBLE PRECISION NOT NULL,
    bytes        BLOB NOT NULL,
    PRIMARY KEY (content_id, part)
);
ALTER TABLE chunk ALTER COLUMN bytes SET STORAGE EXTERNAL; -- postgresql
