"""The forms of one text (multipart/alternative): which of them is shown, and what the others say.

In: the parts of an alternative. Out: the chosen one, by what an eye would see of it.

STANDARDS: RFC 2046 5.1.4 (the richest form stands last).
"""

from __future__ import annotations

from collections.abc import Iterable

from mailfax.rules.content import content_of, text_of
from mailfax.rules.part import BODY, NEVER_PAGES
from mailfax.rules.tree import Node
from mailfax.rules.visible import is_stub, shows_something, text_of_html, words

#: A text as it looks: (HTML or "", its words).
View = tuple[str, str]


def nodes_of(node: Node) -> list[Node]:
    """A part and all within it."""
    found = [node]
    for child in node.children:
        found += nodes_of(child)
    return found


def is_body(node: Node) -> bool:
    return node.label in ("text/plain", "text/html") and node.fields.disposition != "attachment"


def is_form_of_text(node: Node) -> bool:
    """Whether an alternative is the body once more (text/plain, text/x-amp-html, ...) and not a file."""
    file = node.fields.disposition == "attachment" or node.fields.filename
    return is_body(node) or (node.label.startswith("text/") and not file and node.label not in NEVER_PAGES)


def views(node: Node, raw: bytes) -> list[View]:
    """The texts of a form, for looking at: (HTML or "", words)."""
    found = []
    for leaf in nodes_of(node):
        if not leaf.children and is_form_of_text(leaf):
            content = content_of(leaf.fields, raw[leaf.body : leaf.end], BODY, [])
            text = text_of(leaf.fields, leaf.label, content, BODY, [])
            found.append(("", text) if leaf.label == "text/plain" else (text, text_of_html(text)))
    return found


def chosen_of(forms: Iterable[Node], seen: dict[int, list[View]], content_ids: set[str]) -> Node | None:
    """The last form in which something can be seen; else the last plain text that says anything; else the last."""
    last_first = list(forms)[::-1]
    for form in last_first:
        if any(shows(view, content_ids) for view in seen[id(form)]):
            return form
    for form in last_first:
        if any(not page and words(text) for page, text in seen[id(form)]):
            return form
    return last_first[0] if last_first else None


def shows(view: View, content_ids: set[str]) -> bool:
    """Whether an eye would see something of a text."""
    page, text = view
    return shows_something(page, content_ids) if page else bool(words(text)) and not is_stub(text)
