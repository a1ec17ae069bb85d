"""XML becomes pages: as text, each element on a line of its own.

LIMITS: no entity is expanded and nothing is fetched. What is not well-formed is drawn as the text it is.
"""

from __future__ import annotations

from lxml import etree

from mailfax.render.plan import Source, visible
from mailfax.render.text import add_words, read_text
from mailfax.render.work import Work


def add_xml(source: Source, work: Work) -> list[str]:
    """Append the pages of XML; what was left out of it."""
    text, told = (indented, []) if (indented := _indented(source.part.content)) else read_text(source)
    return told + add_words(source.name, visible(text), work)


def _indented(content: bytes) -> str:
    """The same XML with a line for each element, or "" where it has to be drawn as it came."""
    if b"<!DOCTYPE" in content:
        return ""  # what is declared there would not be written again
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_blank_text=True)
    try:
        tree = etree.fromstring(content, parser).getroottree()
    except (etree.XMLSyntaxError, ValueError):
        return ""
    etree.indent(tree, space="  ")
    return str(etree.tostring(tree, encoding="unicode"))
