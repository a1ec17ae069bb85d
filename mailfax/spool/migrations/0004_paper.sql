-- Which paper the recipient has: 'letter' or 'a4', by the number's country; '' is the site's own.

ALTER TABLE job ADD COLUMN paper TEXT NOT NULL DEFAULT '';
