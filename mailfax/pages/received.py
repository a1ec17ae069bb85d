"""Faxes that were received: all of them, or those that were mailed to a user; one of them with its life and pages."""

from __future__ import annotations

from starlette.responses import Response

from mailfax.offramp.steering import Steering
from mailfax.pages import faxes
from mailfax.pages.pictures import of_received
from mailfax.pages.visit import Visit
from mailfax.rules.facts import letter_facts, received_facts
from mailfax.rules.states import INBOUND
from mailfax.spool import ContentDamaged


async def listing(visit: Visit) -> Response:
    """A page of them, newest first."""
    page, owner = faxes.page_number(visit), visit.visitor.owner
    limit, offset = faxes.PAGE + 1, (page - 1) * faxes.PAGE
    rows = (
        await visit.spool.inbound.listing(accounts=visit.visitor.accounts, limit=limit, offset=offset)
        if owner is None
        else await visit.spool.shown.received(owner, limit=limit, offset=offset)
    )
    links = faxes.Links("/received", {}, page, len(rows) > faxes.PAGE)
    return visit.page("received", rows=rows[: faxes.PAGE], links=links)


async def one(visit: Visit) -> Response:
    """A received fax: its facts, its life, its pages."""
    fax = await visit.received(visit.request.path_params["queue_id"])
    shown = of_received(fax) if visit.visitor.sees_content else None
    pages = 0
    if shown:
        try:
            pages = fax.pages or await visit.shared.pictures.count(visit.bridge, shown)
        except ContentDamaged:
            shown = None
    return visit.page(
        "received_one",
        fax=fax,
        facts=received_facts(fax),
        life=faxes.life(await visit.spool.history.of(fax.queue_id)),
        letters=[letter_facts(letter) for letter in await visit.spool.outbox.listing(about=fax.queue_id)],
        pages=pages,
        waits=fax.state not in INBOUND.final,
    )


async def requeue(visit: Visit) -> Response:
    """Fetch it now."""
    fax = await visit.received(visit.request.path_params["queue_id"])
    steering = Steering(visit.spool, expire_seconds=visit.bridge.config.limits.expire_seconds, by=visit.visitor.login)
    said = await steering.received("requeue", fax)
    return visit.back(f"/received/{fax.queue_id}", f"{fax.queue_id} {said.sentence}.")


async def picture(visit: Visit) -> Response:
    """A page as a PNG."""
    visit.require_content()
    fax = await visit.received(visit.request.path_params["queue_id"])
    return await faxes.png(visit, of_received(fax), fax.queue_id)


async def pdf(visit: Visit) -> Response:
    """All pages as a PDF."""
    visit.require_content()
    fax = await visit.received(visit.request.path_params["queue_id"])
    return await faxes.download(visit, of_received(fax), fax.queue_id)
