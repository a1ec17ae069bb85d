"""Pages for people and an API for programs, on a listener of their own: what waits and why, every fax and its life,
its pages as pictures, what a person may do about it, and sending.

Nothing is decided here that mail does not decide: a fax that is sent goes through the policy and ``Accept`` as a mail
does, an order goes through ``offramp.steering`` as a command does. No stranger's file is opened in this process:
pictures are drawn in cells. Everything that is shown comes from an indexed question to the spool, and whoever sees
the content of a fax is written down in its history first.

In: ``Bridge``, asked anew at each request, for a reload may have changed it. Out: ``open_pages``, ``Pages``.

STANDARDS: RFC 9110 (HTTP), RFC 6265bis (cookies), CSP 3; HTML with no script needed.
LIMITS: HTTP/1.1; a request with a body says how long it is.
"""

from mailfax.pages.bridge import Bridge
from mailfax.pages.server import Pages, open_pages

__all__ = ["Bridge", "Pages", "open_pages"]
