"""The MIME tree of a mail is read by one rule for each container; ``tests/mails`` has whole mails."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.rules.submission import NotFaxable, Submission, understand


def part(label: str, body: str, *headers: str) -> str:
    return "\n".join([f"Content-Type: {label}", *headers, "", body])


def multi(sub: str, *parts: str, boundary: str = "B") -> str:
    body = "".join(f"--{boundary}\n{each}\n" for each in parts)
    return f'Content-Type: multipart/{sub}; boundary="{boundary}"\n\n{body}--{boundary}--\n'


GIF = "GIF89a"


def read(mail: str, *headers: str) -> Submission:
    return understand("\n".join([*headers, mail]).encode())


def test_the_subject_is_one_line_of_text() -> None:
    mail = read(
        "\nHello", "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", " =?utf-8?q?_aus?= K", "Message-ID: <1@example.com>"
    )
    assert mail.subject == "Grüße aus K"
    assert mail.message_id == "<1@example.com>"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Subject: Verträge für Müller".encode("latin-1"), "windows-1252"),
        ("Subject: Договор о поставке".encode("koi8-r"), "koi8-r"),
        (b"Subject: =?iso-8859-1?b?" + base64.b64encode("Договор поставки".encode("cp1251")) + b"?=", "windows-1251"),
        ("Subject: Verträge für Müller".encode(), ""),
        (b"Subject: =?iso-8859-1?q?Vertr=E4ge?=", ""),
    ],
)
def test_a_charset_that_was_guessed_for_the_subject_is_told(line: bytes, told: str) -> None:
    expected = (f"subject: its character set had to be guessed ({told})",) if told else ()
    assert understand(line + b"\n\nHello").skipped == expected
    forwarded = understand(b"Content-Type: message/rfc822\n\nFrom: a@b\n" + line + b"\n\nHello").skipped
    assert len(forwarded) == bool(told) and all(
        "(forwarded mail): the character set of its heading" in each for each in forwarded
    )


@pytest.mark.parametrize("boundaries", [" --B", "\t--B"])
def test_boundaries_that_are_indented_are_no_boundaries_and_the_reason_says_so(boundaries: str) -> None:
    mail = multi("mixed", part("text/plain", "text"), part("application/pdf", "%PDF-1.4"))
    with pytest.raises(NotFaxable, match=r"a boundary between its parts is (missing|damaged)"):
        read(mail.replace("\n--B", f"\n{boundaries}"))


def test_alternatives_are_one_body_in_two_forms() -> None:
    mail = read(multi("alternative", part("text/plain", "short"), part("text/html", "<p>short")))
    assert (mail.body_text, mail.body_html, mail.parts) == ("short", "<p>short", ())


def test_the_richest_alternative_stands_last_and_an_unknown_one_is_not_it() -> None:
    amp = part("text/x-amp-html", "<html amp4email>short")
    mail = read(multi("alternative", part("text/plain", "short"), amp, part("text/html", "<p>short")))
    assert mail.body_html == "<p>short"
    mail = read(multi("alternative", part("text/plain", "short"), part("text/html", "<p>short"), amp))
    assert (mail.body_text, mail.body_html, mail.parts) == ("short", "<p>short", ())


def test_pictures_that_html_shows_are_its_own_and_all_others_are_parts() -> None:
    html = part("text/html", '<img src="cid:a%40x"><td background=CID:b@x>')
    pictures = [part("image/png", GIF, f"Content-ID: <{name}@x>", "Content-Disposition: inline") for name in "abc"]
    mail = read(multi("related", html, *pictures))
    assert sorted(mail.images) == ["a@x", "b@x"]
    assert len(mail.parts) == 1


@pytest.mark.parametrize(
    "page",
    [
        '<img alt="x" SRC = "cid:1@x">',
        "<img\nsrc=cid:1%40x>",
        "<body background='cid:1@x'>",
        "<p style=\"background: url('cid:1@x')\">",
        "<p style='background: url(\"cid:1@x\")'>",
        "<p style='background: url(&quot;cid:1@x&quot;)'>",
        "<style>p {background: URL(cid:1@x)}</style>",
        "<!-- <img src=cid:1@x> --><img src='cid:1@x'>",
    ],
)
def test_a_picture_is_inline_where_html_draws_it(page: str) -> None:
    mail = read(multi("related", part("text/html", page), part("image/gif", GIF, "Content-ID: <1@x>")))
    assert (list(mail.images), mail.parts) == (["1@x"], ())


@pytest.mark.parametrize(
    "page",
    [
        "See cid:1@x.",
        '<span id="cid:1@x">',
        '<a href="cid:1@x">the file</a>',
        '<object data="cid:1@x"></object>',
        '<object data="x"><img src="cid:1@x"></object>',
        "<!-- <img src='cid:1@x'> -->",
        "<script>'<img src=cid:1@x>'",
    ],
)
def test_a_content_id_that_is_only_mentioned_is_a_part(page: str) -> None:
    mail = read(multi("related", part("text/html", page), part("image/gif", GIF, "Content-ID: <1@x>")))
    assert (mail.images, len(mail.parts)) == ({}, 1)


@pytest.mark.parametrize(
    ("label", "content"), [("application/pdf", "%PDF-1.4"), ("image/tiff", "II*"), ("image/png", "%PDF-1.4")]
)
def test_what_is_not_drawn_inside_html_is_a_part(label: str, content: str) -> None:
    html = part("text/html", '<img src="cid:1@x">')
    mail = read(multi("related", html, part(label, content, "Content-ID: <1@x>")))
    assert (mail.images, [each.label for each in mail.parts]) == ({}, [label])


def test_a_second_picture_of_one_content_id_is_a_part() -> None:
    pictures = [part("image/gif", GIF + each, "Content-ID: <1@x>") for each in "ab"]
    mail = read(multi("related", part("text/html", '<img src="cid:1@x">'), *pictures))
    assert mail.images["1@x"].content == b"GIF89aa"
    assert [each.content for each in mail.parts] == [b"GIF89ab"]


def test_endless_open_tags_are_read_in_bounded_time() -> None:
    for tag in ("<img ", "<a ", "<object ", "<!--", "<img src=", "<p background ", "url("):
        assert not read(part("text/html", tag * 100_000)).images


PLAIN, HTML, PDF = part("text/plain", "short"), part("text/html", "<p>short"), part("application/pdf", "%PDF-")


@pytest.mark.parametrize(
    ("children", "text", "page"),
    [
        ((PLAIN, PDF, HTML), "short", "<p>short"),
        ((PDF, PLAIN, HTML), "short", "<p>short"),
        ((PLAIN, HTML, PDF), "short", "<p>short"),
        ((multi("mixed", PLAIN, PDF, boundary="I"), HTML), "", "<p>short"),
        ((PLAIN, multi("mixed", HTML, PDF, boundary="I")), "short", "<p>short"),
        ((multi("mixed", HTML, PDF, boundary="I"), PLAIN), "short", ""),
        (
            (PLAIN, part("text/html", "<p>file", "Content-Disposition: attachment; filename=a.html"), HTML),
            "short",
            "<p>short",
        ),
        ((PLAIN, part("text/csv", "1,2", "Content-Disposition: inline; filename=a.csv"), HTML), "short", "<p>short"),
    ],
)
def test_a_file_among_alternatives_stays_a_part(children: tuple[str, ...], text: str, page: str) -> None:
    mail = read(multi("alternative", *children))
    assert (mail.body_text, mail.body_html, len(mail.parts), mail.skipped) == (text, page, 1, ())


def test_a_signature_or_calendar_entry_inside_an_alternative_is_named() -> None:
    inner = multi("mixed", PLAIN, part("text/calendar", "BEGIN:VCALENDAR"), boundary="I")
    mail = read(multi("alternative", inner, HTML))
    assert (mail.parts, mail.skipped) == ((), ("text/calendar: a calendar entry",))


def test_unknown_containers_are_read_as_mixed() -> None:
    mail = read(multi("x-unheard-of", part("text/plain", "one"), part("application/pdf", "two")))
    assert mail.body_text == "one"
    assert [each.label for each in mail.parts] == ["application/pdf"]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('Content-Disposition: attachment; filename="=?utf-8?b?w5xiZXJzaWNodC5wZGY=?="', "Übersicht.pdf"),
        ("Content-Disposition: attachment; filename*=utf-8''%C3%9Cber.pdf", "Über.pdf"),
        ("Content-Disposition: attachment; filename*1=b.pdf; filename*0=a", "ab.pdf"),
        ("Content-Disposition: attachment; filename=Über.pdf", "Über.pdf"),
        ("Content-Disposition: attachment; filename=../../etc/passwd.pdf", "passwd.pdf"),
        ('Content-Disposition: attachment; filename="a\u202efdp.exe"', "a fdp.exe"),
        ("Content-Disposition: attachment", "attachment 1"),
        ("Content-Disposition: attachment; filename*=idna''%ff", "ÿ"),
        ('Content-Disposition: attachment; filename="=?utf-8?B?SW52b2ljZSAxM?="', "Invoice 1"),
        (f"Content-Disposition: attachment; filename={'x' * 300}.pdf", "x" * 90 + "….pdf"),
    ],
)
def test_a_file_name_is_for_people(header: str, name: str) -> None:
    (only,) = read(part("application/pdf", "x", header)).parts
    assert only.name == name


@pytest.mark.parametrize("charset", ["utf-8", "utf-7", "unheard-of", "us-ascii", "zip", "hex"])
def test_any_charset_gives_text(charset: str) -> None:
    assert read(part(f"text/plain; charset={charset}", "Hello")).body_text == "Hello"


@given(st.binary(max_size=400))
def test_any_bytes_become_a_submission_or_a_refusal(raw: bytes) -> None:
    try:
        understand(raw)
    except NotFaxable as refused:
        assert refused.status.sentence


LINES = st.sampled_from(
    [
        "Content-Type: multipart/mixed; boundary=B",
        "Content-Type: multipart/alternative; boundary=C",
        "Content-Type: multipart/signed; boundary=B",
        "Content-Type: message/rfc822",
        "Content-Type: message/partial",
        "Content-Type: text/html; charset=\ufffd",
        "Content-Type: text/plain; format=flowed",
        "Content-Type: application/pdf; name*0*=x''%",
        "Content-Disposition: attachment; filename==?utf-8?b?=?=",
        "Content-Disposition: attachment; filename==?utf-8?b?SW52b2ljZSAxM?=",
        "Content-Disposition: attachment; filename*=idna''%ff",
        "Subject: =?utf-8?B?SW52b2ljZSAxM?=",
        "Content-Transfer-Encoding: base64",
        "Content-Transfer-Encoding: x-uuencode",
        "Content-ID: <x",
        "--B",
        "--C",
        "--B--",
        "",
        "",
        "begin 644 x",
        "AAA",
        "\udc80\udcff",
    ]
)


@given(st.lists(LINES, max_size=30))
def test_any_tree_becomes_a_submission_or_a_refusal(lines: list[str]) -> None:
    try:
        understand("\n".join(lines).encode("utf-8", "surrogateescape"))
    except NotFaxable as refused:
        assert refused.status.sentence
