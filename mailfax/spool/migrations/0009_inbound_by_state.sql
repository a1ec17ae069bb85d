-- Received faxes by what is to be done with them, whatever their account.

CREATE INDEX inbound_state ON inbound (state, next_attempt_at);
