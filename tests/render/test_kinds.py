"""What a file is: by its content, then its name, then its label; what can't be faxed is refused, truly."""

from __future__ import annotations

import io
import zipfile

import pytest

from mailfax.render.kinds import DRAWN, Kind, disagreement, kind_of
from mailfax.render.plan import plan
from mailfax.render.table import rows_in
from mailfax.render.terms import ORDINARY
from mailfax.rules.submission import NotFaxable, Part, Submission
from tests.support.compound import compound
from tests.support.documents import docx


def packed(*names: str, **contents: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "<x/>")
        for name, content in contents.items():
            archive.writestr(name.replace("__", "/"), content)
    return file.getvalue()


def open_document(kind: str, manifest: bytes = b"<manifest/>") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
        archive.writestr("content.xml", "<x/>")
        archive.writestr("META-INF/manifest.xml", manifest)
    return file.getvalue()


WORD_XML = b'<?xml version="1.0"?><?mso-application progid="Word.Document"?><w:wordDocument/>'
FLAT = b'<?xml version="1.0"?><office:document office:mimetype="application/vnd.oasis.opendocument.%s"/>'
OFFICE_PAGE = b'<html xmlns:x="urn:schemas-microsoft-com:office:excel"><table><tr><td>1</td></tr></table></html>'
FILES: dict[str, tuple[bytes, Kind]] = {
    "letter.docx": (docx(), Kind.DOCX),
    "macro.docm": (docx(), Kind.DOCX),
    "template.dotx": (docx(), Kind.DOCX),
    "no name": (docx(), Kind.DOCX),
    "book.xlsx": (packed("[Content_Types].xml", "xl/workbook.xml"), Kind.XLSX),
    "book.xlsb": (packed("[Content_Types].xml", "xl/workbook.bin"), Kind.XLSB),
    "talk.ppsx": (packed("[Content_Types].xml", "ppt/presentation.xml"), Kind.PPTX),
    "page.oxps": (packed("[Content_Types].xml", "FixedDocumentSequence.fdseq"), Kind.XPS),
    "text.odt": (open_document("text"), Kind.ODT),
    "template.ott": (open_document("text-template"), Kind.ODT),
    "sheet.ods": (open_document("spreadsheet"), Kind.ODS),
    "talk.odp": (open_document("presentation"), Kind.ODP),
    "old.doc": (compound({"WordDocument": bytes(600)}), Kind.DOC),
    "old.xls": (compound({"Workbook": bytes(600)}), Kind.XLS),
    "old.ppt": (compound({"PowerPoint Document": bytes(600)}), Kind.PPT),
    "word.xml": (WORD_XML, Kind.DOC),
    "flat.fodt": (FLAT % b"text", Kind.ODT),
    "data.xml": (b"<?xml version='1.0'?><a/>", Kind.XML),
    "logo.xml": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', Kind.SVG),
    "plan.svg": (b"<!-- made here -->\n<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN'>\n<svg/>", Kind.SVG),
    "with-a-drawing.xml": (
        b"<?xml version='1.0'?><report><svg xmlns='http://www.w3.org/2000/svg'/></report>",
        Kind.XML,
    ),
    "rich.doc": (b"{\\rtf1 hello}", Kind.RTF),
    "drawing.eps": (b"\xc5\xd0\xd3\xc6" + bytes(30), Kind.PS),
    "print.ps": (b"%!PS-Adobe-3.0\n", Kind.PS),
    "print.prn": (b"\x1b%-12345X@PJL ENTER LANGUAGE=POSTSCRIPT\r\n%!PS\n", Kind.PS),
    "print.pcl": (b"\x1bE\x1b&l0O", Kind.PCL),
    "order.json": (b'{"order":4711}', Kind.TEXT),
    "ORDER.001": (b"Order 4711\r\nTwo items\r\n", Kind.TEXT),
    "README": ("Grüße aus der Datei".encode(), Kind.TEXT),
    "table.csv": (b"a;b\r\nc;d\r\n", Kind.CSV),
    "export.xls": (b"a\tb\r\nc\td\r\n", Kind.CSV),
    "report.xls": (OFFICE_PAGE, Kind.HTML),
    "._letter.pdf": (b"\x00\x05\x16\x07" + bytes(60), Kind.ASIDE),
    "empty.pdf": (b"", Kind.ASIDE),
}


@pytest.mark.parametrize(("name", "content", "kind"), [(name, *file) for name, file in FILES.items()], ids=FILES)
def test_a_file_is_what_it_holds(name: str, content: bytes, kind: Kind) -> None:
    assert kind_of(Part(name, "application/octet-stream", content)) is kind


