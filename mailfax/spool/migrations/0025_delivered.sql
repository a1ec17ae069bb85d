-- A page of what was delivered, behind any number of newer faxes that wait or have failed.
CREATE INDEX job_delivered ON job (accepted_at, queue_id) WHERE state = 'delivered';
