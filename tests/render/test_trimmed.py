"""Signature and quote are taken from text and HTML where the sender's rule wants it, and named."""

from __future__ import annotations

import pytest

from mailfax.render.plan import plan
from mailfax.render.terms import Wishes
from mailfax.render.words import text_of
from mailfax.rules.submission import NotFaxable, Part, Submission
from tests.render.paper import picture

WISHES = Wishes("with-text", strip=("signature", "quote"))
OUTLOOK = (
    '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p><b>From:</b> Jane<br><b>'
    "Sent:</b> Monday<br><b>To:</b> Bob<br><b>Subject:</b> Offer</p></div>"
)
QUOTES = {
    "Gmail": '<br><div class="gmail_quote"><div class="gmail_attr">On Mon, Jane wrote:<br></div><blockquote>Shall we?'
    "</blockquote></div>",
    "Thunderbird": '<div class="moz-cite-prefix">Am 1.6.26 um 10:12 schrieb Jane:<br></div> <blockquote type="cite">'
    "Shall we?</blockquote>",
    "Apple": '<br><blockquote type="cite"><div>On 1 Jun, Jane wrote:</div>Shall we?</blockquote>',
    "Outlook on the web": '<hr><div id="divRplyFwdMsg"><b>From:</b> Jane</div><div>Shall we?</div>',
    "Outlook": OUTLOOK + "<p>Shall we?</p>",
    "Yahoo": '<div class="yahoo_quoted">On Monday, Jane wrote: Shall we?</div>',
}


def shown(page: str, subject: str = "Re: Offer", wishes: Wishes = WISHES) -> tuple[str, tuple[str, ...]]:
    decided = plan(Submission(subject=subject, body_html=page, body_text="plain"), wishes)
    (source,) = decided.sources
    return " ".join(text_of(source.part.text or "").split()), decided.skipped


@pytest.mark.parametrize("program", QUOTES)
def test_the_quote_of_each_program(program: str) -> None:
    page = f"<html><body><div>Yes.</div>{QUOTES[program]}</body></html>"
    words, skipped = shown(page)
    assert "Yes." in words and "Shall" not in words and "Jane" not in words
    assert skipped == ("text of the mail: the quoted message below",)
    assert "Shall we?" in shown(page, "Fwd: Offer")[0]
    assert "Shall we?" in shown(page, wishes=Wishes())[0]


def test_the_signature_and_never_that_of_the_quote() -> None:
    signed = '<div class="gmail_signature">{}</div>'
    page = (
        f"<p>Yes.</p>{signed.format('Bob')}<div class=gmail_quote>Jane wrote: Shall we? {signed.format('Jane')}</div>"
    )
    assert shown(page) == (
        "Yes.",
        ("text of the mail: the signature", "text of the mail: the quoted message below"),
    )
    words, skipped = shown(page, wishes=Wishes(strip=("signature",)))
    assert words == "Yes. Jane wrote: Shall we? Jane" and skipped == ("text of the mail: the signature",)


@pytest.mark.parametrize(
    "page",
    [
        QUOTES["Gmail"],
        QUOTES["Gmail"] + "<p>Yes, below.</p>",
        QUOTES["Apple"] + "<p>Yes.</p>" + QUOTES["Apple"],
        '<p>See.</p><div class="gmail_quote">---------- Forwarded message ---------<br>From: Jane<br>Shall we?</div>',
        "<p>See.</p><blockquote>Shall we?</blockquote>",
    ],
)
def test_what_is_not_certain_stays(page: str) -> None:
    words, skipped = shown(page)
    assert "Shall we?" in words and skipped == ()


def test_the_text_beside_files_is_that_which_is_left() -> None:
    page = f'<p>Yes.</p><img src="cid:a">{QUOTES["Outlook"]}<img src="cid:b">'
    images = {name: Part(f"{name}.png", "image/png", picture("PNG")) for name in "ab"}
    attached = Part("a.pdf", "application/pdf", b"%PDF-1.7\n")
    long = "Yes.\n\nOn Monday 1 June, Jane wrote:\n" + "> Shall we?\n" * 30
    decided = plan(Submission(body_text=long, parts=(attached,)), WISHES)
    assert decided.notes == "Yes." and decided.skipped == ("text of the mail: the quoted message below",)
    decided = plan(Submission(body_html=page, body_text=long, parts=(attached,), images=images), WISHES)
    assert decided.notes == "Yes."
    assert decided.skipped == (
        "text of the mail: the quoted message below",
        "b.png: a picture in what was left out of the text",
        "a.png: a picture inside the text of the mail",
    )


def test_encrypted_text_is_seen_below_a_signature() -> None:
    with pytest.raises(NotFaxable, match="encrypted"):
        plan(Submission(body_text="-----BEGIN PGP MESSAGE-----\nabc\n-- \nBob"), WISHES)
