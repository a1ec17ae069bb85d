-- In which language the notifications about a message are written, as its sender's rule said when it was accepted; "": the site's.
ALTER TABLE message ADD COLUMN language TEXT NOT NULL DEFAULT '';
