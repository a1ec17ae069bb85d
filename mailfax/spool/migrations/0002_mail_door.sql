-- What the mail door needs. `prefix_size`: so many bytes at the beginning of a content are lines of ours. `sha256` is of
-- what follows them, and then of them.

ALTER TABLE content ADD COLUMN prefix_size BIGINT NOT NULL DEFAULT 0;

-- Who pays for a mail, and how much that sender may send in a day: as the rule said when the mail was accepted. 0 is no
-- quota. `subject` is the cover's, where the address gave one; else the mail's.
ALTER TABLE message ADD COLUMN payer TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN faxes_per_day BIGINT NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN pages_per_day BIGINT NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN subject TEXT;

-- Faxes whose 250 nobody is known to have heard. `key` is what makes two mails the same for one recipient; a row goes
-- when its client went on speaking, so what stays is what may be sent again.
CREATE TABLE unheard (
    key     TEXT PRIMARY KEY,
    job     TEXT NOT NULL,
    made_at DOUBLE PRECISION NOT NULL
);

-- What was used in each hour since 1970; `payer` '' is the whole site. Only where there is a limit.
CREATE TABLE spent (
    payer TEXT NOT NULL,
    hour  BIGINT NOT NULL,
    faxes BIGINT NOT NULL,
    pages BIGINT NOT NULL,
    PRIMARY KEY (payer, hour)
);

-- When the postmaster was last told of something that is told once a day.
CREATE TABLE alarm (
    what    TEXT PRIMARY KEY,
    told_at DOUBLE PRECISION NOT NULL
);
