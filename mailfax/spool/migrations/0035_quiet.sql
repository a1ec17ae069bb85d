-- Accounts that receive nothing for unusually long.

ALTER TABLE account ADD COLUMN quiet_since DOUBLE PRECISION NOT NULL DEFAULT 0;
CREATE INDEX inbound_of_account ON inbound (account, listed_at);
