"""Faxes that are sent: what waits and why, all of them, one of them with its life and its pages, and orders."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from starlette.convertors import Convertor, register_url_convertor
from starlette.responses import Response

from mailfax.pages.guard import OF_PICTURES
from mailfax.pages.orders import FOR_ALL, VERBS, buttons, order
from mailfax.pages.pictures import SMALL, WIDE, Shown, of_fax
from mailfax.pages.visit import NotThere, Visit
from mailfax.rules.facts import Facts, fax_facts, letter_facts, received_facts
from mailfax.rules.job import Document, FaxJob, InboundFax, Letter
from mailfax.rules.life import concerns, plain
from mailfax.rules.states import NON_FINAL, JobState
from mailfax.spool import HistoryLine, Queued, Wanted

#: Lines of one page.
PAGE = 50
#: What a list shows, by the word in its address.
VIEWS: dict[str, tuple[str, tuple[JobState, ...] | None]] = {
    "open": ("Not ended yet", NON_FINAL),
    "held": ("Held", (JobState.HELD,)),
    "doubt": ("In doubt", (JobState.IN_DOUBT, JobState.UNCONFIRMED)),
    "failed": ("Not delivered", (JobState.FAILED, JobState.CANCELLED, JobState.UNCONFIRMED)),
    "delivered": ("Delivered", (JobState.DELIVERED,)),
    "all": ("All", None),
}


class _Verb(Convertor[str]):
    """A verb in an address; where there is none, there is no such address."""

    regex = "|".join(VERBS)

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("verb", _Verb())


async def listing(visit: Visit) -> Response:
    """A page of faxes by filters."""
    view = visit.asked("view") if visit.asked("view") in VIEWS else "open"
    filters = {name: visit.asked(name) for name in ("sender", "account")}
    wanted = Wanted(VIEWS[view][1], filters["account"], filters["sender"])
    page = page_number(visit)
    found = await faxes_of(visit, wanted, page)
    rows = await told(visit, found.rows)
    links = Links("/faxes", {"view": view, **filters}, page, found.more)
    return visit.page(
        "faxes",
        rows=rows,
        view=view,
        views=VIEWS,
        filters=filters,
        links=links,
        accounts=[name for name in visit.bridge.accounts.names() if visit.visitor.has_account(name)],
    )


async def find(visit: Visit) -> Response:
    """Whatever has a text in its number, name, address or subject."""
    text = visit.asked("q")[:200]
    jobs: list[Queued] = []
    faxes: list[InboundFax] = []
    letters: list[Letter] = []
    owner = visit.visitor.owner
    if text and owner is not None:
        jobs = await visit.spool.shown.faxes(owner, Wanted(), text)
    elif text:
        jobs, faxes, letters = await visit.spool.queue.find(text, 100, visit.visitor.accounts)
    return visit.page(
        "find",
        text=text,
        rows=await told(visit, jobs),
        received=[received_facts(fax) for fax in faxes],
        letters=[letter_facts(letter) for letter in letters],
    )


async def one(visit: Visit) -> Response:
    """A fax: its facts, its life, its pages."""
    queue_id = visit.request.path_params["queue_id"]
    if (alone := await whole_message(visit, queue_id)) is not None:
        return alone
    job, message = await visit.fax(queue_id)
    document = await visit.spool.documents.get(job.message)
    shown = await of_fax(visit.bridge, job, message) if visit.visitor.sees_content else None
    pages = await visit.shared.pictures.count(visit.bridge, shown) if shown else 0
    lines = [line for line in await visit.spool.history.of(job.message) if concerns(job, line.queue_id, line.event)]
    letters = await visit.spool.outbox.listing(about=job.queue_id)
    others = [each.queue_id for each in await visit.spool.jobs.of(job.message) if each.queue_id != job.queue_id]
    return visit.page(
        "fax",
        job=job,
        message=message,
        document=document,
        facts=(await told(visit, [queued(job, message.sender, message.subject, document, lines)]))[0],
        life=life(lines),
        letters=[letter_facts(letter) for letter in letters],
        pages=pages,
        service_cover=_service_cover(visit, job, document),
        why_none=_why_none(visit, message.content_id, document),
        verbs=buttons(visit.visitor, job),
        others=others,
        for_all=FOR_ALL,
    )


async def whole_message(visit: Visit, queue_id: str) -> Response | None:
    """The name of a message, as its 250 told it, leads to its first fax."""
    if "-" in queue_id:
        return None
    jobs = await visit.spool.jobs.of(queue_id)
    return visit.back(f"/faxes/{jobs[0].queue_id}") if jobs else None


async def steer(visit: Visit) -> Response:
    """An order: the same as the command of that name."""
    verb = visit.request.path_params["verb"]
    job, message = await visit.fax(visit.request.path_params["queue_id"])
    said = await order(visit, verb, job, message, even_if_sent=visit.said("even_if_sent") == "yes")
    sentence = f"{job.queue_id} {said.sentence}."
    if visit.said("others") == "yes" and verb in FOR_ALL:
        others = [each for each in await visit.spool.jobs.of(job.message) if each.queue_id != job.queue_id]
        done = [(await order(visit, verb, each, message, even_if_sent=False)).done for each in others]
        sentence += f" So with {sum(done)} of the {len(done)} other faxes of its message."
    return visit.back(f"/faxes/{job.queue_id}", sentence)


async def picture(visit: Visit) -> Response:
    """A page as a PNG."""
    visit.require_content()
    job, message = await visit.fax(visit.request.path_params["queue_id"])
    return await png(visit, await of_fax(visit.bridge, job, message), job.queue_id)


async def pdf(visit: Visit) -> Response:
    """All pages as a PDF."""
    visit.require_content()
    job, message = await visit.fax(visit.request.path_params["queue_id"])
    return await download(visit, await of_fax(visit.bridge, job, message), job.queue_id)


async def png(visit: Visit, shown: Shown | None, queue_id: str) -> Response:
    """The page that was asked for; whoever sees it is written down first."""
    if shown is None:
        raise NotThere(queue_id)
    width = SMALL if visit.asked("size") == "small" else WIDE
    made = await visit.shared.pictures.picture(visit.bridge, shown, visit.request.path_params["page"], width)
    await visit.shared.viewings.pages(visit.spool, queue_id, visit.visitor.login)
    return Response(made, media_type="image/png", headers=OF_PICTURES)


async def download(visit: Visit, shown: Shown | None, queue_id: str) -> Response:
    """The PDF, to be saved and never opened as a page of ours."""
    if shown is None:
        raise NotThere(queue_id)
    made = await visit.shared.pictures.pdf(visit.bridge, shown)
    await visit.shared.viewings.download(visit.spool, queue_id, visit.visitor.login)
    headers = {"content-disposition": f'attachment; filename="fax-{queue_id}.pdf"'}
    return Response(made, media_type="application/pdf", headers=headers)


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a list, and whether another follows."""

    rows: list[Queued]
    more: bool


