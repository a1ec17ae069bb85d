-- What is sent again by the pages or the API under the same key is one message, whoever stores it first.
DROP INDEX message_of_pages;
CREATE UNIQUE INDEX message_of_pages ON message (header_message_id) WHERE listener = '[pages]';
