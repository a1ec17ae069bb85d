"""How the log's lines are written, on stderr: words for people, or JSON for programs.

Other libraries speak from WARNING on: at INFO they tell numbers and subjects.

STANDARDS: RFC 8259 (JSON), RFC 3339 (time); JOURNAL_STREAM of systemd.exec(5).
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

from mailfax.maillog import Facts

FORMS = ("text", "json")


class _Discreet(logging.Formatter):
    """Tells where an exception came from and its kind, not its text: that may hold a subject, a number, a name."""

    def formatException(self, ei: Any) -> str:
        kind, _, trace = ei
        return "".join([*traceback.format_tb(trace), kind.__name__ if kind else "no exception"])


class _Json(_Discreet):
    """One object a line: an event of a fax has its queue ID and its facts, everything else a message."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
        }
        facts = next((one for one in record.args or () if isinstance(one, Facts)), None)
        told |= facts.told() if facts else {"message": record.getMessage()}
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


def configure_logging(*, verbose: bool, form: str = "text") -> None:
    """One line per event on stderr, in one of ``FORMS``. ``verbose`` tells the texts of exceptions, too."""
    handler = logging.StreamHandler(sys.stderr)
    # journald adds the time itself (sd_notify's JOURNAL_STREAM tells that it reads us).
    stamp = "" if os.environ.get("JOURNAL_STREAM") else "%(asctime)s "
    formatter = _Json if form == "json" else logging.Formatter if verbose else _Discreet
    handler.setFormatter(formatter(f"{stamp}%(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("mailfax").setLevel(logging.DEBUG if verbose else logging.INFO)
    # No line says where in the code it comes from, nor from which thread: a fourth of a line's time.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
