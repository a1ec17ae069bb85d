"""What a PDF holds beside its pages: files, notes and moving pictures, which no fax shows.

In: a PDF. Out: what of it is left out, in words for people; or ``NotFaxable`` where the pages are not what its sender
means: a portfolio is a folder of files behind a page that says so, a dynamic form is drawn by its own program only.

STANDARDS: ISO 32000-2 7.11.4 (embedded files), 12.3.5 (collections), 12.5.6 (annotations), 12.7.8 (XFA).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pikepdf

from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable

#: Annotations whose text opens in a window of its own.
NOTED = frozenset([
    "/Text", "/Highlight", "/Underline", "/Squiggly", "/StrikeOut", "/Caret", "/Ink", "/Square", "/Circle", "/Line",
    "/Polygon", "/PolyLine",
])  # fmt: skip
#: Annotations that no viewer shows where nothing says how they look, and what people call them.
UNDRAWN = {
    "/Stamp": "stamp", "/Line": "line", "/Polygon": "shape", "/PolyLine": "shape",
    "/Caret": "mark", "/Redact": "blackening",
}  # fmt: skip
MOVING = {"/Screen": "video", "/Movie": "video", "/RichMedia": "video", "/Sound": "sound", "/3D": "model"}
#: Annotation flags (12.5.3): Hidden and NoView.
UNSEEN = 2 | 32
#: Names told before the rest is only counted.
MOST_NAMES = 20


def extras(pdf: pikepdf.Pdf, name: str) -> list[str]:
    """What of the file is on no page; raises ``NotFaxable``."""
    root = pdf.Root
    if "/Collection" in root:
        why = "it is a portfolio, a folder of files in one PDF. Attach the files in it one by one"
        raise NotFaxable(status(Cause.UNSUPPORTED, name=name, why=why))
    form = root.get("/AcroForm")
    if isinstance(form, pikepdf.Dictionary) and "/XFA" in form and root.get("/NeedsRendering", False):
        why = 'it is a dynamic form that only its own program can show. Print it "as PDF" and send that'
        raise NotFaxable(status(Cause.UNSUPPORTED, name=name, why=why))
    files = _embedded(root)
    notes, things = 0, Counter[str]()
    for note in _annotations(pdf):
        kind = str(note.get("/Subtype", ""))
        flags = note.get("/F", 0)
        if isinstance(flags, int) and flags & UNSEEN:
            continue
        notes += kind in NOTED and bool(str(note.get("/Contents", "")).strip())
        if kind == "/FileAttachment":
            files.append(_file_name(note.get("/FS")))
        elif kind in MOVING:
            things[MOVING[kind]] += 1
        elif kind in UNDRAWN and "/AP" not in note:
            things[f"{UNDRAWN[kind]} that is not drawn in the file"] += 1
    told = [f'{name}: the file "{file}" inside it' for file in files[:MOST_NAMES]]
    if len(files) > MOST_NAMES:
        told.append(f"{name}: {len(files) - MOST_NAMES} more files inside it")
    if notes:
        told.append(f"{name}: the text of {notes} note{'s' * (notes != 1)} that opens on a click")
    return told + [f"{name}: {count} × {thing}" for thing, count in things.items()]


def _annotations(pdf: pikepdf.Pdf) -> Iterator[pikepdf.Dictionary]:
    for page in pdf.pages:
        notes = page.obj.get("/Annots")
        if isinstance(notes, pikepdf.Array):
            yield from (note for note in notes if isinstance(note, pikepdf.Dictionary))


def _embedded(root: pikepdf.Object) -> list[str]:
    """Names of the files in the name tree (7.9.6), each node once."""
    names = root.get("/Names")
    waiting = [names.get("/EmbeddedFiles")] if isinstance(names, pikepdf.Dictionary) else []
    found: list[str] = []
    for _ in range(1000):
        if not waiting:
            break
        node = waiting.pop()
        if not isinstance(node, pikepdf.Dictionary):
            continue
        waiting += list(node.get("/Kids", []))
        pairs = list(node.get("/Names", []))
        found += [_file_name(file, str(key)) for key, file in zip(pairs[::2], pairs[1::2], strict=False)]
    return found


def _file_name(file: object, otherwise: str = "without a name") -> str:
    if isinstance(file, pikepdf.Dictionary):
        return str(file.get("/UF", file.get("/F", otherwise)))[:80]
    return str(file)[:80] if isinstance(file, pikepdf.String) else otherwise
