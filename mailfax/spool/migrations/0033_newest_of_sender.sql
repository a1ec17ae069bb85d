-- The newest faxes of one sender, or of one user, without a look at all that they ever sent.
DROP INDEX message_sender;
CREATE INDEX message_sender ON message (LOWER(sender), received_at, queue_id);
DROP INDEX message_login;
CREATE INDEX message_login ON message (LOWER(login), received_at, queue_id) WHERE login <> '';
