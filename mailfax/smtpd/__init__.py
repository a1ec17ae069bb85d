"""Mail comes in: listeners, sessions, and content streamed to the spool. One door: ``open_listeners``.

What is answered 250 was made durable by ``accept`` before; everything else was refused with a sentence.
"""

from mailfax.smtpd.door import Content, Door, Pace
from mailfax.smtpd.listeners import Listeners, open_listeners

__all__ = ["Content", "Door", "Listeners", "Pace", "open_listeners"]
