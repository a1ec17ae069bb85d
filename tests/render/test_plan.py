"""Every mail in ``tests/mails/`` becomes the plan, or the refusal, that stands beside it in ``.expected``."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailfax.faxcore.cover import CoverFields, FaxUpload, as_sent, encoded_octets
from mailfax.render.kinds import Kind
from mailfax.render.plan import FILENAME_BYTES, Source, fits_cover, plan, safe_filename, visible
from mailfax.render.terms import NOTES_BYTES, Wishes
from mailfax.rules.submission import NotFaxable, Part, Submission, understand
from tests.render.paper import picture

MAILS = sorted(Path(__file__).parents[1].joinpath("mails").glob("*.eml"))


def described(raw: bytes) -> str:
    """A plan as people read it: one fact a line."""
    try:
        submission = understand(raw)
        decided = plan(submission)
    except NotFaxable as refused:
        return f"refused {refused.status.code}: {refused.status.sentence}\n"
    lines = [f"subject: {submission.subject}"] if submission.subject else []
    lines += [f"notes: {line}" for line in decided.notes.split("\n") if decided.notes]
    for source in decided.sources:
        text = f" {source.part.text!r}" if source.part.text and len(source.part.text) < 200 else ""
        lines.append(f"page {source.kind.name}: {source.name}{text}")
    if decided.untouched:
        lines.append(f"untouched {decided.untouched.kind.name}: {safe_filename(decided.untouched)}")
    lines += [f"skipped: {skipped}" for skipped in decided.skipped]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("mail", MAILS, ids=lambda mail: mail.stem)
def test_a_mail_becomes_its_plan(mail: Path) -> None:
    assert described(mail.read_bytes()) == mail.with_suffix(".expected").read_text(encoding="utf-8")


def test_line_ends_make_no_difference() -> None:
    for mail in MAILS:
        raw = mail.read_bytes()
        assert described(raw.replace(b"\n", b"\r\n")) == described(raw)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("Please find my letter attached.", True),
        ("a" * 500, True),
        ("a" * 501, False),
        ("a\n" * 11 + "a", True),
        ("a\n" * 12 + "a", False),
        ("ä" * 200, True),  # six bytes each in a URL
        ("ä" * 201, False),
        ("a b" * 160, True),
        ("€" * 133, True),  # nine bytes each
        ("€" * 134, False),
        ("<" * 133, True),  # sent as "‹", nine bytes each
        ("<" * 134, False),
        (">" * 134, False),
        ("&#" * 133, True),  # sent as "& #", nine bytes
        ("&#" * 134, False),
        ("\t." * 240, True),  # sent as a blank, three bytes
    ],
)
def test_notes_are_short_also_in_a_url(text: str, fits: bool) -> None:
    assert fits_cover(text, NOTES_BYTES) is fits


@pytest.mark.parametrize(
    ("name", "kind", "sent"),
    [
        ("Report.DOCX", Kind.DOCX, "Report.docx"),
        ("Übersicht für Ärzte.xls", Kind.XLS, "Ubersicht_fur_Arzte.xls"),
        ("报告.pptx", Kind.PPTX, "document.pptx"),
        ("report", Kind.RTF, "report.rtf"),
        ("report.pdf", Kind.DOC, "report.doc"),
        ("page.mht", Kind.MHTML, "page.mht"),
        ("a" * 100 + ".docx", Kind.DOCX, "a" * 59 + ".docx"),
        ("...docx", Kind.DOCX, "document.docx"),
        ("a b&c=d?e#f.xml", Kind.XML, "a_b_c_d_e_f.xml"),
    ],
)
def test_a_file_name_is_plain_and_says_what_the_file_is(name: str, kind: Kind, sent: str) -> None:
    made = safe_filename(Source(name, kind, Part(name, "", b"")))
    assert made == sent
    assert len(made) <= FILENAME_BYTES


def test_invisible_text_is_no_text() -> None:
    assert visible("\u200b \u00a0\r\n\ufeff\t\n") == ""
    assert visible("a  \n\n\n\nb") == "a\n\nb"
    assert visible("\x00\x00") == ""


def test_damage_in_a_text_is_seen() -> None:
    assert visible("a\x00b\x1bc\x85d\ud800") == "a\ufffdb\ufffdc\ufffdd\ufffd"


def test_joiners_shape_the_text_and_stay() -> None:
    assert visible("می\u200cخواهم 👨\u200d👩") == "می\u200cخواهم 👨\u200d👩"


UNTOUCHED = [
    ("x.rtf", b"{\\rtf1 hello}", "rtf"),
    ("x.pcl", b"\x1bE\x1b&l0Ohello", "pcl"),
    ("x.prn", b"\x1b%-12345X@PJL", "prn"),
]


@pytest.mark.parametrize(("name", "content", "extension"), UNTOUCHED, ids=[name for name, _, _ in UNTOUCHED])
def test_what_only_faxcore_draws_goes_there_untouched(name: str, content: bytes, extension: str) -> None:
    decided = plan(Submission(parts=(Part(name, "application/octet-stream", content),)))
    assert decided.untouched is not None
    assert decided.untouched.part.content == content
    assert safe_filename(decided.untouched) == f"x.{extension}"


def test_long_text_beside_an_untouched_file_is_refused() -> None:
    rtf = Part("x.rtf", "", b"{\\rtf1 hello}")
    with pytest.raises(NotFaxable, match="too long for the cover page"):
        plan(Submission(body_text="word " * 200, parts=(rtf,)))


@pytest.mark.parametrize(
    "text",
    [
        "a" * 500,
        "<b> " * 100,
        ">" * 133,
        "&#12; " * 80,
        "a\tb\t" * 60,
        "<ä€&#>\n" * 11,
        "\u2028&" * 133,
        "\u2028<" * 66,
    ],
)
def test_what_fits_the_cover_is_sent_whole(text: str) -> None:
    """The client alone knows what it sends; what is counted here is never less."""
    text = visible(text)
    sent = as_sent(FaxUpload("15551234567", CoverFields(notes=text), "fax.pdf", 1)).notes
    assert encoded_octets(sent) <= NOTES_BYTES or not fits_cover(text, NOTES_BYTES)
    assert not fits_cover(text, encoded_octets(sent) - 1)


@pytest.mark.parametrize("size", [(1, 1), (7, 400), (400, 7)])
@pytest.mark.parametrize("form", ["GIF", "PNG", "JPEG", "TIFF"])
def test_a_picture_with_nothing_to_see_is_skipped_and_named(size: tuple[int, int], form: str) -> None:
    pixel = Part("pixel", f"image/{form.lower()}", picture(form, size))
    decided = plan(Submission(body_text="Dear Bob", parts=(pixel,)))
    assert decided.skipped == (f"pixel: a picture of {size[0]} x {size[1]} dots: nothing to see",)
    assert (decided.notes, [source.name for source in decided.sources]) == ("", ["text of the mail"])


def test_a_picture_of_eight_dots_is_a_page() -> None:
    decided = plan(Submission(parts=(Part("rule.png", "image/png", picture("PNG", (400, 8))),)))
    assert [source.name for source in decided.sources] == ["rule.png"]


def test_a_mail_of_nothing_but_what_is_skipped_is_refused_with_the_reason() -> None:
    pixel = Part("pixel.gif", "image/gif", picture("GIF", (1, 1)))
    with pytest.raises(NotFaxable, match=r"gives a page \(pixel.gif: a picture of 1 x 1 dots: nothing to see\)"):
        plan(Submission(parts=(pixel,)))
    with pytest.raises(NotFaxable, match="neither text nor an attachment"):
        plan(Submission(body_html='<img src="cid:1">', images={"1": pixel}))


def test_a_picture_pasted_into_html_is_something_to_fax() -> None:
    """No text and no attachment, but a data: picture in the HTML: that is what the sender meant."""
    decided = plan(Submission(body_html='<p><IMG width=3 src="data:image/png;base64,iVBORw0KGgo="></p>'))
    assert [source.kind for source in decided.sources] == [Kind.HTML]


PDF = Part("a.pdf", "application/pdf", b"%PDF-1.4 a letter")


@pytest.mark.parametrize(
    ("mode", "text", "notes", "pages", "covered"),
    [
        ("with-text", "Dear Bob", "Dear Bob", ["a.pdf"], True),
        ("with-text", " \u200b\n\u00a0", "", ["a.pdf"], False),
        ("always", "", "", ["a.pdf"], True),
        ("always", "Dear Bob", "Dear Bob", ["a.pdf"], True),
        ("on-demand", "Dear Bob", "", ["text of the mail", "a.pdf"], False),
        ("none", "Dear Bob", "", ["text of the mail", "a.pdf"], False),
        ("none", "", "", ["a.pdf"], False),
        ("with-text", "請見附件", "", ["text of the mail", "a.pdf"], True),
    ],
)
def test_the_mode_of_the_sender_decides_where_the_text_goes(
    mode: str, text: str, notes: str, pages: list[str], covered: bool
) -> None:
    decided = plan(Submission(body_text=text, parts=(PDF,)), Wishes(mode))
    assert (decided.notes, [source.name for source in decided.sources]) == (notes, pages)
    assert decided.covered is covered


def test_invisible_html_is_no_text_and_asks_for_no_cover_page() -> None:
    html = "<div><style>p {color: red}</style><p>&nbsp;</p><!-- nothing --><br></div>"
    decided = plan(Submission(body_html=html, parts=(PDF,)), Wishes("with-text"))
    assert (decided.notes, decided.covered, [source.name for source in decided.sources]) == ("", False, ["a.pdf"])


def test_where_one_recipient_has_no_cover_page_the_text_is_a_page() -> None:
    decided = plan(Submission(body_text="Dear Bob", parts=(PDF,)), Wishes("with-text", notes_bytes=0))
    assert (decided.notes, [source.name for source in decided.sources]) == ("", ["text of the mail", "a.pdf"])


def test_what_a_copier_writes_into_every_mail_is_no_text() -> None:
    advertisement = "Please open the attached document. It was sent to you using a Xerox WorkCentre."
    decided = plan(Submission(body_text=advertisement, parts=(PDF,)), Wishes("with-text"))
    assert (decided.notes, decided.covered) == ("", False)
    assert decided.skipped == ("text of the mail: what a Xerox device writes into every mail",)


def test_a_text_that_is_to_be_ignored_is_named_and_alone_it_is_the_fax() -> None:
    ignored = Wishes("with-text", body="ignore")
    decided = plan(Submission(body_text="Dear Bob", parts=(PDF,)), ignored)
    assert (decided.notes, decided.covered) == ("", False)
    assert decided.skipped == ("text of the mail: the texts of this sender's mails are not faxed beside files",)
    alone = plan(Submission(body_text="Dear Bob"), ignored)
    assert ([source.name for source in alone.sources], alone.covered) == (["text of the mail"], True)


def test_text_beside_an_untouched_file_without_a_cover_page_is_refused() -> None:
    rtf = Part("x.rtf", "", b"{\\rtf1 hello}")
    with pytest.raises(NotFaxable, match="no cover page for the text"):
        plan(Submission(body_text="Dear Bob", parts=(rtf,)), Wishes("none"))


@pytest.mark.parametrize(
    ("mode", "text", "notes", "covered"),
    [
        ("with-text", "#fax:nocover\nDear Bob", "", False),
        ("with-text", "#fax:cover", "", True),
        ("on-demand", "#fax:cover\nDear Bob", "Dear Bob", True),
        ("always", "#FAX:NoCover", "", False),
    ],
)
def test_a_tag_in_the_first_line_counts_and_is_not_printed(mode: str, text: str, notes: str, covered: bool) -> None:
    decided = plan(Submission(body_text=text, parts=(PDF,)), Wishes(mode))
    assert (decided.notes, decided.covered) == (notes, covered)
    assert all("#fax" not in (source.part.text or "").lower() for source in decided.sources)


def test_a_tag_in_html_is_not_printed() -> None:
    html = "<p>#fax:nocover</p><p>Dear <b>Bob</b></p>"
    decided = plan(Submission(body_html=html, body_text="#fax:nocover\nDear Bob", parts=(PDF,)), Wishes("with-text"))
    assert decided.covered is False and "#fax" not in (decided.sources[0].part.text or "")
    with pytest.raises(NotFaxable, match="divided by formatting"):
        plan(Submission(body_html="<p>#fax:no<b>cover</b></p>", parts=(PDF,)), Wishes("with-text"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("#fax:when=18:00\nDear Bob", "#fax:when=18:00 is not known here"),
        ("#fax:at=18:00\nDear Bob", "stand in the subject"),
        ("#fax:to=Bob", "stand in the subject"),
        ("#fax:cover", "no fax of this sender has a cover page"),
    ],
)
def test_a_tag_in_the_text_that_is_not_understood_is_refused_by_its_name(text: str, why: str) -> None:
    with pytest.raises(NotFaxable, match=why):
        plan(Submission(body_text=text, parts=(PDF,)), Wishes("none"))


def test_what_our_own_cover_page_can_not_show_is_named() -> None:
    decided = plan(Submission(body_text="Dear Bob \U00012000", parts=(PDF,)), Wishes("with-text", cover="ours"))
    assert decided.notes and decided.skipped == (
        "text of the mail: 1 character(s) for which there is no font here (Cuneiform)",
    )
