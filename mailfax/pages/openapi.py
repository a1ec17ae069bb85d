"""The OpenAPI document of the API: what may be asked for, with what, and what is answered. A test compares.

Out: ``document``, as JSON has it.

STANDARDS: OpenAPI 3.1.
"""

from __future__ import annotations

from typing import Any

from mailfax import __version__
from mailfax.rules.states import InboundState, JobState

ROOT = "/api/v1"
#: Rows of one page, at the most.
LIMIT = 500
#: What an idempotency key may be.
KEY = "[!-~]{1,200}"
#: What a text in an address may be, and a number or the end of one.
LINE = r"[^\x00-\x1f\x7f]*"
DIGITS = "[+0-9() ./-]*[0-9][+0-9() ./-]*"
Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_NUMBER: Json = {"type": "integer"}
_MOMENT: Json = {"type": ["string", "null"], "format": "date-time"}
_COUNT: Json = {"type": ["integer", "null"], "minimum": 0}
_NAME: Json = {"name": "queue_id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
_PAGE_NUMBER: Json = {"name": "page", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
_SIZE: Json = {
    "name": "size",
    "in": "query",
    "schema": {"type": "string", "enum": ["small"]},
    "description": "420 dots wide",
}


def document() -> Json:
    """The whole of it."""
    fax_id, pages = [_NAME], [_NAME, _PAGE_NUMBER, _SIZE]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mailfax",
            "version": __version__,
            "description": "Send faxes and follow them; see those that were received.",
        },
        "servers": [{"url": ROOT}],
        "security": [{"token": []}],
        "paths": {
            "/openapi.json": {
                "get": {
                    "summary": "This document",
                    "security": [],
                    "responses": {"200": _json("This document", {"type": "object"})},
                }
            },
            "/faxes": {
                "get": _get("A page of faxes, newest first", _filters(), "FaxPage"),
                "post": _post_faxes(),
            },
            "/faxes/{queue_id}": {"get": _get("A fax with its life", fax_id, "Fax", 404)},
            "/faxes/{queue_id}/{verb}": {"post": _order()},
            "/faxes/{queue_id}/fax.pdf": {"get": _file("All pages as a PDF", fax_id, "application/pdf")},
            "/faxes/{queue_id}/pages/{page}.png": {"get": _file("A page as a picture", pages, "image/png")},
            "/received": {"get": _get("A page of received faxes, newest first", _paging(), "ReceivedPage")},
            "/received/{queue_id}": {"get": _get("A received fax with its life", fax_id, "Received", 404)},
            "/received/{queue_id}/fax.pdf": {"get": _file("All pages as a PDF", fax_id, "application/pdf")},
            "/received/{queue_id}/pages/{page}.png": {"get": _file("A page as a picture", pages, "image/png")},
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
    }


def _json(text: str, schema: Json) -> Json:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


_MEANINGS = {
    400: "A parameter is wrong; the sentence says which",
    401: "There is no such token",
    403: "The role of the token does not include this",
    404: "There is no such thing, or it is somebody else's",
    409: "It could not be done; the sentence says why",
    411: "Say how long the request is",
    413: "It is too big",
    415: "Send multipart/form-data",
    422: "It can't be sent; the sentence says why",
    503: "Not now; try again later",
}


def _responses(good: Json, *troubles: int) -> Json:
    return good | {str(code): _json(_MEANINGS[code], _ref("Error")) for code in sorted({401, 503, *troubles})}


def _get(summary: str, parameters: list[Json], schema: str, *troubles: int) -> Json:
    good = {"200": _json(summary, _ref(schema))}
    return {"summary": summary, "parameters": parameters, "responses": _responses(good, 400, *troubles)}


def _file(summary: str, parameters: list[Json], kind: str) -> Json:
    good = {"200": {"description": summary, "content": {kind: {"schema": {"type": "string", "format": "binary"}}}}}
    return {"summary": summary, "parameters": parameters, "responses": _responses(good, 400, 403, 404)}


def _query(name: str, schema: Json, text: str, **more: Any) -> Json:
    return {"name": name, "in": "query", "schema": schema, "description": text, **more}


def _paging() -> list[Json]:
    return [
        _query("page", {"type": "integer", "minimum": 1, "maximum": 1_000_000, "default": 1}, "Which page"),
        _query("limit", {"type": "integer", "minimum": 1, "maximum": LIMIT, "default": 50}, "Rows of a page"),
    ]


def _filters() -> list[Json]:
    short = {"type": "string", "maxLength": 300, "pattern": f"^{LINE}$"}
    number = {"type": "string", "maxLength": 300, "pattern": f"^{DIGITS}$"}
    states = {"type": "array", "items": {"type": "string", "enum": list(JobState)}}
    return [
        _query("state", states, "In one of these states", style="form", explode=True),
        _query("number", number, "To this number, or to numbers that end so"),
        _query("sender", short, "Of this sender, or of a whole @domain"),
        _query("account", short, "Of this account"),
        _query("since", {"type": "string", "format": "date-time"}, "Accepted since then"),
        *_paging(),
    ]


def _post_faxes() -> Json:
    form = {
        "type": "object",
        "allOf": [
            {"anyOf": [{"required": ["to"]}, {"required": ["recipients"]}]},
            {"anyOf": [{"required": ["files"]}, {"required": ["text"]}]},
        ],
        "additionalProperties": False,
        "properties": {
            "to": {
                "type": "array",
                "items": {"type": "string", "minLength": 1},
                "minItems": 1,
                "description": "Fax numbers as people write them, or aliases; each is one fax",
            },
            "recipients": {
                "type": "string",
                "format": "binary",
                "description": "A CSV file: number, name, company, subject; all rows are good, or nothing is sent",
            },
            "files": {
                "type": "array",
                "items": {"type": "string", "format": "binary"},
                "description": "PDF, pictures, text, office documents, in the order of their pages",
            },
            "text": {
                "type": "string",
                "description": "For the cover page, or the fax itself where there are no files",
            },
            "subject": {"type": "string"},
            "name": {"type": "string", "description": "The recipient's name, with one number"},
            "code": {"type": "string", "description": "The billing code that the faxes are booked to"},
            "sender": {"type": "string", "description": "One of your addresses; the first where it is left out"},
        },
    }
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "schema": {"type": "string", "pattern": f"^{KEY}$"},
        "description": "What is sent again under the same key is not sent twice: the first faxes are told",
    }
    return {
        "summary": "Send faxes; 201 means that they are stored durably, as SMTP's 250 does",
        "parameters": [key],
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": form,
                    "encoding": {"to": {"style": "form", "explode": True}},
                }
            },
        },
        "responses": _responses(
            {
                "201": _json("Stored", _ref("Sent")),
                "200": _json("Was sent before under this key", _ref("Sent")),
            },
            *(400, 411, 413, 415, 422),
        ),
    }


