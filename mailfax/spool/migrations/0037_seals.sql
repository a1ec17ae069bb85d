-- Seals of the history (spool/seals.py): each covers the lines behind those of the one before it, up to last_seq. `leaves` has
-- 32 bytes for each line: its seq, and the beginning of its SHA-256; `hash` covers them and the hash of the seal before.

CREATE TABLE seal (
    number    BIGINT PRIMARY KEY,
    made_at   DOUBLE PRECISION NOT NULL,
    last_seq  BIGINT NOT NULL,
    leaves    BLOB NOT NULL,
    hash      TEXT NOT NULL
);
