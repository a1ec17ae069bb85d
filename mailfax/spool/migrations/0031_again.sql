-- Received faxes that a person wants brought once more.

CREATE INDEX inbound_again ON inbound (listed_at, fax_id) WHERE state = 'again';
DROP INDEX inbound_open;
CREATE INDEX inbound_open ON inbound (listed_at, fax_id) WHERE state IN ('listed', 'again', 'unreadable');
