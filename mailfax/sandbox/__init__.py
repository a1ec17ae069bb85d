"""A FaxCore of your own: the service's six resources over HTTP, on this machine, dialling nobody.

It is written against the vendor's API reference alone and imports nothing else of mailfax, so that it can
judge the client. Read ``server`` first (how it listens), then ``api`` (the six resources), ``exchange`` (what
becomes of a fax) and ``life`` (the magic numbers). ``docs/reference/sandbox.md`` is its manual.
"""

VERSION = "mailfax-sandbox/1.0 (FaxCore API reference of 2013)"
"""Named in the ``X-FaxCore-Sandbox`` header of every reply, so that nobody takes it for the real service."""
