-- What is taken from the end of a text before it is faxed: 'signature', 'quote', both with a comma, or ''.

ALTER TABLE message ADD COLUMN strip TEXT NOT NULL DEFAULT '';
