"""What a recipient means: a number is dialled only if every digit written is accounted for."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.rules.aliases import resolve_aliases
from mailfax.rules.envelope import PREVIEW, Destination, FaxNumber
from mailfax.rules.number import Unfit, read_number
from mailfax.rules.recipient import OUR_POSTMASTER, Addressing, Written, accepted, read_recipient, take_apart
from mailfax.rules.status import Cause, Refusal

DOMAINS = ("fax.local", "bücher.example")
ALIASES = (
    ("sales", ("+15551110001", "+15551110002")),
    ("Everybody", ("SALES", "+442079460958", "+1 555 111 0001")),
)
PLACES = {
    country: Addressing(DOMAINS, country, resolve_aliases(ALIASES, default_country=country), "scan")
    for country in ("US", "DE", "GB", "BR", "AR", "MX", "IT", "JP")
}


def meaning(text: str, country: str = "US", *, device: bool = False) -> Destination | Refusal:
    return read_recipient(text, PLACES[country], device=device)


def recipient(text: str, country: str = "US", *, device: bool = False) -> FaxNumber | Refusal | None:
    """The one number of an address."""
    found = meaning(text, country, device=device)
    if isinstance(found, Refusal):
        return found
    assert len(found.numbers) <= 1 and not found.in_subject
    return found.numbers[0] if found.numbers else None


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
        ("15551234567/", "15551234567"),
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


@pytest.mark.parametrize(
    ("local", "country"),
    [
        ("30123456", "DE"),  # in the caller's own town, and not in Berlin
        ("3312345678", "DE"),
        ("1123456789", "AR"),
        ("00115551234567", "DE"),  # the library drops the second 1
        ("011115551234567", "US"),
        ("0093234567890", "SG"),  # 009 and Belgium, or 00 and Afghanistan
        ("0016497121234", "AU"),  # 0016 and Germany, or 00 and Turks and Caicos
        ("00218212345678", "HK"),  # 002 and North America, or 00 and Libya
        ("00995322123456", "BR"),  # 0099 and Cuba, or 00 and Georgia
        ("003723212345", "JP"),  # free of charge, or Estonia
        ('"+44020794(0)6095"', "GB"),  # not the bracketed zero was dropped
    ],
)
def test_what_a_strict_reader_reads_in_no_way_or_in_two_is_not_dialled(local: str, country: str) -> None:
    by = Addressing(DOMAINS, country, {})
    found = read_recipient(f"{local}@fax.local", by)
    assert isinstance(found, Refusal) and found.cause is Cause.NUMBER_SYNTAX


@pytest.mark.parametrize(
    ("local", "country", "dialled"),
    [
        ("0211234567", "ZA", "27211234567"),
        ("0011442079460958", "AU", "442079460958"),
        ("0015442079460958", "BR", "442079460958"),
        ("00112125551234", "HK", "12125551234"),
        ("0012125551234", "GB", "12125551234"),
        ("0612345678", "IT", "390612345678"),
        ("1123456789", "BR", "551123456789"),
        ("21234567", "HK", "85221234567"),
        ("61234567", "SG", "6561234567"),
    ],
)
def test_numbers_as_other_sites_dial_them(local: str, country: str, dialled: str) -> None:
    found = read_recipient(f"{local}@fax.local", Addressing(DOMAINS, country, {}))
    assert isinstance(found, Destination) and [one.dialled for one in found.numbers] == [dialled]


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
        ("FAX=+15551234567/ATTN=bob@fax.local", Cause.COVER_FIELD, "/ATTN= is not known"),
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


def test_a_device_may_leave_the_domain_out_but_not_choose_another() -> None:
    assert isinstance(recipient("15551234567", device=True), FaxNumber)
    assert isinstance(recipient("15551234567@other.example", device=True), Refusal)


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


@pytest.mark.parametrize(
    ("local", "dialled", "cover"),
    [
        ("Jane.Doe=15551234567", "15551234567", {"to": "Jane Doe"}),
        ("Room.1204.2nd.floor=15551234567", "15551234567", {"to": "Room 1204 2nd floor"}),
        ("jane_q._doe=+1-555-123-4567", "15551234567", {"to": "jane q doe"}),
        ('"Jane Doe=(555) 123-4567"', "15551234567", {"to": "Jane Doe"}),
        ("J%2E_M%C3%BCller=15551234567", "15551234567", {"to": "J. Müller"}),
        ("müller=15551234567", "15551234567", {"to": "müller"}),
        ("15551234567/to=J._Doe", "15551234567", {"to": "J. Doe"}),
        ("15551234567/TO=Jane_Doe/Company=A%2FB_Ltd/subject=No%5F1", "15551234567", None),
        ("Jane=15551234567/company=Example", "15551234567", {"to": "Jane", "company": "Example"}),
        ("15551234567/Cover=NO", "15551234567", {"cover": "no"}),
        ("15551234567/cover=yes/to=Jane", "15551234567", {"cover": "yes", "to": "Jane"}),
        ("FAX=+15551234567/to=Jane", "15551234567", {"to": "Jane"}),
        ("/fax=+1-555.123-4567/to=Jane/", "15551234567", {"to": "Jane"}),
        ("15551234567/subject=a=b/", "15551234567", {"subject": "a=b"}),
        ('"15551234567/to=Jane Doe"', "15551234567", {"to": "Jane Doe"}),
    ],
)
def test_an_address_may_bring_fields_for_the_cover(local: str, dialled: str, cover: dict[str, str] | None) -> None:
    found = meaning(f"{local}@fax.local")
    assert isinstance(found, Destination) and [number.dialled for number in found.numbers] == [dialled]
    expected = {"to": "Jane Doe", "company": "A/B Ltd", "subject": "No_1"} if cover is None else cover
    assert dict(found.cover) == expected and found.numbers[0].written == local


@pytest.mark.parametrize(
    ("local", "dialled", "cover"),
    [
        ("preview", [], [PREVIEW]),
        ("PreView", [], [PREVIEW]),
        ("preview+", [], [PREVIEW]),
        ("preview+15551234567", ["15551234567"], [PREVIEW]),
        ("preview++1-555-123-4567", ["15551234567"], [PREVIEW]),
        ("preview+15551234567/to=Jane/cover=no", ["15551234567"], [("to", "Jane"), ("cover", "no"), PREVIEW]),
        ("preview=15551234567", ["15551234567"], [("to", "preview")]),
    ],
)
def test_a_preview_is_asked_for_with_a_number_or_without(
    local: str, dialled: list[str], cover: list[tuple[str, str]]
) -> None:
    found = meaning(f"{local}@fax.local")
    assert isinstance(found, Destination) and found.is_preview is (PREVIEW in cover)
    assert ([number.dialled for number in found.numbers], list(found.cover)) == (dialled, cover)
    assert ("nothing will be faxed" in accepted(found)) is found.is_preview


@pytest.mark.parametrize("local", ["preview+12", "preview+abc", "15551234567/preview=yes", "previews"])
def test_what_is_no_preview_is_refused(local: str) -> None:
    assert isinstance(meaning(f"{local}@fax.local"), Refusal)


@pytest.mark.parametrize(
    ("local", "says"),
    [
        ("15551234567/cc=Bob", "/cc= is not known here, only to=, company=, subject=, cover="),
        ("15551234567/cover=maybe", "cover= is yes or no"),
        ("15551234567/cover=", "cover= is empty"),
        ("15551234567/to=Bob/retries=3", "/retries= is not known"),
        ("15551234567/to=", "to= is empty"),
        ("15551234567/to=_", "to= is empty"),
        ("15551234567/to=A/TO=B", "to= is given twice"),
        ("Jane=15551234567/to=Bob", "to= is given twice"),
        ("15551234567/=x", "/= is not known"),
        ("15551234567/to", '"to" is no field'),
        ("555/1234567", '"1234567" is no field'),
        ("15551234567//to=A", "a field is empty"),
        ("15551234567/to=100%", "is not %XX"),
        ("15551234567/to=%0d%0aBcc", "can't be printed"),
        ("15551234567/to=%E2%80%AEevil", "can't be printed"),
        ("15551234567/to=%FF", "not UTF-8"),
        ("=15551234567", "the name is empty"),
        ("5551234567=15551234567", "no letters"),
        ("to=15551234567", "the number stands first"),
        ("15552220900?recpfax=15550006666", '"15552220900" before = is no part of a name'),
        ("fax?to=15550006666", '"?" before = is no part of a name'),
        ("a%26b=15550006666", '"&" before = is no part of a name'),
        ("Bob.555-222-0900=15550006666", '"555-222-0900" before = is no part of a name'),
    ],
)
def test_a_field_that_is_not_understood_is_refused_by_its_name(local: str, says: str) -> None:
    found = meaning(f"{local}@fax.local")
    assert isinstance(found, Refusal) and found.cause is Cause.COVER_FIELD and says in found.reply


@pytest.mark.parametrize("local", ["/15551234567/", "/Jane=15551234567/", "SMS=15551234567", "15551234567/T33S=1"])
def test_other_forms_of_the_standards_are_no_numbers(local: str) -> None:
    found = meaning(f"{local}@fax.local")
    assert isinstance(found, Refusal)


def test_an_alias_is_its_numbers_each_once() -> None:
    found = meaning("everyBODY@fax.local")
    assert isinstance(found, Destination)
    assert [number.dialled for number in found.numbers] == ["15551110001", "15551110002", "442079460958"]
    with_cover = meaning("sales/subject=Offer@fax.local")
    assert isinstance(with_cover, Destination) and with_cover.cover == (("subject", "Offer"),)
    assert isinstance(meaning("SALES", device=True), Destination)
    assert isinstance(meaning("Jane=sales@fax.local"), Destination)


def test_the_subject_mailbox_has_no_number_yet() -> None:
    assert meaning("Scan@fax.local") == Destination(in_subject=True)


def strict_reader(local: str) -> tuple[str, str] | None:
    """An independent reader of number forms: (rest before the number, digits) by splitting at the last "="."""
    text = local.strip('"')
    name, _, number = text.rpartition("=")
    if name.count("=") or "/" in number:
        return None
    kept = [char for char in number if char not in " -.()+"]
    return (name, "".join(kept)) if all("0" <= char <= "9" for char in kept) else None


@given(
    st.sampled_from(["", "FAX=", "fax=", "Jane.Doe="]),
    st.sampled_from(["", "+1", "1", "+44", "011", "+1876", "+49"]),
    st.text(alphabet="0123456789-.", min_size=5, max_size=14),
    st.sampled_from(["US", "GB", "DE"]),
)
def test_a_strict_reader_agrees_with_every_digit(before: str, code: str, rest: str, country: str) -> None:
    local = f"{before}{code}{rest}"
    found = recipient(f"{local}@fax.local", country)
    if not isinstance(found, FaxNumber):
        return
    read = strict_reader(local)
    assert read is not None
    digits = read[1]
    if code.startswith("+"):
        assert found.dialled == digits
    else:
        own = {"US": "1", "GB": "44", "DE": "49"}[country]
        trunk, abroad = ("1", "011") if country == "US" else ("0", "00")
        readings = {digits, own + digits, own + digits.removeprefix(trunk), digits.removeprefix(abroad)}
        assert found.dialled in readings


PIECES = st.lists(
    st.sampled_from(
        ["FAX=", "/", "=", "to", "company=", "%", "_", "+1", "5551234567", '"', "@", "fax.local", "(", " ", "é"]
    )
    | st.text(max_size=4),
    max_size=12,
).map("".join)


@given(st.text(max_size=80) | PIECES | PIECES.map(lambda local: f"{local}@fax.local"), st.booleans())
def test_any_text_is_a_destination_or_a_refusal_from_the_table(text: str, device: bool) -> None:
    found = meaning(text, device=device)
    assert isinstance(found, Destination | Refusal)
    if isinstance(found, Refusal):
        assert found.reply.isascii() and found.reply.isprintable() and len(found.reply) <= 510
    elif not found.numbers:
        assert found == OUR_POSTMASTER or found.in_subject


@pytest.mark.parametrize("piece", ["5 ", "(5)", "/to=a", "a=", "%41", '\\"', "5-", "((", "."])
def test_a_long_address_takes_no_longer_than_its_length(piece: str) -> None:
    """No expression tries again and again: ten thousand pieces take well under a second, whatever they are."""
    began = time.perf_counter()
    for text in (f"{piece * 10_000}@fax.local", f'"{piece * 10_000}"@fax.local'):
        assert isinstance(meaning(text), Refusal)
    assert isinstance(take_apart(piece * 10_000), Written | Unfit)
    assert isinstance(read_number(piece * 10_000, default_country="US"), Unfit)
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("written", ["18:00", "18.00", "1800", "18%3A00"])
def test_a_time_of_the_day_is_read_as_people_write_it(written: str) -> None:
    found = meaning(f"15551234567/at={written}@fax.local")
    assert isinstance(found, Destination)
    assert dict(found.cover) == {"at": "18:00"}
    assert accepted(found) == "250 2.1.5 Ok: 15551234567 will be dialled, not before 18:00"


@pytest.mark.parametrize("written", ["6pm", "25:00", "18:60", "18", "18:00:00"])
def test_what_is_no_time_of_the_day_is_refused(written: str) -> None:
    found = meaning(f"15551234567/at={written}@fax.local")
    assert isinstance(found, Refusal)
    assert found.cause in (Cause.COVER_FIELD, Cause.ADDRESS_SYNTAX)
