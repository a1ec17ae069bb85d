"""Runs under the Python that LibreOffice came with, beside one LibreOffice: turns files into PDF as it is told.

In: one JSON line for each file on standard input (``in``, ``out``: paths). Out: one JSON line each: ``notes``, what
is in the file and not on its pages, or ``wrong``, LibreOffice's word for why not. It has no access to the rest of
mailfax: it is handed to ``python3 -I -c`` as text.

A file's macros never run, its links are never followed, and it is opened for reading only. What is printed is the
document as its author would see it: tracked changes as if accepted, no comments, no hidden sheets and slides.
"""

from __future__ import annotations

import json
import math
import sys
import time
from typing import Any

import uno  # type: ignore[import-not-found, unused-ignore]

#: A sheet is shrunk to this at least before it goes over several pages across: 10 pt become 5, legible on a fine fax.
SMALLEST_SCALE = 0.5
FILTERS = (
    ("com.sun.star.sheet.SpreadsheetDocument", "calc_pdf_Export"),
    ("com.sun.star.presentation.PresentationDocument", "impress_pdf_Export"),
    ("com.sun.star.drawing.DrawingDocument", "draw_pdf_Export"),
    ("com.sun.star.text.TextDocument", "writer_pdf_Export"),
)
#: What goes into the PDF: pages and nothing else. 300 dots an inch are finer than a fax.
EXPORT = {
    "ExportNotes": False,
    "ExportNotesPages": False,
    "ExportHiddenSlides": False,
    "ExportBookmarks": False,
    "ExportFormFields": False,
    "UseTaggedPDF": False,
    "UseLosslessCompression": False,
    "Quality": 90,
    "ReduceImageResolution": True,
    "MaxImageResolution": 300,
}
LOAD = {
    "Hidden": True,
    "ReadOnly": True,
    "MacroExecutionMode": 0,  # com.sun.star.document.MacroExecMode.NEVER_EXECUTE
    "UpdateDocMode": 0,  # com.sun.star.document.UpdateDocMode.NO_UPDATE
}


def main() -> None:
    """Connect to the pipe named by the last argument, then work until nobody asks any more."""
    context = _connected(sys.argv[-1])
    desktop = context.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
    _tell({"ready": True})
    for line in sys.stdin:
        task = json.loads(line)
        _tell(_answer(desktop, task))


def _tell(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _connected(pipe: str) -> Any:
    """LibreOffice needs a moment until its pipe is there; who started us waits no longer than it likes."""
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    while True:
        try:
            return resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
        except uno.getClass("com.sun.star.connection.NoConnectException"):
            time.sleep(0.02)


def _answer(desktop: Any, task: dict[str, str]) -> dict[str, Any]:
    try:
        document = desktop.loadComponentFromURL(uno.systemPathToFileUrl(task["in"]), "_blank", 0, _values(LOAD))
        if document is None:
            return {"wrong": "it can't be opened"}
        try:
            filters = [name for service, name in FILTERS if document.supportsService(service)]
            if not filters:
                return {"wrong": "it is no document"}
            notes = _prepared(document)
            data = uno.Any("[]com.sun.star.beans.PropertyValue", _values(EXPORT))
            store = (*_values({"FilterName": filters[0]}), _value("FilterData", data))
            document.storeToURL(uno.systemPathToFileUrl(task["out"]), store)
        finally:
            document.close(True)
    except uno.getClass("com.sun.star.uno.RuntimeException"):
        raise  # it is LibreOffice that has ended, not the file that is bad
    except uno.getClass("com.sun.star.uno.Exception") as wrong:
        return {"wrong": f"{type(wrong).__name__}: {wrong.Message}"}
    return {"notes": notes}


def _value(name: str, value: Any) -> Any:
    made = uno.createUnoStruct("com.sun.star.beans.PropertyValue")
    made.Name, made.Value = name, value
    return made


def _values(table: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(_value(name, value) for name, value in table.items())


def _prepared(document: Any) -> list[str]:
    """Make the document look as printed; what is in it and will not be on its pages."""
    if document.supportsService("com.sun.star.sheet.SpreadsheetDocument"):
        return _sheets(document)
    if document.supportsService("com.sun.star.presentation.PresentationDocument"):
        return _slides(document)
    if document.supportsService("com.sun.star.text.TextDocument"):
        return _text(document)
    return []


def _counted(number: int, one: str, several: str) -> list[str]:
    return [f"{number} {one if number == 1 else several}"] if number else []


def _text(document: Any) -> list[str]:
    changes = sum(1 for _ in _each(document.Redlines))
    if changes:
        document.ShowChanges = False
    fields = _each(document.TextFields)
    comments = sum(field.supportsService("com.sun.star.text.TextField.Annotation") for field in fields)
    told = _counted(comments, "comment", "comments")
    if changes:
        told += [f"{changes} tracked change{'s' if changes > 1 else ''}: shown as if accepted"]
    return told


def _slides(document: Any) -> list[str]:
    pages = document.DrawPages
    every = [pages.getByIndex(at) for at in range(pages.Count)]
    hidden = sum(not page.Visible for page in every)
    return _counted(hidden, "hidden slide", "hidden slides")


def _sheets(document: Any) -> list[str]:
    sheets = [document.Sheets.getByIndex(at) for at in range(document.Sheets.Count)]
    seen = [sheet for sheet in sheets if sheet.IsVisible]
    styles = document.StyleFamilies.getByName("PageStyles")
    for name in {sheet.PageStyle for sheet in seen}:
        _fit(styles.getByName(name), max(_width(sheet) for sheet in seen if sheet.PageStyle == name))
    told = [f'hidden sheet "{sheet.Name}"' for sheet in sheets if not sheet.IsVisible]
    return told + _counted(sum(sheet.Annotations.Count for sheet in seen), "comment", "comments")


def _width(sheet: Any) -> int:
    """How wide the used part of a sheet is, in 1/100 mm; 0 where its author has said what of it is printed."""
    if sheet.PrintAreas:
        return 0
    cursor = sheet.createCursor()
    cursor.gotoEndOfUsedArea(False)
    return int(cursor.Position.X + cursor.Size.Width)


def _fit(style: Any, width: int) -> None:
    """What is wider than its page is turned, then shrunk, unless its author has said how it is to be printed."""
    if style.PageScale != 100 or style.ScaleToPages or style.ScaleToPagesX or style.ScaleToPagesY:
        return
    edges = style.LeftMargin + style.RightMargin
    if width <= style.Width - edges:
        return
    if style.Height > style.Width:
        style.IsLandscape = True
        style.Width, style.Height = style.Height, style.Width
    style.ScaleToPagesX = max(1, math.ceil(width * SMALLEST_SCALE / (style.Width - edges)))


def _each(container: Any) -> Any:
    enumeration = container.createEnumeration()
    while enumeration.hasMoreElements():
        yield enumeration.nextElement()


main()
