-- Whom a fax is booked to: the billing code that its sender gave, or "".
ALTER TABLE job ADD COLUMN code TEXT NOT NULL DEFAULT '';
