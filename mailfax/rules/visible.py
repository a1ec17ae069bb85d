"""What of a text or of HTML an eye would see: an alternative is chosen by that, not by what is there.

In: text or HTML. Out: its words, and whether there is anything to see.

LIMITS: of style sheets only the rules that hide one class or identity on every screen are read.
"""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

from mailfax.rules.pictures import UNDRAWN

_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|font-size\s*:\s*0(?:px|pt|em)?\s*(?:;|$)"
    r"|max-height\s*:\s*0(?:px)?\s*(?:;|$)",
    re.IGNORECASE,
)
_SHEET = re.compile(r"<style\b[^>]*>(.*?)(?:</style\s*>|\Z)", re.IGNORECASE | re.DOTALL)
#: A rule for telephones, print and the like, with the rules in it; then a rule.
_CONDITIONAL = re.compile(r"/\*.*?\*/|@[^{};]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}|<!--|-->", re.DOTALL)
_RULE = re.compile(r"([^{}]{1,500})\{([^{}]*)\}")
_NAMED = re.compile(r"\s*(?:\*|[a-z][a-z0-9]*)?([.#])([\w-]+)\s*", re.IGNORECASE)
_SILENT = re.compile(
    r"<(script|style|title|head|template|noscript)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.I | re.S
)
_TAG = re.compile(r"<[/!?a-zA-Z][^<>]*>")
_IMAGE = re.compile(r"<(?:img|image|input)\b[^<>]*>|\bbackground\s*=|url\(", re.IGNORECASE)
_SMALL = re.compile(r"\b(?:width|height)\s*[=:]\s*[\"']?\s*[01](?:px)?\b(?!\.|%)", re.IGNORECASE)
MOST_LOOKED_FOR = 1000
#: Elements without an end: they can hold nothing that is hidden.
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
#: What programs add to plain text for links, pictures, rules and lists.
_ADDED = re.compile(
    r"(?:https?://|www\.|mailto:|cid:)\S+|\[(?:image|cid)[^\]\n]*\]|^[>\s]*[-=_*]+\s*$|^\s*\d+[.)]\s", re.I | re.M
)
#: Plain text of programs that write HTML only, in the languages that were seen.
_STUB = re.compile(
    r"(?:html|mail|e-mail|email|nachricht|message|mensaje|messaggio|courriel)\b.{0,80}\b(?:support|display|view|show|read"
    r"|unterst|anzeig|darstell|affich|visuali|supporta|mostrar|compatible)|(?:support|display|view|show|read|unterst|anzeig"
    r"|darstell|affich|visuali|compatible)\w*\b.{0,80}\bhtml",
    re.IGNORECASE | re.DOTALL,
)


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def text_of_html(page: str) -> str:
    """The words of HTML in their order, hidden ones too; for comparing, not for showing."""
    return html.unescape(_TAG.sub(" ", _SILENT.sub(" ", page)))


def shows_something(page: str, content_ids: set[str]) -> bool:
    """Whether HTML shows a word, or a picture that is there and is more than a dot."""
    bare = UNDRAWN.sub(" ", page)
    if _shows_words(bare, _hidden_names(page)):
        return True
    for image in _IMAGE.finditer(bare):
        source = re.search(
            r"(?:src\s*=|url\(|background\s*=)\s*[\"']?\s*([^\"'\s>)]+)", bare[image.start() : image.end() + 2000]
        )
        where = html.unescape(source[1]) if source else ""
        if _SMALL.search(image.group()) or _HIDING.search(image.group()):
            continue
        if where.casefold().startswith("data:image/") or (
            where.casefold().startswith("cid:") and where[4:].casefold() in {cid.casefold() for cid in content_ids}
        ):
            return True
    return re.search(r"<svg\b", page, re.IGNORECASE) is not None


def only_in(other: str, chosen: str) -> list[str]:
    """The words of a form of the text that the chosen one does not say; addresses and list numbers do not count."""
    known, squashed = set(words(chosen)), "".join(words(chosen))
    strange = [word for word in words(_ADDED.sub(" ", other)) if word not in known]
    # A word may be divided by markup in one form and not in the other; looked for in bounded time.
    return [word for at, word in enumerate(strange) if at >= MOST_LOOKED_FOR or word not in squashed]


def is_stub(text: str) -> bool:
    """Whether plain text only says that there is HTML."""
    return len(text) < 600 and len(words(text)) < 60 and _STUB.search(text) is not None


def _hidden_names(page: str) -> set[tuple[str, str]]:
    """The classes (".", name) and identities ("#", name) that its style sheets hide."""
    found: set[tuple[str, str]] = set()
    for sheet in _SHEET.findall(page):
        for selectors, declared in _RULE.findall(_CONDITIONAL.sub(" ", sheet[:300_000])):
            hides = _HIDING.search(declared) is not None
            for selector in selectors.split(","):
                if name := _NAMED.fullmatch(selector):
                    (found.add if hides else found.discard)((name[1], name[2]))
    return found


def _shows_words(page: str, hidden_names: set[tuple[str, str]]) -> bool:
    bare = text_of_html(page)
    if not re.search(
        r"[^\W_]|[^\w\s]", re.sub("[\u200b-\u200f\u2060\ufeff\u00ad\u034f\u00a0\u2800\u3164]", "", bare)
    ):
        return False
    if not hidden_names and not _HIDING.search(page) and not re.search(r"\shidden\b", page):
        return True
    eye = _Eye(hidden_names)
    try:
        for at in range(0, len(page), 4096):
            eye.feed(page[at : at + 4096])
            if eye.seen:
                return True
        eye.close()
    except (AssertionError, ValueError):  # the parser of the standard library, on markup that was made to hurt
        return True
    return eye.seen


class _Eye(HTMLParser):
    """Reads until something is seen."""

    def __init__(self, hidden_names: set[tuple[str, str]]) -> None:
        super().__init__(convert_charrefs=True)
        self._hidden_names = hidden_names
        self.seen = False
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        given = dict(attrs)
        own = {(".", name) for name in (given.get("class") or "").split()} | {("#", given.get("id") or "")}
        # What the element says itself goes before its class.
        by_name = bool(own & self._hidden_names) and "display" not in (given.get("style") or "")
        hidden = (
            by_name
            or "hidden" in given
            or bool(_HIDING.search(given.get("style") or ""))
            or tag in ("script", "style", "head")
        )
        self._open.append((tag, hidden or bool(self._open and self._open[-1][1])))

    def handle_endtag(self, tag: str) -> None:
        for at in range(len(self._open) - 1, max(-1, len(self._open) - 50), -1):
            if self._open[at][0] == tag:
                del self._open[at:]
                return

    def handle_data(self, data: str) -> None:
        hidden = bool(self._open and self._open[-1][1])
        if not hidden and re.search(r"[^\W_]|[^\w\s\u200b-\u200f\u2060\ufeff\u00ad\u034f\u2800\u3164]", data):
            self.seen = True
