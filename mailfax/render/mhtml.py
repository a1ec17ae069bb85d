"""A saved web page (MHTML) becomes pages: it is a mail, whose pictures the page refers to.

In: MHTML. Out: the pages of its HTML, with its pictures and style sheets; nothing is fetched.

STANDARDS: RFC 2557 (Content-Location, start), RFC 2387 (related), RFC 2392 (cid).
"""

from __future__ import annotations

import email
import email.message
import email.policy
import re
from dataclasses import replace
from html import unescape
from urllib.parse import unquote, urljoin

from mailfax.render.html import add_html
from mailfax.render.kinds import Kind
from mailfax.render.plan import Source
from mailfax.render.work import Work
from mailfax.rules.charset import decode
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable, Part

STYLE_LINK = re.compile(r"<link\b(?=[^>]*\brel\s*=\s*[\"']?stylesheet)[^>]*?\bhref\s*=\s*([\"'])(.*?)\1[^>]*>", re.I)
PICTURE = re.compile(r"(<img\b[^>]*?\bsrc\s*=\s*)([\"'])(.*?)\2", re.I | re.S)


def add_mhtml(source: Source, work: Work) -> list[str]:
    """Append the pages of a saved web page; what was left out of it."""
    mail = email.message_from_bytes(source.part.content, policy=email.policy.compat32)
    leaves = [leaf for leaf in mail.walk() if not leaf.is_multipart()]
    start = str(mail.get_param("start", "")).strip("<> ")
    pages = [leaf for leaf in leaves if leaf.get_content_type() in ("text/html", "application/xhtml+xml")]
    root = next((leaf for leaf in pages if start and _cid(leaf) == start), pages[0] if pages else None)
    if root is None:
        raise NotFaxable(status(Cause.DAMAGED, name=source.name, why="there is no web page in it"))
    base = str(root.get("content-location", "")).strip()
    found = {name: leaf for leaf in leaves for name in (f"cid:{_cid(leaf)}", urljoin(base, _location(leaf)))}
    images: dict[str, Part] = {}

    def at(reference: str) -> email.message.Message | None:
        reference = unescape(reference).strip()
        return found.get(f"cid:{unquote(reference[4:])}" if reference[:4] == "cid:" else urljoin(base, reference))

    def picture(match: re.Match[str]) -> str:
        leaf = at(match[3])
        if leaf is None or leaf is root:
            return match[0]
        name = f"mhtml-{leaves.index(leaf)}"
        images[name] = Part(name, leaf.get_content_type(), _content(leaf))
        return f"{match[1]}{match[2]}cid:{name}{match[2]}"

    def style(match: re.Match[str]) -> str:
        leaf = at(match[2])
        return "" if leaf is None else f"<style>{_text(leaf)}</style>"

    page = PICTURE.sub(picture, STYLE_LINK.sub(style, _text(root)))
    html = Source(source.name, Kind.HTML, Part(source.name, "text/html", page.encode(), page))
    return add_html(html, replace(work, images=images))


def _cid(leaf: email.message.Message) -> str:
    return str(leaf.get("content-id", "")).strip("<> \r\n\t")


def _location(leaf: email.message.Message) -> str:
    return "".join(str(leaf.get("content-location", "")).split())


def _content(leaf: email.message.Message) -> bytes:
    content = leaf.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _text(leaf: email.message.Message) -> str:
    content = _content(leaf)
    try:
        return content.decode(leaf.get_content_charset() or "utf-8")
    except (LookupError, ValueError):
        return decode(content).text
