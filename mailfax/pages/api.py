"""The HTTP API, beside the pages: the same faxes and the same rules, as JSON, for programs with a token.

In: ``Authorization: Bearer …``, a token that ``mailfax token`` made. Out: JSON, PNG, PDF; what went wrong as
``{"error": sentence}``. Cookies count for nothing here, so no other site can have a browser ask. What may be asked
for, and how, is in ``openapi``; every parameter is read as that document says.

STANDARDS: RFC 6750 (bearer tokens), OpenAPI 3.1, draft-ietf-httpapi-idempotency-key-header (``Idempotency-Key``).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mailfax.pages import faxes
from mailfax.pages import received as inbound
from mailfax.pages.bridge import Bridge
from mailfax.pages.openapi import DIGITS, KEY, LIMIT, LINE, ROOT, document
from mailfax.pages.orders import order
from mailfax.pages.sending import IN_MEMORY, Wish, hand_over, upload
from mailfax.pages.sessions import Session
from mailfax.pages.visit import Shared, Visit
from mailfax.pages.visitor import visitor
from mailfax.rules.facts import for_programs, iso, received_facts
from mailfax.rules.states import JobState
from mailfax.spool import TOKEN, Wanted

Handler = Callable[[Visit], Awaitable[Response]]
#: What a form has: fields that stand once, and those that may be repeated.
ONCE, SEVERAL, FILES = (
    ("sender", "subject", "text", "name", "code", "recipients"),
    ("to", "files"),
    ("files", "recipients"),
)


def routes(bridge: Callable[[], Bridge], shared: Shared) -> list[Route]:
    """All addresses of the API."""

    def for_token(handlers: Mapping[str, Handler]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            now = bridge()
            scheme, _, secret = request.headers.get("authorization", "").partition(" ")
            bearer = await now.spool.bearers.find(secret.strip()) if scheme.lower() == "bearer" else None
            known = visitor(now.config, bearer.login) if bearer and bearer.kind == TOKEN else None
            if bearer is None or known is None:
                wrong = problem(401, "Send a token of mailfax: Authorization: Bearer TOKEN.")
                wrong.headers["www-authenticate"] = "Bearer"
                return wrong
            await now.spool.bearers.used(bearer)
            handler = handlers["GET" if request.method == "HEAD" else request.method]
            return await handler(Visit(request, now, Session(known, ""), shared, FormData()))

        return answer

    async def described(request: Request) -> Response:
        return JSONResponse(document())

    return [
        Route(f"{ROOT}/openapi.json", described, methods=["GET"]),
        *(Route(ROOT + path, for_token(handlers), methods=[*handlers]) for path, handlers in HANDLERS.items()),
    ]


def with_parameters(handler: Handler, **words: tuple[str, ...]) -> Handler:
    """A handler of a page, asked with these parameters alone, each one of its words."""

    async def answer(visit: Visit) -> Response:
        asked = Asked(visit, tuple(words))
        for name, known in words.items():
            if asked.text(name) not in ("", *known) or (name in visit.request.query_params and not asked.text(name)):
                raise _bad(f"{name}: write {' or '.join(known)}, or leave it out.")
        return await handler(visit)

    return answer


def problem(status: int, sentence: str) -> Response:
    """What went wrong, and what to do."""
    return JSONResponse({"error": sentence}, status)


async def listing(visit: Visit) -> Response:
    """A page of faxes, newest first."""
    asked = Asked(visit, ("state", "number", "sender", "account", "since", "page", "limit"))
    page, limit = asked.whole("page", 1, 1_000_000), asked.whole("limit", faxes.PAGE, LIMIT)
    words = asked.several("state")
    try:
        states = tuple(JobState(word) for word in words) if words else None
    except ValueError:
        raise _bad(f"state: write one of {', '.join(JobState)}.") from None
    wanted = Wanted(
        states, asked.text("account"), asked.text("sender"), asked.number("number"), asked.moment("since")
    )
    found = await faxes.faxes_of(visit, wanted, page, limit)
    rows = [for_programs(facts) for facts in await faxes.told(visit, found.rows)]
    return JSONResponse({"faxes": rows, "page": page, "next_page": page + 1 if found.more else None})


async def one(visit: Visit) -> Response:
    """A fax with its life; by the name of its message the first fax of that."""
    Asked(visit, ())
    return JSONResponse(await _whole(visit, visit.request.path_params["queue_id"]))


async def steer(visit: Visit) -> Response:
    """An order, as the command of that name."""
    asked = Asked(visit, ("even_if_sent",))
    if asked.text("even_if_sent") not in ("", "true", "false"):
        raise _bad("even_if_sent: write true or false.")
    verb = visit.request.path_params["verb"]
    job, message = await visit.fax(visit.request.path_params["queue_id"])
    said = await order(visit, verb, job, message, even_if_sent=asked.text("even_if_sent") == "true")
    return JSONResponse({"done": said.done, "sentence": said.sentence}, 200 if said.done else 409)


async def send(visit: Visit) -> Response:
    """Faxes are accepted, durably; under a key that is known the first ones are told again."""
    Asked(visit, ())
    key = visit.request.headers.get("idempotency-key", "")
    if key and not re.fullmatch(KEY, key):
        raise _bad("Idempotency-Key: write 1 to 200 printable characters of ASCII.")
    limits = visit.bridge.config.limits
    if visit.request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        raise HTTPException(415, "Send multipart/form-data: to, recipients, files, subject, text, sender, name.")
    limits_of_form = {"max_files": 50, "max_fields": limits.recipients + 20, "max_part_size": 300_000}
    async with visit.request.form(**limits_of_form) as form, IN_MEMORY:
        wish = await _wish(visit, form, key or secrets.token_urlsafe(18))
        queue_id, new = await hand_over(visit.bridge, visit.visitor, visit.ip, wish)
    jobs = await visit.spool.jobs.of(queue_id)
    told = [await _whole(visit, job.queue_id) for job in jobs]
    return JSONResponse({"message": queue_id, "faxes": told}, 201 if new else 200)


async def received(visit: Visit) -> Response:
    """A page of received faxes, newest first."""
    asked = Asked(visit, ("page", "limit"))
    page, limit, owner = (
        asked.whole("page", 1, 1_000_000),
        asked.whole("limit", faxes.PAGE, LIMIT),
        visit.visitor.owner,
    )
    size, offset = limit + 1, (page - 1) * limit
    rows = (
        await visit.spool.inbound.listing(accounts=visit.visitor.accounts, limit=size, offset=offset)
        if owner is None
        else await visit.spool.shown.received(owner, limit=size, offset=offset)
    )
    told = [for_programs(received_facts(fax)) | {"pages": fax.pages} for fax in rows[:limit]]
    return JSONResponse({"received": told, "page": page, "next_page": page + 1 if len(rows) > limit else None})


async def received_one(visit: Visit) -> Response:
    """A received fax with its life."""
    Asked(visit, ())
    fax = await visit.received(visit.request.path_params["queue_id"])
    life = _life(await visit.spool.history.of(fax.queue_id))
    return JSONResponse(for_programs(received_facts(fax)) | {"pages": fax.pages, "life": life})


async def _whole(visit: Visit, queue_id: str) -> dict[str, Any]:
    if "-" not in queue_id and (jobs := await visit.spool.jobs.of(queue_id)):
        queue_id = jobs[0].queue_id
    job, message = await visit.fax(queue_id)
    made = await visit.spool.documents.get(job.message)
    lines = [
        line for line in await visit.spool.history.of(job.message) if line.queue_id in (job.queue_id, job.message)
    ]
    [facts] = await faxes.told(visit, [faxes.queued(job, message.sender, message.subject, made, lines)])
    return for_programs(facts) | {
        "message": job.message,
        "final": job.final,
        "ended_at": iso(job.ended_at),
        "pages": job.pages if job.pages is not None else made.pages if made else None,
        "pages_delivered": job.pages_delivered,
        "billing_code": job.code,
        "left_out": list(made.skipped) if made else [],
        "life": _life(lines),
    }


def _life(lines: list[Any]) -> list[dict[str, Any]]:
    return [
        {"at": iso(step["at"]), "event": step["event"], "sentence": step["sentence"], "detail": step["more"]}
        for step in faxes.life(lines)
    ]


async def _wish(visit: Visit, form: FormData, key: str) -> Wish:
    """The parts of the form, each where the document has it."""
    for name, value in form.multi_items():
        if name not in (*ONCE, *SEVERAL):
            raise _bad(f"{name}: there is no such field; write {', '.join((*SEVERAL, *ONCE))}.")
        if isinstance(value, UploadFile) is not (name in FILES):
            raise _bad(f"{name}: send {'a file' if name in FILES else 'text'}.")
        if name in ONCE and len(form.getlist(name)) > 1:
            raise _bad(f"{name}: send it once.")
    texts = {name: str(form.get(name, "")) for name in ONCE}
    uploads = [each for each in form.getlist("files") if isinstance(each, UploadFile)]
    files = [await upload(each) for each in uploads]
    listed = form.get("recipients")
    numbers = "\n".join(str(each) for each in form.getlist("to"))
    senders = visit.visitor.senders
    wish = Wish(
        key, texts["sender"] or next(iter(senders), ""), numbers, texts["subject"], texts["text"], files=tuple(files)
    )
    return replace(
        wish,
        to=texts["name"],
        code=texts["code"],
        listed=await upload(listed) if isinstance(listed, UploadFile) else None,
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of an address: only those that there are, each once but for ``several``."""

    visit: Visit
    known: tuple[str, ...]

    def __post_init__(self) -> None:
        given = self.visit.request.query_params
        for name in given:
            if name not in self.known:
                known = f"write {', '.join(self.known)}" if self.known else "leave it out"
                raise _bad(f"{name}: there is no such parameter; {known}.")
            if len(given.getlist(name)) > 1 and name != "state":
                raise _bad(f"{name}: give it once.")

    def text(self, name: str) -> str:
        text = self.visit.request.query_params.get(name, "")
        if len(text) > 300 or not re.fullmatch(LINE, text):
            raise _bad(f"{name}: write one line of at most 300 characters.")
        return text

    def number(self, name: str) -> str:
        """A number, or the end of one: without a digit it would mean all of them."""
        text = self.text(name)
        if name in self.visit.request.query_params and not re.fullmatch(DIGITS, text):
            raise _bad(f"{name}: write digits of a number, or leave it out.")
        return text

    def several(self, name: str) -> list[str]:
        return self.visit.request.query_params.getlist(name)

    def whole(self, name: str, default: int, most: int) -> int:
        """A number from 1 to ``most``."""
        text = self.visit.request.query_params.get(name)
        if text is None:
            return default
        if not re.fullmatch("[1-9][0-9]{0,8}", text) or int(text) > most:
            raise _bad(f"{name}: write a whole number from 1 to {most}.")
        return int(text)

    def moment(self, name: str) -> float:
        """An ISO 8601 moment with its zone, in seconds since 1970; 0.0 where it is not given."""
        text = self.visit.request.query_params.get(name)
        if text is None:
            return 0.0
        try:
            when = datetime.fromisoformat(text)
            if when.tzinfo is None:
                raise ValueError("no zone")
            return max(0.0, when.timestamp())
        except (ValueError, OverflowError):
            raise _bad(f'{name}: "{text[:50]}" is no moment; write for example 2026-11-25T14:02:00Z.') from None


def _bad(sentence: str) -> HTTPException:
    return HTTPException(400, sentence)


#: Address -> method -> handler.
HANDLERS: dict[str, dict[str, Handler]] = {
    "/faxes": {"GET": listing, "POST": send},
    "/faxes/{queue_id}": {"GET": one},
    "/faxes/{queue_id}/{verb:verb}": {"POST": steer},
    "/faxes/{queue_id}/fax.pdf": {"GET": with_parameters(faxes.pdf)},
    "/faxes/{queue_id}/pages/{page:int}.png": {"GET": with_parameters(faxes.picture, size=("small",))},
    "/received": {"GET": received},
    "/received/{queue_id}": {"GET": received_one},
    "/received/{queue_id}/fax.pdf": {"GET": with_parameters(inbound.pdf)},
    "/received/{queue_id}/pages/{page:int}.png": {"GET": with_parameters(inbound.picture, size=("small",))},
}
