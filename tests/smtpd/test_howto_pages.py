"""mail-clients.md and copiers.md, followed: their configurations, their forms of address, each refusal they name."""

from __future__ import annotations

import base64
import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.structure.packages import TOP
from tests.support.gate import Gate, gate

HOWTO = TOP / "docs" / "howto"
PASSWORD = "correct horse"
ALICE, LETTER = "alice@example.com", "From: Alice <alice@example.com>\r\nSubject: {}\r\n\r\nAs agreed.\r\n"


def tables(page: str) -> str:
    """What the page says to write, with addresses of this machine: 127.0.0.50 for 192.168.1.50."""
    written = "\n".join(re.findall(r"```toml\n(.*?)```", (HOWTO / page).read_text(), re.DOTALL))
    written = re.sub(r'certificate = "[^\n]*\nkey = "[^\n]*', "{pem}", written)
    written = re.sub(r'address = "[\d.]+:\d+"', 'address = "127.0.0.1:0"', written)
    return written.replace("192.168.1.", "127.0.0.").replace("192.168.0.0/16", "127.0.0.0/8")


def rows(page: str, heading: str) -> list[tuple[str, str]]:
    """The first two cells of each row of the table that stands below a heading, code marks gone."""
    text = (HOWTO / page).read_text().partition(heading)[2]
    table = re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|", text.partition("\n\n##")[0], re.MULTILINE)
    return [(left.replace("`", ""), right) for left, right in table if not left.startswith("the ")]


def says(told: str, reply: tuple[int, bytes]) -> bool:
    """Whether a reply is the one that the page names; "…" stands for anything."""
    code, text = reply
    words = re.sub(r"^\d\.\d\.\d+ ", "", text.decode())
    pattern = ".*".join(re.escape(piece.strip()) for piece in told.split("…"))
    return re.match(pattern, f"{code} {words}") is not None


class Client:
    """A mail client of the page, at one of its listeners."""

    def __init__(self, site: Gate) -> None:
        self.site = site

    @contextmanager
    def at(self, listener: str, source: str = "127.0.0.1") -> Iterator[smtplib.SMTP]:
        with smtplib.SMTP("127.0.0.1", self.site.ports[listener], source_address=(source, 0), timeout=30) as smtp:
            smtp.ehlo("pc.example.com")
            yield smtp

    @contextmanager
    def under_tls(self, listener: str = "submission") -> Iterator[smtplib.SMTP]:
        with self.at(listener) as smtp:
            smtp.starttls(context=ssl.create_default_context(cafile=self.site.folder / "ca.pem"))
            smtp.ehlo("pc.example.com")
            yield smtp

    def no_encryption(self) -> tuple[int, bytes]:
        with self.at("submission") as smtp:
            return smtp.mail(ALICE)

    def no_login(self) -> tuple[int, bytes]:
        with self.under_tls() as smtp:
            return smtp.mail(ALICE)

    def wrong_password(self) -> tuple[int, bytes]:
        with self.under_tls() as smtp:
            return smtp.docmd("AUTH PLAIN " + base64.b64encode(b"\0alice\0wrong password").decode())

    def other_address(self) -> tuple[int, bytes]:
        with self.under_tls() as smtp:
            smtp.login("alice", PASSWORD)
            smtp.mail("bob@example.com")
            return smtp.rcpt("15551234567@fax.local")

    def starttls_where_tls_is(self) -> tuple[int, bytes]:
        with pytest.raises(smtplib.SMTPConnectError) as refused:
            smtplib.SMTP("127.0.0.1", self.site.ports["submissions"], timeout=30)
        return refused.value.smtp_code, bytes(refused.value.smtp_error)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with gate(tmp_path_factory.mktemp("people"), tables("mail-clients.md"), {"alice": PASSWORD}) as opened:
        yield Client(opened)


REFUSED: dict[str, Callable[[Client], tuple[int, bytes]]] = {
    "530 Say STARTTLS first": Client.no_encryption,
    "530 Authentication required": Client.no_login,
    "535 User name or password is wrong": Client.wrong_password,
    "553 User alice may not send as …": Client.other_address,
    "554 This port speaks TLS from the first byte": Client.starttls_where_tls_is,
}


def test_the_page_names_these_refusals() -> None:
    assert [told for told, _ in rows("mail-clients.md", "## When it does not work")] == list(REFUSED)


@pytest.mark.parametrize("told", REFUSED)
def test_a_client_set_up_wrongly_is_told_what_the_page_says(people: Client, told: str) -> None:
    reply = REFUSED[told](people)
    assert says(told, reply), reply


