"""Moments on the command line, for people and for scripts."""

from __future__ import annotations

import argparse
import re
from datetime import datetime, timedelta

from mailfax.rules.facts import iso

__all__ = ["iso", "since", "when"]


def since(text: str) -> float:
    """A moment on the command line: "90m", "2h", "3d" ago, "14:02" (the last time it was), "2026-11-25 14:02"."""
    now = datetime.now().astimezone()
    if ago := re.fullmatch(r"(\d+)([smhd])", text):
        return now.timestamp() - int(ago[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[ago[2]]
    try:
        if re.fullmatch(r"\d?\d:\d\d", text):
            clock = datetime.strptime(text, "%H:%M")
            today = now.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
            return (today if today <= now else today - timedelta(days=1)).timestamp()
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'"{text}" is no moment; write for example 90m, 2h, 3d, 14:02 or 2026-11-25'
        ) from None


def when(seconds: float) -> str:
    """A moment as people read it, in the zone of this machine: without its date if it is today's; "-" for never."""
    if not seconds:
        return "-"
    moment, today = datetime.fromtimestamp(seconds).astimezone(), datetime.now().astimezone().date()
    return moment.strftime("%H:%M:%S" if moment.date() == today else "%Y-%m-%d %H:%M")
