"""``/metrics``: the figures as Prometheus reads them.

STANDARDS: Prometheus text format 0.0.4; names and units as its naming guide has them.
LIMITS: events are counted since this process started; what the spool holds is counted whole, whichever process wrote.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from mailfax import __version__, maillog
from mailfax.rules.states import InboundState, JobState, LetterState
from mailfax.web.watched import Snapshot


class _Figures:
    """What ``generate_latest`` asks for: a registry of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        seen = self._snapshot
        yield _gauge("mailfax_build_info", "The version that runs; always 1.", ["version"], {__version__: 1})
        faxes = _all(JobState, seen.counts.jobs)
        yield _gauge("mailfax_faxes", "Faxes to send in the spool, by state.", ["state"], faxes)
        yield _gauge(
            "mailfax_documents",
            "Documents made of messages in the spool, by state.",
            ["state"],
            seen.counts.documents,
        )
        received = _all(InboundState, seen.counts.inbound)
        yield _gauge("mailfax_received_faxes", "Received faxes in the spool, by state.", ["state"], received)
        letters = _all(LetterState, seen.counts.letters)
        yield _gauge("mailfax_notifications", "Mail that we write, by state.", ["state"], letters)
        yield _gauge("mailfax_damaged_rows", "Rows that were moved aside as damaged.", ["table"], seen.counts.damaged)
        yield _gauge(
            "mailfax_overdue_seconds",
            "For how long the first has been due of what is waiting to be done.",
            ["what"],
            seen.overdue,
        )
        yield _gauge(
            "mailfax_account_paused",
            "1 while a fax account is paused.",
            ["account"],
            {account.name: int(account.paused) for account in seen.accounts},
        )
        yield _gauge(
            "mailfax_account_silent",
            "1 while a fax account has received nothing for unusually long.",
            ["account"],
            {account.name: int(bool(account.quiet_since)) for account in seen.accounts},
        )
        yield _gauge(
            "mailfax_account_listed_timestamp_seconds",
            "When received faxes were last listed; 0: never.",
            ["account"],
            {account.name: account.listed_at for account in seen.accounts},
        )
        yield _gauge(
            "mailfax_certificate_expiry_timestamp_seconds",
            "When the certificate of a listener ends.",
            ["listener"],
            seen.certificates,
        )
        yield GaugeMetricFamily(
            "mailfax_relay_paused", "1 while the mail relay is in trouble.", int(bool(seen.relay))
        )
        yield GaugeMetricFamily(
            "mailfax_spool_trouble", "1 while the spool's disk is in trouble.", int(bool(seen.disk))
        )
        yield GaugeMetricFamily("mailfax_spool_free_bytes", "Free space on the disk of the spool.", seen.room)
        yield GaugeMetricFamily("mailfax_troubles", "What needs a person, as /readyz tells it.", len(seen.troubles()))
        events = CounterMetricFamily("mailfax_events", "Lines of the mail log, by their event.", labels=["event"])
        for event, number in sorted(maillog.events.items()):
            events.add_metric([event], number)
        yield events


def _all(states: type[enum.StrEnum], counted: Mapping[str, int]) -> dict[str, int]:
    """Every state, so that a figure does not vanish where nothing is in one."""
    return {str(state): counted.get(state, 0) for state in states}


def exposition(snapshot: Snapshot) -> bytes:
    """The body of the answer."""
    return generate_latest(_Figures(snapshot))


def _gauge(name: str, text: str, labels: list[str], values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for label, value in sorted(values.items()):
        family.add_metric([label], value)
    return family