@pytest.mark.parametrize("listener", ["submission", "submissions"])
def test_both_ways_of_tls_fax(people: Client, listener: str) -> None:
    context = ssl.create_default_context(cafile=people.site.folder / "ca.pem")
    if listener == "submission":
        with people.under_tls() as smtp:
            smtp.login("alice", PASSWORD)
            smtp.sendmail(ALICE, "15551234567@fax.local", LETTER.format("Offer"))
    else:
        with smtplib.SMTP_SSL("127.0.0.1", people.site.ports[listener], context=context, timeout=30) as smtp:
            smtp.login("alice", PASSWORD)
            smtp.sendmail(ALICE, "15551234567@fax.local", LETTER.format("Offer"))
    [arrival] = people.site.arrivals()
    assert arrival.message["login"] == "alice" and arrival.message["sender_name"] == "Alice Example"


ADDRESSES = [
    address
    for forms, _ in rows("mail-clients.md", "More can stand in the\naddress itself:")
    for address in forms.split(", ")
    if "@" in address
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_each_form_of_an_address_is_the_same_number(people: Client, address: str) -> None:
    with people.under_tls() as smtp:
        smtp.login("alice", PASSWORD)
        smtp.sendmail(ALICE, address, LETTER.format("Offer"))
    [arrival] = people.site.arrivals()
    assert arrival.numbers == ["15551234567"]


@pytest.fixture(scope="module")
def copiers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    # One copier more may connect than the rule has.
    written = tables("copiers.md").replace(
        'networks = ["127.0.0.50/32"', 'networks = ["127.0.0.52/32", "127.0.0.50/32"'
    )
    subject_mailbox = 'subject_mailbox = "scan"\n'
    users = {"copier-2:old-copiers": PASSWORD}
    with gate(tmp_path_factory.mktemp("copiers"), written, users, keys=subject_mailbox) as opened:
        yield Client(opened)


SUBJECTS = [
    (subject, ["15551234567", "15557654321"] if "both" in means else ["15551234567"])
    for subjects, means in rows("copiers.md", "**One fixed address.**")
    for subject in subjects.split(" or ")
    if subject[:1] in "1f["
]


@pytest.mark.parametrize(("subject", "numbers"), SUBJECTS)
def test_each_form_of_a_subject(copiers: Client, subject: str, numbers: list[str]) -> None:
    with copiers.at("copiers", "127.0.0.50") as smtp:
        smtp.sendmail("copier@example.com", "scan@fax.local", LETTER.format(subject))
    [arrival] = copiers.site.arrivals()
    assert arrival.numbers == numbers


def test_any_other_subject_is_refused_after_the_data(copiers: Client) -> None:
    with copiers.at("copiers", "127.0.0.50") as smtp, pytest.raises(smtplib.SMTPDataError) as refused:
        smtp.sendmail("copier@example.com", "scan@fax.local", LETTER.format("15551234567 2 pages"))
    assert refused.value.smtp_code == 550


def elsewhere(copiers: Client) -> tuple[int, bytes]:
    with pytest.raises(smtplib.SMTPConnectError) as refused, copiers.at("copiers", "127.0.0.77"):
        pass
    return refused.value.smtp_code, bytes(refused.value.smtp_error)


def no_number(copiers: Client) -> tuple[int, bytes]:
    with copiers.at("copiers", "127.0.0.50") as smtp:
        smtp.mail("copier@example.com")
        return smtp.rcpt("x,,15551234567@fax.local")


def divided(copiers: Client) -> tuple[int, bytes]:
    part = 'Content-Type: message/partial; id="a@b"; number=1; total=2\r\n'
    with copiers.at("copiers", "127.0.0.50") as smtp:
        smtp.mail("copier@example.com")
        smtp.rcpt("15551234567@fax.local")
        return smtp.data(part + LETTER.format("Scan"))


def no_rule(copiers: Client) -> tuple[int, bytes]:
    with copiers.at("copiers", "127.0.0.52") as smtp:
        smtp.mail("copier@example.com")
        return smtp.rcpt("15551234567@fax.local")


PROVOKED: dict[str, Callable[[Client], tuple[int, bytes]]] = {
    "554 Clients at … may not connect here": elsewhere,
    "550 Sender … may not send faxes from …": no_rule,
    "550 This is not a fax number": no_number,
    "550 This message is one part of a divided one": divided,
}


def test_the_page_for_copiers_names_these_refusals() -> None:
    assert [told for told, _ in rows("copiers.md", "## When it does not work")] == list(PROVOKED)


@pytest.mark.parametrize("told", PROVOKED)
def test_a_copier_set_up_wrongly_is_told_what_the_page_says(copiers: Client, told: str) -> None:
    reply = PROVOKED[told](copiers)
    assert says(told, reply), reply


def test_a_copier_with_a_password_faxes_the_number_alone(copiers: Client) -> None:
    with copiers.at("old-copiers", "127.0.0.60") as smtp:
        smtp.login("copier-2", PASSWORD)
        smtp.sendmail("copier@example.com", "15551234567", LETTER.format("Scan"))
    [arrival] = copiers.site.arrivals()
    assert (arrival.numbers, arrival.message["login"]) == (["15551234567"], "copier-2")
