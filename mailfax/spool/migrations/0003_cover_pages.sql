-- Cover pages. What a sender's rule said when the mail was accepted (message), what its document came to (document: for
-- faxes that ask for nothing), what an address asked for (job: 'yes', 'no' or ''). Faxes of before all had one.

ALTER TABLE message ADD COLUMN cover_page TEXT NOT NULL DEFAULT 'always';
ALTER TABLE message ADD COLUMN body TEXT NOT NULL DEFAULT 'fax';
ALTER TABLE document ADD COLUMN cover TEXT NOT NULL DEFAULT 'yes';
ALTER TABLE job ADD COLUMN cover TEXT NOT NULL DEFAULT '';
