"""Every failure to submit has one meaning."""

from __future__ import annotations

import pytest

from mailfax.faxcore.errors import AccountTrouble, InDoubt, NotSent, Refused, Trouble
from mailfax.offramp.trouble import decide
from mailfax.rules.job import FaxJob
from mailfax.rules.states import JobEvent, JobState

JOB = FaxJob(
    queue_id="K4TXYZ12AB-1",
    message="K4TXYZ12AB",
    account="main",
    address="15551234567@fax.local",
    number="15551234567",
    recipient_name="",
    notify=None,
    orcpt="",
    reference="7K3Q2M",
    state=JobState.SUBMITTING,
    accepted_at=0.0,
    expires_at=86_400.0,
    submit_at=0.0,
    attempts=1,
)


@pytest.mark.parametrize(
    ("raised", "event"),
    [
        (NotSent("x"), JobEvent.NOT_SENT),
        (AccountTrouble(Trouble.LOGIN), JobEvent.NOT_SENT),
        (Refused("x"), JobEvent.REFUSED),
        (InDoubt("x"), JobEvent.NO_ANSWER),
        (RuntimeError("x"), JobEvent.NO_ANSWER),
        (TimeoutError(), JobEvent.NO_ANSWER),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_failure_means(raised: Exception, event: JobEvent) -> None:
    """What nobody thought of counts as in doubt: a request may have left us, a second one could be a second fax."""
    assert decide(JOB, raised, now=1000.0, jitter=0.0).event is event


def test_only_account_trouble_pauses_the_account_and_it_spares_the_job() -> None:
    trouble = AccountTrouble(Trouble.CERTIFICATE)
    decision = decide(JOB, trouble, now=1000.0, jitter=0.0)
    assert decision.account is trouble and decision.told is None
    assert decide(JOB, NotSent("x"), now=1000.0, jitter=0.0).account is None


def test_retry_after_is_honoured() -> None:
    assert decide(JOB, NotSent("x", retry_after=120.0), now=1000.0, jitter=0.0).next_attempt_at == 1120.0


def test_a_refusal_ends_the_job_with_what_the_service_said() -> None:
    decision = decide(JOB, Refused("x", diagnostic="Number is blocked"), now=1000.0, jitter=0.0)
    assert decision.told is not None
    assert (decision.told.code, decision.told.diagnostic) == ("5.5.0", "x-faxcore; Number is blocked")
    ours = decide(JOB, Refused("x", diagnostic="x-mailfax; empty document"), now=1000.0, jitter=0.0)
    assert ours.told is not None and ours.told.diagnostic == "x-mailfax; empty document"
