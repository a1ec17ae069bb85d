"""What a recipient means: a number is dialled only if every digit written is accounted for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.rules.address import Mailbox, fold_domain, parse_mailbox, parse_recipient
from mailfax.rules.envelope import FaxNumber
from mailfax.rules.status import Cause, Refusal

DOMAINS = ("fax.local", "bücher.example")


def recipient(text: str, country: str = "US", *, device: bool = False) -> FaxNumber | Refusal | None:
    return parse_recipient(text, fax_domains=DOMAINS, default_country=country, device=device)


@pytest.mark.parametrize(
    ("local", "dialled"),
    [
        ("15551234567", "15551234567"),
        ("5551234567", "15551234567"),
        ("5557152222", "15557152222"),  # the vendor's example account
        ("2025550143", "12025550143"),  # kept for fiction
        ("+15551234567", "15551234567"),
        ("+1-555-123-4567", "15551234567"),
        ("1.555.123.4567", "15551234567"),
        ('"(555) 123-4567"', "15551234567"),
        ('"+1 (555) 123-4567"', "15551234567"),
        ('"5551234567"', "15551234567"),
        (r'"555123456\7"', "15551234567"),
        ("FAX=+15551234567", "15551234567"),
        ("fax=+1-555.123-4567", "15551234567"),
        ("/Fax=+15551234567/", "15551234567"),
        ("FAX=5551234567", "15551234567"),
        ("8765551234", "18765551234"),
        ("442079460958", "442079460958"),
        ("+442079460958", "442079460958"),
        ("011442079460958", "442079460958"),
        ('"+44 (0)20 7946 0958"', "442079460958"),
        ("+390612345678", "390612345678"),  # the zero belongs to the number in Italy
        ("4930123456", "4930123456"),
    ],
)
def test_numbers_as_an_american_site_dials_them(local: str, dialled: str) -> None:
    found = recipient(f"{local}@fax.local")
    assert isinstance(found, FaxNumber) and found.dialled == dialled and found.written == local


@pytest.mark.parametrize(
    ("local", "dialled"),
    [("030123456", "4930123456"), ("4930123456", "4930123456"), ("0015551234567", "15551234567")],
)
def test_numbers_as_a_german_site_dials_them(local: str, dialled: str) -> None:
    found = recipient(f"{local}@fax.local", "DE")
    assert isinstance(found, FaxNumber) and found.dialled == dialled


def test_plus_one_is_not_always_home() -> None:
    found = recipient("+18765551234@fax.local")
    assert isinstance(found, FaxNumber) and found.region == "JM"


@pytest.mark.parametrize(
    ("text", "cause", "says"),
    [
        ("(555)1234567@fax.local", Cause.ADDRESS_SYNTAX, "brackets may stand in an address only between quotes"),
        ("555 1234567@fax.local", Cause.ADDRESS_SYNTAX, "only between quotes"),
        ("5551234567", Cause.ADDRESS_SYNTAX, "no domain"),
        ("@a.example:5551234567@fax.local", Cause.ADDRESS_SYNTAX, "source routes"),
        ("5551234567@", Cause.ADDRESS_SYNTAX, "not a domain"),
        ("5551234567@fax.local.", Cause.ADDRESS_SYNTAX, "not a domain"),
        ("5551234567@a@fax.local", Cause.ADDRESS_SYNTAX, "not a domain"),
        (".5551234567@fax.local", Cause.ADDRESS_SYNTAX, "dots"),
        ("555..1234567@fax.local", Cause.ADDRESS_SYNTAX, "dots"),
        ('"5551234567@fax.local', Cause.ADDRESS_SYNTAX, "quote"),
        ("", Cause.ADDRESS_SYNTAX, "nothing stands before"),
        ("5" * 65 + "@fax.local", Cause.ADDRESS_SYNTAX, "more than 64"),
        ("5551234567\u2028@fax.local", Cause.ADDRESS_SYNTAX, "character"),
        ("15551234567@fax.local.evil.example", Cause.FOREIGN_DOMAIN, "Relaying denied"),
        ("15551234567@sub.fax.local", Cause.FOREIGN_DOMAIN, "Relaying denied"),
        ("15551234567@[127.0.0.1]", Cause.FOREIGN_DOMAIN, "Relaying denied"),
        ("bob@fax.local", Cause.NUMBER_SYNTAX, "letters"),
        ("5551234567x12@fax.local", Cause.NUMBER_SYNTAX, "extensions"),
        ("1-800-FLOWERS@fax.local", Cause.NUMBER_SYNTAX, "letters"),
        ('"5551234567,,9"@fax.local', Cause.NUMBER_SYNTAX, "pauses"),
        ("*67@fax.local", Cause.NUMBER_SYNTAX, "service codes"),
        ("5551234567#@fax.local", Cause.NUMBER_SYNTAX, "service codes"),
        ("++15551234567@fax.local", Cause.NUMBER_SYNTAX, "one leading +"),
        ("555+1234567@fax.local", Cause.NUMBER_SYNTAX, "one leading +"),
        ("-@fax.local", Cause.NUMBER_SYNTAX, "no digits"),
        ("٥٥٥١٢٣٤٥٦٧@fax.local", Cause.NUMBER_SYNTAX, "only digits"),
        ("555²1234567@fax.local", Cause.NUMBER_SYNTAX, "only digits"),
        ("1234567@fax.local", Cause.NUMBER_SYNTAX, "area code"),
        ("12@fax.local", Cause.NUMBER_SYNTAX, "too short"),
        ("+155512345678@fax.local", Cause.NUMBER_SYNTAX, "too long"),
        ("+99912345678@fax.local", Cause.NUMBER_SYNTAX, "country code is unknown"),
        ("+494711@fax.local", Cause.NUMBER_SYNTAX, "no number of that country"),
        ("4111234567@fax.local", Cause.NUMBER_SYNTAX, "no number of that country"),
        ("4989234567@fax.local", Cause.NUMBER_SYNTAX, "could be +1 4989234567 or +49 89234567"),
        ("911@fax.local", Cause.NUMBER_NOT_DIALLED, "emergency"),
        ("9-1-1@fax.local", Cause.NUMBER_NOT_DIALLED, "emergency"),
        ("112@fax.local", Cause.NUMBER_NOT_DIALLED, "emergency"),
        ("9116666666@fax.local", Cause.NUMBER_NOT_DIALLED, "emergency"),
        ("FAX=911@fax.local", Cause.NUMBER_NOT_DIALLED, "emergency"),
        ("FAX=+15551234567/T33S=12@fax.local", Cause.NUMBER_SYNTAX, "/T33S="),
        ("FAX=+15551234567/ATTN=bob@fax.local", Cause.NUMBER_SYNTAX, "/ATTN= is not known"),
        ("VOICE=+15551234567@fax.local", Cause.NUMBER_SYNTAX, "VOICE= is not known"),
        ("FAX=@fax.local", Cause.NUMBER_SYNTAX, "no digits"),
    ],
)
def test_what_is_not_dialled_says_why(text: str, cause: Cause, says: str) -> None:
    found = recipient(text)
    assert isinstance(found, Refusal) and found.cause is cause and says in found.reply


@pytest.mark.parametrize("text", ["postmaster", "POSTMASTER", "Postmaster@Fax.Local", '"postmaster"@fax.local'])
def test_postmaster_is_always_reached(text: str) -> None:
    assert recipient(text) is None


def test_domains_are_one_in_any_case_and_spelling() -> None:
    assert isinstance(recipient("15551234567@XN--BCHER-KVA.example"), FaxNumber)
    assert isinstance(recipient("15551234567@Bücher.Example"), FaxNumber)
    assert fold_domain("A.Example") == "a.example"


def test_a_device_may_leave_the_domain_out_but_not_choose_another() -> None:
    assert isinstance(recipient("15551234567", device=True), FaxNumber)
    assert isinstance(recipient("15551234567@other.example", device=True), Refusal)


@pytest.mark.parametrize(
    ("text", "local", "domain"),
    [('"a b\\"c"@d.example', 'a b"c', "d.example"), ("o'brien+x@d_e.example", "o'brien+x", "d_e.example")],
)
def test_mailboxes_are_taken_apart(text: str, local: str, domain: str) -> None:
    assert parse_mailbox(text) == Mailbox(local, domain, text)


DIGITS_AND_SEPARATORS = st.text(alphabet="0123456789+-. ()", min_size=1, max_size=24)


@given(DIGITS_AND_SEPARATORS, st.sampled_from(["US", "DE", "GB", "BR", "AR", "MX", "IT", "JP"]))
def test_no_digit_is_dropped_moved_or_made_up(written: str, country: str) -> None:
    """A strict reader keeps the digits in order; only prefixes (00, 011, 0, 1) and a country code may differ."""
    found = recipient(f'"{written}"@fax.local', country)
    if isinstance(found, FaxNumber):
        digits = "".join(char for char in written if char.isdigit())
        # A trunk zero may stand between country code and number (+44 (0)20 …), so compare from the end.
        shared = 0
        while shared < min(len(digits), len(found.dialled)) and digits[-1 - shared] == found.dialled[-1 - shared]:
            shared += 1
        assert len(found.dialled) - shared <= 3, (written, found.dialled)
        assert len(digits) - shared <= 8 and 7 <= len(found.dialled) <= 15
        assert not written.startswith("+") or digits[:1] == found.dialled[:1]


@given(st.text(max_size=80))
def test_any_text_is_a_number_our_postmaster_or_a_refusal(text: str) -> None:
    found = recipient(text)
    assert found is None or isinstance(found, FaxNumber | Refusal)
