"""Formulas (MathML) in a line: the engine knows none of their elements.

In: elements of a tree. Out: their pieces in order: signs, and children with the tag that places them ("", sup, sub).

STANDARDS: MathML Core.
"""

from __future__ import annotations

from collections.abc import Callable

from selectolax.lexbor import LexborNode

Piece = str | tuple[str, LexborNode]
Attributes = dict[str, str]


def _fraction(node: LexborNode, attributes: Attributes) -> list[Piece]:
    pieces: list[Piece] = []
    for child in node.iter():
        text = (child.text(deep=True) or "").strip()
        short = (
            child.tag in ("mn", "mi", "mtext", "msqrt", "mrow")
            and not child.css("mfrac, mroot")
            and (len(text) == 1 or text.isalnum())
        )
        pieces += ["/"] if pieces else []
        pieces += [("", child)] if short else ["(", ("", child), ")"]
    return pieces


def _placed(*places: str) -> Callable[[LexborNode, Attributes], list[Piece]]:
    """The first child on the line, the others where they stand."""
    return lambda node, attributes: list(zip(("", *places), node.iter(), strict=False))


def _root(node: LexborNode, attributes: Attributes) -> list[Piece]:
    children = list(node.iter())
    under, index = (children, []) if node.tag == "msqrt" else (children[:1], children[1:])
    return [*(("sup", child) for child in index), "√(", *(("", child) for child in under), ")"]


def _fenced(node: LexborNode, attributes: Attributes) -> list[Piece]:
    pieces: list[Piece] = [attributes.get("open", "(")]
    for child in node.iter():
        pieces += [",", ("", child)] if len(pieces) > 1 else [("", child)]
    return [*pieces, attributes.get("close", ")")]


FORMULAS: dict[str, Callable[[LexborNode, Attributes], list[Piece]]] = {
    "mfrac": _fraction,
    "mroot": _root,
    "msqrt": _root,
    "mfenced": _fenced,
    "msup": _placed("sup"),
    "msub": _placed("sub"),
    "msubsup": _placed("sub", "sup"),
    "mover": _placed("sup"),
    "munder": _placed("sub"),
    "munderover": _placed("sub", "sup"),
}