@dataclass(frozen=True, slots=True)
class Links:
    """The pages before and behind this one, with the same filters."""

    path: str
    filters: dict[str, str]
    page: int
    more: bool

    def to(self, page: int) -> str:
        asked = {name: value for name, value in self.filters.items() if value}
        return f"{self.path}?{urlencode(asked | ({'page': page} if page > 1 else {}))}"


def page_number(visit: Visit) -> int:
    text = visit.asked("page")
    return min(max(1, int(text)), 100_000) if text.isascii() and text.isdigit() and len(text) < 7 else 1


async def faxes_of(visit: Visit, wanted: Wanted, page: int, size: int = PAGE) -> Found:
    """A page of the faxes that the visitor may see."""
    limit, offset, owner = size + 1, (page - 1) * size, visit.visitor.owner
    wanted = replace(wanted, accounts=visit.visitor.accounts)
    rows = (
        await visit.spool.queue.listing(wanted, limit=limit, offset=offset)
        if owner is None
        else await visit.spool.shown.faxes(owner, wanted, limit=limit, offset=offset)
    )
    return Found(rows[:size], len(rows) > size)


async def told(visit: Visit, rows: list[Queued]) -> list[Facts]:
    """What is said of each, and why it stands where it stands."""
    paused = {
        state.name: f"account {state.name} is paused: {state.paused_reason}"
        for state in await visit.spool.accounts.listing()
        if state.paused
    }
    return [
        fax_facts(
            row.job,
            sender=row.sender,
            subject=row.subject,
            document=row.document,
            detail=row.detail,
            paused=paused.get(row.job.account, ""),
            now=visit.spool.now(),
        )
        for row in rows
    ]


def queued(job: FaxJob, sender: str, subject: str, document: Any, lines: list[HistoryLine]) -> Queued:
    """A fax with the last word on it."""
    words = [line.detail for line in lines if line.queue_id == job.queue_id and line.state == job.state]
    return Queued(job, sender, subject, document.state if document else "", words[-1] if words else "")


def life(lines: list[HistoryLine]) -> list[dict[str, Any]]:
    """A timeline: when, what in plain words, and what is added to it."""
    made = []
    for line in lines:
        sentence, more = plain(line.event, line.detail)
        made.append({"at": line.at, "sentence": sentence, "more": more, "state": line.state, "event": line.event})
    return made


def _service_cover(visit: Visit, job: FaxJob, document: Document | None) -> bool:
    """Whether FaxCore draws a cover page, of which there is no picture here."""
    line = visit.bridge.accounts.lines.get(job.account)
    return bool(line and line.account.cover == "service" and document and job.has_cover(document))


def _why_none(visit: Visit, content_id: str, document: Any) -> str:
    if not visit.visitor.sees_content:
        return "Your role does not include the pages of faxes."
    if not content_id:
        return "Its pages were deleted, as the retention of this site has it."
    if document is not None and document.state == "ready" and document.pages is None:
        return f"FaxCore makes the pages of {document.filename} itself, so there is no picture of them here."
    if document is not None and document.state == "impossible":
        return "Its pages can't be made."
    return "Its pages are not made yet."
