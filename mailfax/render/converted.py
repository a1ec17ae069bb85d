"""Files that a program drew become pages of the document (``converters``).

In: a source of a kind that an installed program draws. Out: its pages in the document; what was left out of it. The
words of the source are looked for on the pages: a program that says nothing is not believed.
"""

from __future__ import annotations

from mailfax.render.converters import NotConverted
from mailfax.render.plan import Source
from mailfax.render.words_kept import share_lost
from mailfax.render.work import Work

#: What of its letters may be missing on the pages: what a program draws as a shape, and not as text.
BEARABLE = 0.02


def add_converted(source: Source, work: Work) -> list[str]:
    """Append the pages that a program makes of the source; raises ``NotConverted``."""
    pdf, left_out = work.desk.convert(source.kind, source.part.content)
    if share_lost(source.kind, source.part.content, pdf) > BEARABLE:
        raise NotConverted("the pages that were made of it lack some of its words", opened=False)
    work.document.add(pdf, source.name)
    return [f"{source.name}: {what}" for what in left_out]
