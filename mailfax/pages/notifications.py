"""Notifications that no mail server has taken yet, or will: why, and what may be done about them. For operators."""

from __future__ import annotations

from starlette.responses import Response

from mailfax.offramp.steering import Steering
from mailfax.pages import faxes
from mailfax.pages.visit import NotThere, Visit
from mailfax.rules.facts import letter_facts
from mailfax.rules.states import LETTER, LetterState

OPEN = [state for state in LetterState if state not in LETTER.final]
VERBS = {"resend": "Send again", "cancel": "Give up"}


async def listing(visit: Visit) -> Response:
    """A page of them, newest first."""
    visit.require_the_site()
    page = faxes.page_number(visit)
    rows = await visit.spool.outbox.listing(states=OPEN, limit=faxes.PAGE + 1, offset=(page - 1) * faxes.PAGE)
    links = faxes.Links("/notifications", {}, page, len(rows) > faxes.PAGE)
    told = [letter_facts(letter) for letter in rows[: faxes.PAGE]]
    return visit.page("notifications", rows=told, links=links, verbs=VERBS, relay=visit.bridge.relay())


async def steer(visit: Visit) -> Response:
    """Hand it over now, or give it up."""
    visit.require_the_site()
    verb, letter_id = (visit.request.path_params[name] for name in ("verb", "letter_id"))
    letter = await visit.spool.outbox.get(letter_id)
    if letter is None or verb not in VERBS:
        raise NotThere(letter_id)
    steering = Steering(visit.spool, expire_seconds=visit.bridge.config.limits.expire_seconds, by=visit.visitor.login)
    said = await steering.letter(verb, letter)
    return visit.back("/notifications", f"{letter_id} {said.sentence}.")