def _order() -> Json:
    verbs = ["hold", "release", "requeue", "cancel", "resend"]
    verb = {"name": "verb", "in": "path", "required": True, "schema": {"type": "string", "enum": verbs}}
    twice = _query(
        "even_if_sent", {"type": "string", "enum": ["true", "false"]}, "Resend what may have been sent, too"
    )
    return {
        "summary": "Hold, release, try now, cancel, or send again",
        "parameters": [_NAME, verb, twice],
        "responses": _responses({"200": _json("Done", _ref("Order"))}, 400, 404)
        | {"409": _json(_MEANINGS[409], _ref("Order"))},
    }


def _object(required: Json, optional: Json | None = None) -> Json:
    return {"type": "object", "required": list(required), "properties": required | (optional or {})}


def _schemas() -> Json:
    life = {
        "type": "array",
        "items": _object({"at": _MOMENT, "event": _TEXT, "sentence": _TEXT, "detail": _TEXT}),
    }
    row = {
        "queue_id": _TEXT,
        "state": {"type": "string", "enum": list(JobState)},
        "number": _TEXT,
        "account": _TEXT,
        "sender": _TEXT,
        "subject": _TEXT,
        "accepted_at": _MOMENT,
        "next_attempt_at": _MOMENT,
        "attempts": _NUMBER,
        "fax_id": _TEXT,
        "reference": _TEXT,
        "status": _TEXT,
        "reason": _TEXT,
    }
    whole = row | {
        "message": _TEXT,
        "final": {"type": "boolean"},
        "ended_at": _MOMENT,
        "pages": _COUNT,
        "pages_delivered": _COUNT,
        "billing_code": _TEXT,
        "left_out": {"type": "array", "items": _TEXT},
        "life": life,
    }
    received = {
        "queue_id": _TEXT,
        "state": {"type": "string", "enum": list(InboundState)},
        "account": _TEXT,
        "caller": _TEXT,
        "fax_id": _TEXT,
        "listed_at": _MOMENT,
        "next_attempt_at": _MOMENT,
        "attempts": _NUMBER,
        "problem": _TEXT,
        "pages": _COUNT,
    }
    paging = {"page": _NUMBER, "next_page": {"type": ["integer", "null"]}}
    return {
        "Error": _object({"error": _TEXT}),
        "Order": _object({"done": {"type": "boolean"}, "sentence": _TEXT}),
        "FaxRow": _object(row),
        "Fax": _object(whole),
        "FaxPage": _object({"faxes": {"type": "array", "items": _ref("FaxRow")}, **paging}),
        "Sent": _object({"message": _TEXT, "faxes": {"type": "array", "items": _ref("Fax")}}),
        "ReceivedRow": _object(received),
        "Received": _object(received | {"life": life}),
        "ReceivedPage": _object({"received": {"type": "array", "items": _ref("ReceivedRow")}, **paging}),
    }
