"""One request of somebody who is signed in: who they are, what they may see, and how they are answered.

In: a request. Out: ``Visit``. ``NotThere`` is for what does not exist, or is somebody else's: nobody learns which.
"""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from mailfax.pages.bridge import Bridge
from mailfax.pages.drafts import Drafts
from mailfax.pages.looks import render
from mailfax.pages.pictures import Pictures
from mailfax.pages.sessions import Session, mark
from mailfax.pages.viewings import Viewings
from mailfax.pages.visitor import Visitor
from mailfax.rules.job import FaxJob, InboundFax, Message
from mailfax.spool import Spool


class NotThere(Exception):
    """There is no such thing, or not for them."""


class NotAllowed(Exception):
    """Their role does not have this; the text says so."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What all requests share. ``stopping``: the service stops, and what lasts has to end."""

    drafts: Drafts
    pictures: Pictures
    viewings: Viewings
    stopping: asyncio.Event


@dataclass(frozen=True, slots=True)
class Visit:
    """``form`` is what a POST brought."""

    request: Request
    bridge: Bridge
    session: Session
    shared: Shared
    form: FormData

    @property
    def visitor(self) -> Visitor:
        return self.session.visitor

    @property
    def spool(self) -> Spool:
        return self.bridge.spool

    @property
    def ip(self) -> str:
        return self.request.client.host if self.request.client else ""

    def asked(self, name: str) -> str:
        """A parameter of the address, without blanks around it."""
        return self.request.query_params.get(name, "").strip()

    def said(self, name: str) -> str:
        """A text field of the form."""
        value = self.form.get(name, "")
        return value if isinstance(value, str) else ""

    def page(self, template: str, status: int = 200, **facts: Any) -> Response:
        """A whole page."""
        known = {
            "visitor": self.visitor,
            "csrf": self.session.form_token,
            "zone": self.bridge.zone,
            "path": self.request.url.path,
            "said": self._heard(),
        }
        return HTMLResponse(render(template, **known | facts), status)

    def back(self, path: str, sentence: str = "") -> Response:
        """Go on there, where ``sentence`` is said: a page that is loaded again asks for nothing twice."""
        said = urlencode({"said": sentence, "by": mark(sentence, self.session.secret)}) if sentence else ""
        return RedirectResponse(f"{path}?{said}" if said else path, 303)

    def _heard(self) -> str:
        """A sentence of ours: nobody else can have a page say something by a link."""
        said = self.asked("said")
        return said if hmac.compare_digest(mark(said, self.session.secret), self.asked("by")) else ""

    def require_the_site(self) -> None:
        if not self.visitor.sees_the_site:
            raise NotAllowed("Only operators of the whole site see this.")

    def require_content(self) -> None:
        if not self.visitor.sees_content:
            raise NotAllowed("Your role does not include the pages of faxes.")

    async def fax(self, queue_id: str) -> tuple[FaxJob, Message]:
        """A fax that they may see; raises ``NotThere``."""
        return await fax_for(self.spool, self.visitor, queue_id)

    async def received(self, queue_id: str) -> InboundFax:
        """A received fax that they may see; raises ``NotThere``."""
        return await received_for(self.spool, self.visitor, queue_id)


async def fax_for(spool: Spool, visitor: Visitor, queue_id: str) -> tuple[FaxJob, Message]:
    """A fax that the visitor may see; raises ``NotThere``."""
    job = await spool.jobs.get(queue_id)
    message = await spool.intake.message(job.message) if job else None
    if job is None or message is None or not visitor.may_see(job, message):
        raise NotThere(queue_id)
    return job, message


async def received_for(spool: Spool, visitor: Visitor, queue_id: str) -> InboundFax:
    """A received fax that the visitor may see; raises ``NotThere``."""
    fax = await spool.queue.received(queue_id)
    if fax is None or not await visitor.may_see_received(spool, fax):
        raise NotThere(queue_id)
    return fax
