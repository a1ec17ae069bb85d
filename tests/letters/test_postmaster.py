"""Mail to the postmaster: what is the matter, for whom, and never a page of anybody's fax."""

from __future__ import annotations

import email
from dataclasses import replace
from email.policy import SMTP

from mailfax.letters import Arrival, alarm, all_clear, base64_lines, forward_to_postmaster, inbound, undeliverable


def read(letter):
    assert letter.recipients == ("postmaster@example.com",)
    mail = email.message_from_bytes(letter.content, policy=SMTP)
    assert mail["Auto-Submitted"] == "auto-generated"
    return mail["Subject"], " ".join(mail.get_body(("plain",)).get_content().split())


def test_an_alarm_says_what_is_the_matter(site, marks):
    subject, text = read(alarm(site, marks, account="main", problem="The login is refused", sandbox=False))
    assert subject == 'Fax alarm: fax account "main" is not working'
    assert "The login is refused." in text


def test_the_all_clear_says_that_it_is_over(site, marks):
    subject, text = read(all_clear(site, marks, account="main", sandbox=True))
    assert subject == '[TEST] Fax all-clear: fax account "main" is working again'
    assert "You need not do anything" in text


def test_a_fax_that_nobody_took_is_told_without_its_pages(site, marks, a_fax):
    parcel = inbound(site, a_fax(), marks, Arrival("", 3), mailbox="gone@example.com")
    lost = replace(parcel.letter, content=base64_lines(b"SECRET").join(parcel.pieces))
    told = undeliverable(site, marks, letter=lost, problem="smtp; 550 5.1.1 No such user")
    subject, text = read(told)
    assert subject == "Undeliverable: received fax for gone@example.com"
    assert "550 5.1.1 No such user" in text
    assert "CINB000001" in text
    assert b"U0VDUkVU" not in told.content
    assert told.sender == ""
    assert told.kind == "alarm"


def test_mail_to_the_postmaster_is_passed_on_as_it_came(site, marks):
    letter = forward_to_postmaster(site, marks, sender="carol@example.com", content_id="c1", about="BK2N4C7Q9X")
    assert (letter.sender, letter.recipients) == ("carol@example.com", ("postmaster@example.com",))
    assert (letter.content_id, letter.content, letter.kind) == ("c1", b"", "forward")
