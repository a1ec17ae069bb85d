"""The form for sending a fax, and the look at its pages before it is sent."""

from __future__ import annotations

import asyncio
import secrets

from starlette.datastructures import UploadFile
from starlette.responses import Response

from mailfax.offramp.sketch import sketch
from mailfax.pages.drafts import Draft
from mailfax.pages.guard import OF_PICTURES
from mailfax.pages.pictures import AT_A_TIME, SMALL, WIDE
from mailfax.pages.sending import IN_MEMORY, Declined, Judged, Wish, hand_over, judge, upload
from mailfax.pages.visit import NotThere, Visit
from mailfax.render import CannotRender

_drawing = asyncio.Semaphore(AT_A_TIME)


async def form(visit: Visit) -> Response:
    """An empty form; with what was written before, where somebody goes back from a preview."""
    draft = visit.shared.drafts.find(visit.visitor.login, visit.asked("from"))
    empty = Wish("", next(iter(visit.visitor.senders), ""), visit.asked("to"))
    return _form(visit, draft.wish if draft else empty)


async def begin(visit: Visit) -> Response:
    """What was written: it is sent, or its pages are shown first. What is wrong with it is said beside it."""
    async with IN_MEMORY:
        return await _begun(visit)


async def _begun(visit: Visit) -> Response:
    wish = await _wish(visit)
    try:
        if visit.said("then") == "send":
            return await _sent(visit, wish)
        judged = await judge(visit.bridge, visitor=visit.visitor, ip=visit.ip, wish=wish)
    except Declined as why:
        return _form(visit, wish, why.sentences, 503 if why.temporary else 422)
    draft = visit.shared.drafts.begin(visit.visitor.login, wish)
    await _draw(visit, draft, judged)
    return visit.back(f"/send/{draft.key}")


async def preview(visit: Visit) -> Response:
    """Its pages, as its first recipient would get them."""
    draft = _draft(visit)
    return visit.page("preview", draft=draft, wish=draft.wish, sketch=draft.sketch, problem=draft.problem)


async def send(visit: Visit) -> Response:
    """Send what was looked at."""
    draft = _draft(visit)
    try:
        answer = await _sent(visit, draft.wish)
    except Declined as why:
        return _form(visit, draft.wish, why.sentences, 503 if why.temporary else 422)
    visit.shared.drafts.forget(draft)
    return answer


async def picture(visit: Visit) -> Response:
    """A page of what was written; nobody else sees it."""
    draft = _draft(visit)
    if draft.sketch is None or draft.sketch.content is None:
        raise NotThere(draft.key)
    width = SMALL if visit.asked("size") == "small" else WIDE
    png, _ = await visit.bridge.renderer.picture(
        draft.sketch.content, visit.request.path_params["page"], width, into=draft.folder
    )
    return Response(png, media_type="image/png", headers=OF_PICTURES)


async def _draw(visit: Visit, draft: Draft, judged: Judged) -> None:
    """Its pages, in a cell."""
    bridge, mail = visit.bridge, draft.folder / "mail"
    await asyncio.to_thread(mail.write_bytes, judged.mail)
    try:
        async with _drawing:
            draft.sketch = await sketch(
                judged.envelope,
                judged.header,
                mail,
                into=draft.folder,
                accounts=bridge.accounts,
                orders=bridge.compose.orders,
                renderer=bridge.renderer,
                now=bridge.spool.now(),
            )
    except CannotRender as why:
        draft.problem = why.status.sentence
    except OSError:
        draft.problem = "There is no room to draw its pages just now."
    finally:
        mail.unlink(missing_ok=True)


async def _sent(visit: Visit, wish: Wish) -> Response:
    """On to the fax; it is durable by then."""
    queue_id, _ = await hand_over(visit.bridge, visit.visitor, visit.ip, wish)
    return visit.back(f"/faxes/{queue_id}")


async def _wish(visit: Visit) -> Wish:
    files = []
    for each in visit.form.getlist("files"):
        if isinstance(each, UploadFile) and each.filename:
            files.append(await upload(each))
    listed = visit.form.get("recipients")
    return Wish(
        key=visit.said("key") or secrets.token_urlsafe(18),
        sender=visit.said("sender"),
        numbers=visit.said("numbers")[:20_000],
        subject=visit.said("subject")[:1000],
        text=visit.said("text")[:200_000],
        to=visit.said("to")[:1000],
        code=visit.said("code")[:150],
        files=tuple(files),
        listed=await upload(listed) if isinstance(listed, UploadFile) and listed.filename else None,
    )


def _draft(visit: Visit) -> Draft:
    draft = visit.shared.drafts.find(visit.visitor.login, visit.request.path_params["key"])
    if draft is None:
        raise NotThere("draft")
    return draft


def _form(visit: Visit, wish: Wish, wrong: tuple[str, ...] = (), status: int = 200) -> Response:
    # A new key each time: what was declined may be sent as another fax.
    return visit.page(
        "send", status, wish=wish, wrong=wrong, key=secrets.token_urlsafe(18), codes=visit.bridge.config.billing_codes
    )
