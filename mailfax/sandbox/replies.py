"""The replies of the service, character for character: XML as the API reference prints it, and HTML error pages.

XML has the printed declaration, two blanks of indentation, CRLF line ends and nothing behind the root (gaps A3,
A4, A37). Error pages are HTML as IIS sends them, in our own words (gap A12).

LIMITS  Characters that XML 1.0 cannot carry become U+FFFD; a carriage return becomes ``&#xD;``, as .NET writes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from http import HTTPStatus

from mailfax.sandbox.quirks import Quirks

XML_TYPE = "text/xml; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"
NAMESPACE = "urn:faxcore:api"

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"}

Field = tuple[str, str]
Content = str | Sequence[Field]
"""What an operation's ``<Results>`` holds: text, or named fields."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers beyond the common ones, and body."""

    status: int
    body: bytes
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()


def results(operation: str, content: Content, quirks: Quirks, accept: str) -> Reply:
    """``<Results>`` with a text or with fields inside the operation's element."""
    if isinstance(content, str):
        lines = [f"    {_element('Results', content)}"]
    else:
        lines = ["    <Results>", *(f"      {_element(*each)}" for each in content), "    </Results>"]
    data = content if isinstance(content, str) else dict(content)
    return _answer([f"  <{operation}>", *lines, f"  </{operation}>"], {operation: {"Results": data}}, quirks, accept)


def fax_ids(ids: Sequence[str], quirks: Quirks, accept: str) -> Reply:
    """The list of GetFaxList, which has no ``<Results>`` in the reference's example (gap A3); empty: gap A34."""
    elements = [_element("FaxId", each) for each in ids]
    if quirks.list_results:
        inner = ["    <Results>", *(f"      {each}" for each in elements), "    </Results>"]
    else:
        inner = [f"    {each}" for each in elements]
    lines = ["  <GetFaxList>", *inner, "  </GetFaxList>"] if inner else ["  <GetFaxList />"]
    return _answer(lines, {"GetFaxList": {"FaxId": list(ids)}}, quirks, accept)


def business_error(operation: str, sentence: str, quirks: Quirks, accept: str) -> Reply:
    """A request that was understood and can't be done: by default 200 with a sentence in Results (gap A12)."""
    if quirks.all_500:
        return error_page(500, sentence)
    if quirks.error_element:
        return _answer([f"  {_element('Error', sentence)}"], {"Error": sentence}, quirks, accept)
    return results(operation, sentence, quirks, accept)


def wrapped_file(encoded: str, quirks: Quirks, accept: str) -> Reply:
    """DownloadFax's file inside XML (the quirk ``download = wrapped``, gap A10)."""
    return results("DownloadFax", encoded, quirks, accept)


_PAGES = {
    400: ("Bad Request", "The request could not be understood."),
    401: ("Access is denied", "The user name or the password in the Authorization header is not right."),
    404: ("Not found", "There is nothing at this address, or the request is larger than this server takes."),
    405: ("Method not allowed", "This resource is not there for this HTTP method."),
    429: ("Too many requests", "Too many calls were made in the last minute. Wait, then try again."),
    500: ("Server Error in '/api' Application", "The application failed while it worked on the request."),
    503: ("Service unavailable", "The service is busy or being restarted. Wait, then try again."),
}


def error_page(status: int, sentence: str = "", headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """An HTML page as IIS sends one; it never shows internals."""
    title, usual = _PAGES[status]
    phrase = HTTPStatus(status).phrase
    html = (
        f"<!DOCTYPE html>\r\n<html>\r\n<head><title>{status} - {escape(phrase)}</title></head>\r\n<body>\r\n"
        f"<h1>{escape(title)}</h1>\r\n<h2>HTTP {status} - {escape(phrase)}</h2>\r\n"
        f"<p>{escape(sentence or usual)}</p>\r\n</body>\r\n</html>\r\n"
    )
    if status == 401:
        headers = (*headers, ("WWW-Authenticate", 'Basic realm="FaxCore Sandbox"'))
    return Reply(status, html.encode(), HTML_TYPE, headers)


def garbled(reply: Reply) -> Reply:
    """The reply as XML that no parser takes: an element is cut open in its middle."""
    middle = len(reply.body) // 2
    return Reply(200, reply.body[:middle] + b"<& \xff</ApiRes", reply.content_type, reply.headers)


def _element(name: str, text: str) -> str:
    if not text:
        return f"<{name} />"
    clean = _UNPRINTABLE.sub("\ufffd", text)
    return f"<{name}>{''.join(_ENTITIES.get(each, each) for each in clean)}</{name}>"


def _answer(lines: list[str], data: object, quirks: Quirks, accept: str) -> Reply:
    if quirks.negotiates and "xml" not in accept.lower():
        return Reply(200, json.dumps({"ApiResponse": data}).encode(), "application/json; charset=utf-8")
    encoding = "utf-16" if quirks.utf16_decl else "utf-8"
    root = f'<ApiResponse xmlns="{NAMESPACE}">' if quirks.namespace else "<ApiResponse>"
    text = "\r\n".join([f'<?xml version="1.0" encoding="{encoding}"?>', root, *lines, "</ApiResponse>"])
    start = ("\ufeff" if quirks.bom else "") + ("\r\n" if quirks.leading_newline else "")
    return Reply(200, (start + text).encode(), XML_TYPE)
