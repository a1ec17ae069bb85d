"""A submission without the signature and the quoted message at its end, where its sender's rule wants that.

In: a ``Submission`` and what to take away. Out: the submission without it, and lines for what was left out. Of HTML
counts what mail programs mark themselves: Gmail, Apple Mail, Thunderbird, Outlook, Yahoo, Proton.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from selectolax.lexbor import LexborHTMLParser, LexborNode

from mailfax.render.markup import read_markup
from mailfax.render.measure import too_much
from mailfax.rules.pictures import drawn_in
from mailfax.rules.quoted import STRIPPED, forwards, is_attribution, is_forward, is_head, without
from mailfax.rules.submission import Submission

#: What holds a quoted message whole, and what stands above one that goes on to the end of the mail.
QUOTES = "div.gmail_quote, blockquote[type=cite], div.yahoo_quoted, div.protonmail_quote"
HEADS = "#divRplyFwdMsg, #appendonsend, .OutlookMessageHeader, #OLK_SRC_BODY_SECTION"
#: Outlook's own line above a message; it is one only with From, Sent, To and Subject in it.
RULED = 'div[style*="border-top"]'
SIGNATURES = "div.gmail_signature, .moz-signature, #Signature, #ms-outlook-mobile-signature"


def trimmed(submission: Submission, what: Sequence[str], name: str) -> tuple[Submission, list[str]]:
    """The submission without "signature" and "quote", as far as ``what`` has them, and what was left out of ``name``.

    A message that is forwarded is no quote; nothing is taken from a mail of which nothing would be left to see.
    """
    if is_forward(submission.subject):
        what = [kind for kind in what if kind != "quote"]
    if not submission.body_html:
        text, taken = without(submission.body_text, what)
        return replace(submission, body_text=text), [f"{name}: {STRIPPED[kind]}" for kind in taken]
    page, taken = _without(submission.body_html, what)
    if not taken:
        return submission, []
    was, stays = drawn_in(submission.body_html), drawn_in(page)
    images = {cid: image for cid, image in submission.images.items() if cid not in was or cid in stays}
    gone = [image for cid, image in submission.images.items() if cid not in images]
    told = [f"{name}: {STRIPPED[kind]}" for kind in taken]
    told += [f"{image.name}: a picture in what was left out of the text" for image in gone]
    # The text comes from the HTML from now on: its plain form would have what was taken.
    return replace(submission, body_html=page, body_text="", images=images), told


def _without(page: str, what: Sequence[str]) -> tuple[str, list[str]]:
    if not what or too_much(page):
        return page, []
    tree = LexborHTMLParser(page)
    quote = _quote(tree)
    quoted = {inner.mem_id for node in quote for inner in node.traverse(include_text=False)}
    signature = [node for node in tree.css(SIGNATURES) if node.mem_id not in quoted]
    found = {"signature": signature, "quote": [] if forwards(_text(quote)) else quote}
    taken = [kind for kind in STRIPPED if kind in what and found[kind]]
    for kind in taken:
        for node in found[kind]:
            node.decompose()
    made = (tree.html or "") if taken else page
    return (made, taken) if taken and read_markup(made).shows_something else (page, [])


def _quote(tree: LexborHTMLParser) -> list[LexborNode]:
    """All that belongs to the message that is answered, in order; none where something was written below it."""
    heads = tree.css(HEADS) + [
        node for node in tree.css(RULED) if is_head([line for line in _lines(node) if line.strip()])
    ]
    if heads:
        return [heads[0], *_following(heads[0])]
    quotes = tree.css(QUOTES)
    if not quotes or len(quotes[0].css(QUOTES)) < len(quotes):
        return []  # none, or several: answered piece by piece
    signatures = {node.mem_id for node in tree.css(SIGNATURES)}
    for node in _following(quotes[0]):
        if node.mem_id not in signatures and (node.text(deep=True).strip() or _pictures(node)):
            return []  # answered below
    above = _above(quotes[0])
    is_told = above is not None and is_attribution(above.text(deep=True))
    return [above, quotes[0]] if above is not None and is_told else quotes[:1]


def _lines(node: LexborNode) -> list[str]:
    """The text of a node, a line for each paragraph and break."""
    return read_markup(node.html or "").words.split("\n")


def _text(nodes: Sequence[LexborNode]) -> str:
    return " ".join(node.text(deep=True).strip() for node in nodes)[:1000]


def _pictures(node: LexborNode) -> bool:
    return bool(node.is_element_node and (node.tag == "img" or node.css_first("img")))


def _following(node: LexborNode) -> Iterator[LexborNode]:
    """What comes behind a node in the document, outermost nodes only."""
    within: LexborNode | None = node
    while within is not None:
        beside = within.next
        while beside is not None:
            yield beside
            beside = beside.next
        within = within.parent


def _above(node: LexborNode) -> LexborNode | None:
    """The element before a node, with nothing but white space between."""
    before = node.prev
    while before is not None and before.is_text_node and not (before.text_content or "").strip():
        before = before.prev
    return before if before is not None and before.is_element_node else None
