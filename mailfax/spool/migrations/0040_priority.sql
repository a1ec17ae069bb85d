-- "high": it goes before faxes that came up to a day earlier, and that have none.
ALTER TABLE job ADD COLUMN priority TEXT NOT NULL DEFAULT '';
