"""What a screen draws by itself, as text: fields of forms, gauges, letters of symbol fonts.

In: elements of a tree. Out: HTML that is drawn, and its visible characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape

from selectolax.lexbor import LexborNode

Attributes = dict[str, str]
Written = tuple[str, str]  #: HTML, and its words

#: The font that a style asks for first: those behind it are for signs that it lacks, as "Segoe UI Symbol" is.
FIRST_FONT = re.compile(
    r"(?<![\w-])(?:font-family\s*:|font\s*:[^;,\"']*?[\d.]+[a-z%]*(?:\s*/\s*[\w.%]+)?\s)\s*([^,;!]*)",
    re.IGNORECASE,
)
#: Fonts that draw something else than the letter, with the signs that people type with them.
SIGNS = {
    "wingdings": str.maketrans(
        {
            **dict(zip("JKLüûþýoqnlm§¨wu", "☺😐☹✓✗☑☒□❑■●○▪◻◆◆", strict=True)),
            **dict(zip('àáßâØ(*+6!"#&AEFGHCDYNR¢¡¤', "→↑←↓➢☎✉✉⌛✏✂✁📖✌☜☞☝☟👍👎✡☠☼○○◉", strict=True)),
            **{chr(0x80 + n): "⓪①②③④⑤⑥⑦⑧⑨⑩"[n] for n in range(11)},
        }
    ),
    "wingdings 2": str.maketrans(
        {
            **dict(zip("OPQRST£¢", "✗✓☒☑☒☒☐■", strict=True)),
            **{chr(0x69 + n): "⓪①②③④⑤⑥⑦⑧⑨⑩"[n] for n in range(11)},
            **{chr(0x74 + n): "⓿❶❷❸❹❺❻❼❽❾❿"[n] for n in range(11)},
        }
    ),
    "wingdings 3": str.maketrans(dict(zip('!"#$%&pqrstuvw}', "←→↑↓↖↗▲▼△▽◀▶◁▷►", strict=True))),
    "webdings": str.maketrans(dict(zip("arcgn3456i", "✔✘☐■●◀▶▲▼ℹ", strict=True))),
    "symbol": str.maketrans(
        {
            **dict(zip("abgdezhqiklmnxoprstufcyw", "αβγδεζηθικλμνξοπρστυφχψω", strict=True)),
            **dict(zip("ABGDEZHQIKLMNXOPRSTUFCYW", "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ", strict=True)),
            **dict(zip("·£³¹®¬´¥±°Þ", "•≤≥≠→←×∞±°⇒", strict=True)),
        }
    ),
}
for table in SIGNS.values():
    # Word writes these letters in the private area, too.
    table.update({0xF000 + char: sign for char, sign in list(table.items()) if char < 0x100})


def symbol_font(attributes: Mapping[str, str]) -> str | None:
    """The font of signs that an element asks for, "" where it asks for another font, None where for none."""
    asked = FIRST_FONT.findall(attributes.get("style", ""))
    face = attributes.get("face", "").partition(",")[0]
    if not asked and not face:
        return None
    first = (asked[-1] if asked else face).strip(" \"'\t\r\n").lower()
    return first if first in SIGNS else ""


UNWRITTEN = {"hidden", "file"}
BUTTONS = {"submit": "Submit", "reset": "Reset", "button": ""}


def _boxed(text: str, least: str = "4em") -> Written:
    return f'<span class="field" style="min-width:{least}">{escape(text) or "&nbsp;"}</span>', text


def _sign(sign: str) -> Written:
    return sign, sign


def _input(node: LexborNode, attributes: Attributes) -> Written:
    kind, value = attributes.get("type", "text").lower(), attributes.get("value", "")
    if kind in UNWRITTEN:
        return "", ""
    if kind == "checkbox":
        return _sign("☑" if "checked" in attributes else "☐")
    if kind == "radio":
        return _sign("◉" if "checked" in attributes else "○")
    if kind == "image":
        return _boxed(attributes.get("alt", ""))
    if kind in BUTTONS:
        return _boxed(value or BUTTONS[kind], "0")
    if kind == "password":
        return _boxed("•" * len(value))
    return _boxed(value or attributes.get("placeholder", ""))


def _select(node: LexborNode, attributes: Attributes) -> Written:
    options = [((each.text(deep=True) or "").strip(), "selected" in each.attributes) for each in node.css("option")]
    labels = [each.attributes.get("label") for each in node.css("option")]
    options = [(text or label or "", chosen) for (text, chosen), label in zip(options, labels, strict=True)]
    if "multiple" in attributes or attributes.get("size", "1") not in ("", "1"):
        lines = [f"{'☑' if chosen else '☐'} {text}" for text, chosen in options]
        return f'<div class="field">{"<br>".join(map(escape, lines))}</div>', " ".join(text for text, _ in options)
    chosen = [text for text, chosen in options if chosen]
    return _boxed((chosen or [text for text, _ in options] or [""])[-1 if chosen else 0])


def _textarea(node: LexborNode, attributes: Attributes) -> Written:
    text = node.text(deep=True) or attributes.get("placeholder", "")
    return f'<div class="field text">{escape(text) or "&nbsp;"}</div>', text


def _button(node: LexborNode, attributes: Attributes) -> Written:
    return "", ""


def _gauge(node: LexborNode, attributes: Attributes) -> Written:
    try:
        most = float(attributes.get("max") or 1)
        share = f"{100 * float(attributes['value']) / most:.0f} %"
    except (KeyError, ValueError, ZeroDivisionError):
        share = (node.text(deep=True) or "").strip()
    return _boxed(share, "0")


#: Elements that a screen draws by itself.
FIELDS: dict[str, Callable[[LexborNode, Attributes], Written]] = {
    "input": _input,
    "select": _select,
    "textarea": _textarea,
    "button": _button,
    "progress": _gauge,
    "meter": _gauge,
}
