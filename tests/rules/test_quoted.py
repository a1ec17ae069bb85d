"""Signature and quote are taken only where a mail program set them apart, and never all of a text."""

from __future__ import annotations

import pytest

from mailfax.rules.quoted import is_forward, without

BOTH = ("signature", "quote")
ATTRIBUTIONS = [
    "On Mon, 23 Nov 2026 at 10:12, Jane Doe <jane@example.com> wrote:",
    "On Mon, 23 Nov 2026 at 10:12, Jane Doe\n<jane@example.com> wrote:",
    "Am 23.11.26 um 10:12 schrieb Jane Doe:",
    "Am Montag, 23. November 2026 schrieb Jane Doe <jane@example.com>:",
    "Jane Doe <jane@example.com> schrieb am Mo., 23. Nov. 2026, 10:12:",
    "Le lun. 23 nov. 2026 à 10:12, Jane Doe <jane@example.com> a écrit :",
    "Le lun. 23 nov. 2026 à 10:12, Jane Doe <jane@example.com> a écrit\u00a0:",
    "El lun, 23 nov 2026 a las 10:12, Jane Doe (<jane@example.com>) escribió:",
    "Em seg., 23 de nov. de 2026 às 10:12, Jane Doe <jane@example.com> escreveu:",
    "Il giorno lun 23 nov 2026 alle ore 10:12 Jane Doe <jane@example.com> ha scritto:",
    "Op ma 23 nov 2026 om 10:12 schreef Jane Doe <jane@example.com>:",
    "Den mån 23 nov. 2026 kl 10:12 skrev Jane Doe <jane@example.com>:",
]
HEADS = [
    "From: Jane\nSent: Monday\nTo: Bob\nSubject: Offer",
    "Von: Jane\nGesendet: Montag\nAn: Bob\nCc: Eve\nBetreff: Angebot",
    "De : Jane\nEnvoyé : lundi\nÀ : Bob\nObjet : Offre",
    "De: Jane\nEnviado el: lunes\nPara: Bob\nAsunto: Oferta",
    "De: Jane\nEnviada: segunda\nPara: Bob\nAssunto: Oferta",
    "Da: Jane\nInviato: lunedì\nA: Bob\nOggetto: Offerta",
    "Van: Jane\nVerzonden: maandag\nAan: Bob\nOnderwerp: Offerte",
    "*From:* Jane\n*Sent:* Monday\n*To:* Bob\n*Subject:* Offer",
    "-----Original Message-----\nFrom: Jane",
    "-----Ursprüngliche Nachricht-----\nVon: Jane",
    "________________________________\nFrom: Jane\nSent: Monday\nTo: Bob\nSubject: Offer",
]


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_a_marked_quote_goes_with_the_line_above_it(attribution: str) -> None:
    text = f"Yes, please.\n\n{attribution}\n\n> Shall we?\n>\n> Jane\n"
    assert without(text, BOTH) == ("Yes, please.", ["quote"])


@pytest.mark.parametrize("head", HEADS)
def test_all_below_the_head_of_a_message_goes(head: str) -> None:
    text = f"Yes, please.\n\n{head}\n\nShall we?\n-- \nJane"
    assert without(text, BOTH) == ("Yes, please.", ["quote"])


def test_the_signature_goes_and_what_is_quoted_below_it_stays() -> None:
    text = "Yes.\n-- \nBob\n555\n\nOn Monday 1 June, Jane wrote:\n> Shall we?"
    assert without(text, ["signature"]) == ("Yes.\nOn Monday 1 June, Jane wrote:\n> Shall we?", ["signature"])
    assert without(text, ["quote"]) == ("Yes.\n-- \nBob\n555", ["quote"])
    assert without(text, BOTH) == ("Yes.", ["signature", "quote"])
    assert without(text, []) == (text, [])


@pytest.mark.parametrize(
    "text",
    [
        "Yes.\n--\nno signature: the blank is missing",
        "Yes.\n-- two\nwords",
        "-- \nBob",  # nothing else
        "> Shall we?\n> Jane",
        "On Monday 1 June, Jane wrote:\n> Shall we?\n\nYes, we shall.",  # answered below
        "> One?\nYes.\n> Two?\nNo.\n> Three?",  # and between
        "Prices:\n-- \n" + "one line of a list\n" * 13,
        "From: Berlin\nTo: Paris\nI travel by train.",
        "I send what Jane wrote:\nShall we?",
        "See.\n\n---------- Forwarded message ---------\nFrom: Jane\nDate: Monday\nSubject: Offer\nTo: Bob\n\nThis?",
        "See below.\n\nBegin forwarded message:\n\n> From: Jane\n> Shall we?",
    ],
)
def test_what_is_not_certain_stays(text: str) -> None:
    assert without(text, BOTH) == (text, [])


@pytest.mark.parametrize(
    ("subject", "is_one"),
    [("Fwd: Offer", True), ("FW: Offer", True), ("WG: Angebot", True), ("Re: Offer", False), ("Invoice", False)],
)
def test_a_forwarded_mail_is_known_by_its_subject(subject: str, is_one: bool) -> None:
    assert is_forward(subject) is is_one
