"""Files that a program drew become pages of the document (``converters``).

In: a source of a kind that an installed program draws. Out: its pages in the document; what was left out of it. The
words of the source are looked for on the pages: a program that says nothing is not believed.
"""

from __future__ import annotations

from mailfax.render.plan import Source
from mailfax.render.programs import NotConverted
from mailfax.render.uncommented import uncommented
from mailfax.render.words_kept import share_lost
from mailfax.render.work import Work

#: What of its letters may be missing on the pages: what a program draws as a shape, and not as text.
BEARABLE = 0.02


def add_converted(source: Source, work: Work) -> list[str]:
    """Append the pages that a program makes of the source; raises ``NotConverted``."""
    content, comments = uncommented(source.kind, source.part.content)
    pdf, left_out = work.converter.convert(source.kind, content)
    if share_lost(source.kind, content, pdf) > BEARABLE:
        raise NotConverted("the pages that were made of it lack some of its words", opened=False)
    work.document.add(pdf, source.name)
    told = [f"{comments} comment{'s' * (comments != 1)}"] if comments else []
    return [f"{source.name}: {what}" for what in [*told, *left_out]]
