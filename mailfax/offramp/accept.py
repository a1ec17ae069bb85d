"""An envelope and its content become a message with its fax jobs, in one commit; then, and only then, 250.

In: the envelope, the content as it was written to the spool, the header block. Out: the queue ID. The recipients come
from the envelope only (RFC 4161 2.1.1, RFC 3965 2.1.3); the header gives the subject, the Message-ID for threading
and names for the cover. Mail for the postmaster is owed to him by the same commit.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from mailfax import letters, maillog
from mailfax.rules.envelope import Envelope, Recipient
from mailfax.rules.heading import Heading, read_heading
from mailfax.rules.job import FaxJob, Letter, Message
from mailfax.rules.reference import draw_reference
from mailfax.rules.states import JobState
from mailfax.spool import Content, ReferenceTaken, Spool
