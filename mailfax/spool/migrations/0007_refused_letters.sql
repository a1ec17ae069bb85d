-- What the relay says against a letter. `refusals` counts those 5xx replies beside which the relay took another letter;
-- `refused_at` is when the first 5xx came, `tried_at` when the last did. 0 stands for "not yet".

ALTER TABLE letter ADD COLUMN refusals BIGINT NOT NULL DEFAULT 0;
ALTER TABLE letter ADD COLUMN refused_at DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE letter ADD COLUMN tried_at DOUBLE PRECISION NOT NULL DEFAULT 0;
