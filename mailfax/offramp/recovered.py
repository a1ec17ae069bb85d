"""A restored copy of the spool: its faxes are looked for at FaxCore before any is sent; the postmaster is told."""

from __future__ import annotations

import logging

from mailfax import letters
from mailfax.context import Context

log = logging.getLogger(__name__)


async def see_to_a_restored_spool(context: Context, *, told: bool) -> None:
    """At the start, before any fax is handed over; nothing where the spool is what it was. ``told``: a person says
    that it is an older copy."""
    recovery = context.spool.recovery
    if told:
        await recovery.begin()
    if not await recovery.is_due():
        return
    alarm = letters.recovered(context.site, context.marks(), faxes=await recovery.doubted())
    doubted = await recovery.put_in_doubt(context.elapsed(), context.boot, [alarm])
    log.warning(
        "this spool is an older copy: %d faxes are looked for before they are sent; notifications wait for "
        "mailfax release --outbox",
        doubted,
    )
