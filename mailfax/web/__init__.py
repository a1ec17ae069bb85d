"""What a monitor asks, on a listener of its own: is mailfax alive, is all well, and how much is there of what.

``/healthz`` answers 200 as long as the event loop answers: whoever restarts the process asks it. ``/readyz`` answers
200 where nothing needs a person, and 503 with the reasons in words where something does: for alarms. ``/metrics`` is
for Prometheus. None of them tells a number, an address or a subject.

In: ``Watched``, asked anew at each request, for a reload may have changed it. Out: ``open_web``, ``Web``.
"""

from mailfax.web.server import Web, open_web
from mailfax.web.watched import Watched

__all__ = ["Watched", "Web", "open_web"]
