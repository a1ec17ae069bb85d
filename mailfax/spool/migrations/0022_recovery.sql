-- Each time that this spool came back as an older copy of itself (spool/recovery.py): when that was noticed or told, when
-- its faxes were put in doubt, and when a person let its notifications go.

CREATE TABLE recovery (
    noticed_at   DOUBLE PRECISION NOT NULL,
    doubted_at   DOUBLE PRECISION NOT NULL DEFAULT 0,
    released_at  DOUBLE PRECISION NOT NULL DEFAULT 0
);
