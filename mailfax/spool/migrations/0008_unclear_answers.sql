-- How many SendFax in a row had no clear answer: a fax that was taken sets it to 0.

ALTER TABLE account ADD COLUMN unclear BIGINT NOT NULL DEFAULT 0;
