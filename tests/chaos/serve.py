"""``mailfax serve`` for chaos: the same service with the short waiting times of the flow tests. The longest waits are
short, too, so that what a storm has put off is tried again soon after it. Usage: serve.py CONFIG."""

from __future__ import annotations

import sys

from mailfax.rules import schedule
from tests.support import dying_serve

schedule.SUBMIT_LONGEST = schedule.LETTER_LONGEST = schedule.RELAY_LONGEST = schedule.TROUBLE_LONGEST = 3.0
schedule.RELAY_FIRST = schedule.RENDER_FIRST = 1.0
schedule.TRACK_LONGEST = schedule.RENDER_LONGEST = schedule.POLL_LONGEST = schedule.FETCH_LONGEST = 3.0
schedule.FETCH_DAILY = 3.0
schedule.RETRY_AFTER_LONGEST = 3.0
schedule.REPORT_DELIVERED = schedule.REPORT_FAILED = 3.0

if __name__ == "__main__":
    sys.exit(dying_serve.main())
