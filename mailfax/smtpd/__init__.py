"""Mail comes in: listeners, sessions, and content streamed to the spool. One entrance: ``open_listeners``.

What is answered 250 was made durable by ``accept`` before; everything else was refused with a sentence.
"""

from mailfax.smtpd.handler import Content, Handler, Pace
from mailfax.smtpd.listeners import Listeners, open_listeners

__all__ = ["Content", "Handler", "Listeners", "Pace", "open_listeners"]