FILE_PASS = bytes.fromhex("0908 1000".replace(" ", "")) + bytes(16) + bytes.fromhex("2f000600") + bytes(6)
REFUSED: dict[str, tuple[bytes, str]] = {
    "secret.docx": (compound({"EncryptedPackage": bytes(600), "EncryptionInfo": b"x"}), "is encrypted"),
    "secret.doc": (compound({"WordDocument": bytes(10) + b"\x00\x01" + bytes(600)}), "is encrypted"),
    "secret.xls": (compound({"Workbook": FILE_PASS + bytes(600)}), "is encrypted"),
    "secret.odt": (open_document("text", b"<manifest:encryption-data/>"), "is encrypted"),
    "half.docx": (docx()[:-30], "its end is missing"),
    "files.zip": (packed("a.txt"), "it is an archive"),
    "letter.pages": (packed("Index/Document.iwa"), "not known here"),
    "files.rar": (b"Rar!\x1a\x07", "it is an archive"),
    "old.hqx": (b"(This file must be converted with BinHex 4.0)\n:", "wrapped for a Mac"),
    "key": (b"c29tZSBwYWNrZWQgb2N0ZXRz" * 3 + b"\n" + b"c29tZSBwYWNrZWQgb2N0ZXRz" * 3, "not known here"),
    "inbox": (b"From bob@example.com Mon Jan  1 10:00:00 2024\nSubject: one\n\nWords\n", "a folder of messages"),
    "site.url": (b"[InternetShortcut]\r\nURL=http://example.com/\r\n", "only a link"),
    "site.lnk": (b"L\x00\x00\x00\x01\x14\x02\x00" + bytes(60), "only a link"),
    "page.pdf": (b"<html><body>404</body></html>", "perhaps a failed download"),
}


@pytest.mark.parametrize(("name", "content", "why"), [(name, *file) for name, file in REFUSED.items()], ids=REFUSED)
def test_what_cannot_be_faxed_is_refused_by_its_name(name: str, content: bytes, why: str) -> None:
    with pytest.raises(NotFaxable) as refused:
        kind_of(Part(name, "application/octet-stream", content))
    assert f'"{name}"' in refused.value.status.sentence and why in refused.value.status.sentence


def test_a_name_or_label_that_is_not_so_is_told_for_the_log() -> None:
    assert disagreement(Part("a.png", "image/png", b"\xff\xd8\xff"), Kind.JPEG) == (
        "it is JPEG; its name says PNG and its label says PNG"
    )
    assert disagreement(Part("a.jpg", "application/octet-stream", b"\xff\xd8\xff"), Kind.JPEG) == ""
    assert disagreement(Part("a.csv", "text/plain", b"a;b"), Kind.CSV) == ""


def submission() -> Submission:
    zipped = Part("files.zip", "application/zip", packed("a.txt"))
    return Submission(body_text="Hello", parts=(zipped, Part("note.txt", "text/plain", b"Words", "Words")))


def test_one_file_that_cannot_be_faxed_refuses_the_mail_or_is_named_as_the_site_wants() -> None:
    with pytest.raises(NotFaxable, match="it is an archive"):
        plan(submission())
    decided = plan(submission(), ORDINARY, DRAWN, name_unsupported=True)
    assert [source.name for source in decided.sources] == ["note.txt"]
    assert decided.skipped == ("files.zip: can't be faxed: it is an archive. Unpack it and attach the files in it",)


def test_a_damaged_file_refuses_the_mail_whatever_the_site_wants() -> None:
    half = Submission(body_text="Hello", parts=(Part("half.docx", "", docx()[:-30]),))
    with pytest.raises(NotFaxable, match="its end is missing"):
        plan(half, ORDINARY, DRAWN, name_unsupported=True)


def test_a_kind_that_nothing_here_draws_goes_untouched_alone_and_is_refused_beside_others() -> None:
    word, text = Part("a.docx", "", docx()), Part("note.txt", "text/plain", b"Words", "Words")
    alone = plan(Submission(parts=(word,)))
    assert alone.untouched is not None and alone.untouched.kind is Kind.DOCX
    assert plan(Submission(parts=(word,)), ORDINARY, DRAWN | {Kind.DOCX}).untouched is None
    with pytest.raises(NotFaxable, match=r'"a\.docx" can.t be joined'):
        plan(Submission(parts=(word, text)))
    named = plan(Submission(parts=(word, text)), ORDINARY, DRAWN, name_unsupported=True)
    assert [source.name for source in named.sources] == ["note.txt"] and "a.docx: " in named.skipped[0]
    with pytest.raises(NotFaxable, match="no program for ODT files"):
        plan(Submission(parts=(Part("a.odt", "", open_document("text")),)))


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a;b\nc;d", [["a", "b"], ["c", "d"]]),
        ('"a, b",2\nc,3', [["a, b", "2"], ["c", "3"]]),
        ('a;b\n"two\r\nlines";c', [["a", "b"], ["two\r\nlines", "c"]]),
        ("a\tb\tc\nd\te", [["a", "b", "c"], ["d", "e", ""]]),
        ("Dear Bob,\n\nno table at all", []),
        ('a,"b\n', []),
    ],
)
def test_a_table_is_one_by_its_rows(text: str, rows: list[list[str]]) -> None:
    assert rows_in(text) == rows
