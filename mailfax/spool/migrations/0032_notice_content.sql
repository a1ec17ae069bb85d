-- What notifications show of the faxes of a message, as its sender's rule said when it was accepted.
ALTER TABLE message ADD COLUMN notice_content TEXT NOT NULL DEFAULT 'thumbnail';
