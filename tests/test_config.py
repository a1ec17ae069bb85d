"""A configuration becomes exactly what it says, or the start is refused with one sentence that says what to do."""

from __future__ import annotations

import ipaddress
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from mailfax.config import ConfigError, Destinations, Limits, Received, load, read_users
from mailfax.config.tables import read_dotenv

CONFIGS = Path(__file__).parent / "configs"
BAD = sorted(CONFIGS.glob("bad-*.toml"))
GOOD = sorted(CONFIGS.glob("good-*.toml"))
SECRETS = {"MAILFAX_ACCOUNT_MAIN_PASSWORD": "secret"}
SIGNED = {
    "MAILFAX_WEBHOOK_SECRET": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
    "MAILFAX_PDF_MAIN_PASSWORD": "of the PDFs",
}
OFFICE_SECRETS = {
    "MAILFAX_ACCOUNT_SALES_PASSWORD": "one",
    "MAILFAX_ACCOUNT_LAW_PASSWORD": "two",
    "MAILFAX_RELAY_PASSWORD": "three",
}
SMALLEST = (CONFIGS / "good-01-smallest.toml").read_text()

Write = Callable[..., Path]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All configurations, with a certificate beside them and password files that others can't read."""
    copy = tmp_path_factory.mktemp("etc") / "configs"
    shutil.copytree(CONFIGS, copy)
    for passwords in copy.glob("passwords*"):
        passwords.chmod(0o600)
    issued = trustme.CA().issue_cert("fax.example.com")
    issued.cert_chain_pems[0].write_to_path(copy / "fax.crt")
    issued.private_key_pem.write_to_path(copy / "fax.key")
    return copy


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the smallest good configuration with some text exchanged; gives its path."""

    def written(*exchanges: tuple[str, str]) -> Path:
        text = SMALLEST
        for old, new in exchanges:
            assert text.count(old) == 1
            text = text.replace(old, new)
        path = tmp_path / "mailfax.toml"
        path.write_text(text)
        return path

    return written


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_configuration_is_refused_with_exactly_its_sentence(folder: Path, path: Path) -> None:
    with pytest.raises(ConfigError) as refusal:
        load(folder / path.name, SECRETS)
    assert str(refusal.value).replace(f"{folder}/", "") == path.with_suffix(".expected").read_text().rstrip("\n")


def test_everything_that_is_wrong_is_said_at_once_and_nothing_else(write: Write) -> None:
    """Each fault blames its own key; what depends on a wrong value is not judged."""
    path = write(
        ('postmaster = "postmaster@example.com"', 'postmaster = "postmaster"\ncolour = 1'),
        ('address = "127.0.0.1:2525"', 'address = "127.0.0.1:99999"\nproof = "trust"'),
        ('username = "5557152222"', 'poll_seconds = "fast"'),
        ("[relay]", '[rely]\nx = 1\n\n[retention]\nsent_record_days = 1\n\n[relay]\ntls = "maybe"'),
    )
    with pytest.raises(ConfigError) as refusal:
        load(path, {})
    said = [sentence.removeprefix(f"{path}: ").partition(": ")[0] for sentence in refusal.value.sentences]
    assert said == [
        "[rely]", "colour", "postmaster", "[listener submission] address", "[listener submission] proof",
        "[account main] username", "[account main] poll_seconds", "[relay] tls", "[retention] sent_record_days",
    ]  # fmt: skip
    assert str(refusal.value) == "\n".join(refusal.value.sentences)


def test_every_bad_configuration_differs_from_a_good_one_in_few_lines() -> None:
    """So that each is refused for its own reason and not by chance."""
    assert len(BAD) >= 100
    smallest = set(SMALLEST.splitlines())
    for path in BAD:
        assert len(set(path.read_text().splitlines()) - smallest) <= 7, path.name


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_configuration_loads(folder: Path, path: Path) -> None:
    assert load(folder / path.name, SECRETS | OFFICE_SECRETS | SIGNED).source == folder / path.name


def test_what_is_left_out_has_its_default(write: Write, tmp_path: Path) -> None:
    config = load(write(), SECRETS)
    assert config.limits == Limits()
    assert config.senders[0].success_notice is True
    assert config.spool.place == str(tmp_path / "spool.db")
    (listener,) = config.listeners
    assert (listener.host, listener.port, listener.tls, listener.proof) == ("127.0.0.1", 2525, "none", "network")
    assert [str(net) for net in listener.networks] == ["127.0.0.0/8", "::1/128"]
    (account,) = config.accounts
    assert (account.password, account.deliver_to, account.poll_seconds) == ("secret", (), 60)
    assert (account.settle_seconds, account.resend_when_absent, account.first_run) == (900, True, "baseline")
    assert config.account("main") is account
    assert config.account("gone") is None


def test_what_is_written_is_what_counts() -> None:
    config = load(CONFIGS / "good-02-office.toml", OFFICE_SECRETS)
    assert config.fax_domains == ("fax.example.com", "fax.local")
    assert (config.default_country, config.senders[0].success_notice) == ("GB", False)
    assert config.postmaster == "Postmaster@example.com"
    assert config.spool.place == "/var/lib/mailfax/spool.db"
    office, here = config.listeners
    assert (office.host, office.port) == ("::", 25)
    assert ipaddress.ip_network("198.51.100.7/32") in office.networks
    assert (here.host, here.port) == ("localhost", 0)
    sales, law = config.accounts
    assert (sales.base_url, sales.password, sales.reference) == ("https://api.example.com/api/", "one", "front")
    assert sales.deliver_to == ("sales@example.com", "archive@example.com")
    assert (law.password, law.poll_seconds, law.settle_seconds) == ("two", 0.5, 2.0)
    assert law.resend_when_absent is False
    assert (sales.server_timezone, sales.content_type) == ("Etc/GMT+8", "application/octet-stream")
    assert (sales.number_prefix, law.number_prefix) == ("011", "")
    clerk, domain = config.senders
    assert (clerk.senders, clerk.account, clerk.company) == (("clerk@example.com",), "law", "Example LLP")
    assert clerk.network == (ipaddress.ip_network("192.168.7.0/24"),)
    assert (clerk.hours, clerk.timezone) == (("mon-fri 8:00-18.00", "sat 0900-1200"), "Europe/Berlin")
    assert (config.timezone, domain.hours, domain.timezone) == ("Europe/London", (), "Europe/London")
    assert config.blocked == (("442079460958", "they asked for mail instead"),)
    assert (domain.senders, domain.automatic, domain.notify) == (("@example.com",), True, "archive@example.com")
    assert (config.relay.host, config.relay.port, config.relay.password) == ("mail.example.net", 587, "three")
    assert (config.limits.pages, config.limits.expire_seconds, config.limits.recipients) == (20, 3600.0, 500)


def test_every_key_about_received_faxes_is_what_counts(folder: Path) -> None:
    config = load(folder / "good-06-everything.toml", SECRETS | SIGNED)
    copies, office, junk = config.routes
    assert (copies.copy_to, copies.deliver_to, copies.timezone) == (("folder:/srv/fax",), (), "UTC")
    assert (office.account, office.caller) == (("main",), ("+1555123*", "unknown"))
    assert (office.hours, office.timezone) == (("mon-fri 08:00-18:00",), "Europe/Berlin")
    assert office.deliver_to == ("a@example.com", "webhook:http://localhost:8080/fax")
    assert (junk.caller, junk.junk, config.retention.junk_days) == (("15559990000",), True, 7)
    assert config.webhook_private and config.webhook_secret == SIGNED["MAILFAX_WEBHOOK_SECRET"]
    assert config.received == Received(
        "[fax] {caller} {{{pages}}}",
        "{date}-{queue_id}",
        (("+442079460958", "Example LLP"), ("+15551234567", "Müller; Söhne"), ("5557654321", "Other Ltd")),
        "reply-to",
    )
    [account] = config.accounts
    assert account.pdf_password == "of the PDFs" and "of the PDFs" not in repr(account)


@pytest.mark.parametrize("secret", ["plain text that is long enough", "whsec_c2hvcnQ=", "whsec_***"])
def test_a_secret_that_signs_badly_is_refused(folder: Path, secret: str) -> None:
    with pytest.raises(ConfigError, match="is no secret of 24 to 64 bytes"):
        load(folder / "good-06-everything.toml", SECRETS | SIGNED | {"MAILFAX_WEBHOOK_SECRET": secret})


def test_every_key_of_the_listener_is_what_counts(folder: Path) -> None:
    config = load(folder / "good-06-everything.toml", SECRETS | SIGNED)
    assert config.aliases == (
        ("headquarters", ("+15551234567",)),
        ("branches", ("headquarters", "+15557654321")),
        ("jane.doe", ("15551112222",)),
    )
    assert config.destinations == Destinations(("home", "JM", "+44"), ("+1900", "premium", "shared-cost"))
    assert (config.subject_mailbox, config.password_file) == ("scan", folder / "passwords-copiers")
    submission, copiers, relay = config.listeners
    assert (submission.proof, submission.tls, submission.tls_minimum) == ("auth", "starttls", "1.3")
    assert [str(net) for net in submission.proxies + submission.xclient] == ["10.0.0.0/24", "10.0.1.7/32"]
    assert (copiers.device, copiers.tls, copiers.certificate) == (True, "none", None)
    assert (relay.proof, relay.authserv_id, str(relay.relays[0])) == ("dmarc", "mx.example.com", "127.0.0.1/32")
    alice, others = config.senders
    assert (alice.login, alice.allow, alice.deny) == (("Alice", "copier-2"), ("*",), ("international", "satellite"))
    assert (alice.faxes_per_day, alice.pages_per_day) == (10, 50)
    assert (others.login, others.allow, others.deny, others.faxes_per_day) == ((), (), (), 0)
    assert (config.limits.messages_per_minute, config.limits.faxes_per_day) == (0, 0)


def test_a_copier_speaks_tls_on_a_port_in_clear_where_there_is_a_certificate(folder: Path) -> None:
    listener = load(folder / "good-03-copiers.toml", SECRETS).listeners[0]
    assert (listener.tls, listener.certificate, listener.key) == ("none", folder / "fax.crt", folder / "fax.key")


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660, 0o602])
def test_a_password_file_that_others_can_read_or_change_is_refused(folder: Path, tmp_path: Path, mode: int) -> None:
    room = shutil.copytree(folder, tmp_path / "etc")
    passwords = room / "passwords-copiers"
    passwords.chmod(mode)
    with pytest.raises(ConfigError) as refusal:
        load(room / "good-03-copiers.toml", SECRETS)
    assert str(refusal.value) == (
        f"{passwords}: others can read or change the passwords (mode 0{mode:o}); "
        f"run: chmod 600 {passwords} (640 where its group runs mailfax)"
    )


def test_a_password_file_that_its_group_reads_is_taken(folder: Path, tmp_path: Path) -> None:
    room = shutil.copytree(folder, tmp_path / "etc")
    (room / "passwords-copiers").chmod(0o640)
    assert load(room / "good-03-copiers.toml", SECRETS).senders


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"al\xffice:x\n", "byte 2 is not UTF-8; save the file as UTF-8"),
        (b"#" * 4_000_001, "more than 4000000 bytes, so it is no password file; name another in password_file"),
        (b"alice:$argon2i$v=19$m=1,t=1,p=1$c2FsdA$c2FsdA\n", "line 1: neither NAME:HASH nor"),
        (b"alice\n", "line 1: neither NAME:HASH nor"),
    ],
)
def test_a_password_file_that_is_none_is_refused_and_not_shown(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "passwords"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError) as refusal:
        read_users(path)
    assert str(refusal.value).startswith(f"{path}: {reason}")
    assert "alice" not in str(refusal.value)


def test_a_password_file_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"can't be read \(Is a directory\); give it to the user that runs mailfax"):
        read_users(tmp_path)


def test_the_password_file_is_not_looked_at_where_nobody_logs_in(write: Write, tmp_path: Path) -> None:
    (tmp_path / "passwords").write_text("nothing that is understood\n")
    assert load(write(), SECRETS).password_file == tmp_path / "passwords"


def test_a_password_in_dotenv_is_found_and_nothing_in_it_is_expanded(write: Write, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# ours\nexport MAILFAX_ACCOUNT_MAIN_PASSWORD='a$HOME${b}#c'\n")
    assert load(write(), {}).accounts[0].password == "a$HOME${b}#c"


def test_the_environment_wins_over_dotenv(write: Write, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MAILFAX_ACCOUNT_MAIN_PASSWORD=old\n")
    assert load(write(), SECRETS).accounts[0].password == "secret"


@pytest.mark.parametrize("line", ["MAILFAX_ACCOUNT_MAIN_PASSWORD", "MAILFAX_ACCOUNT_MAIN_PASSWORD='open"])
def test_a_line_of_dotenv_that_means_nothing_is_refused_and_not_shown(
    write: Write, tmp_path: Path, line: str
) -> None:
    (tmp_path / ".env").write_text(f"# ours\n{line}\n")
    with pytest.raises(ConfigError) as refusal:
        load(write(), {})
    assert str(refusal.value) == f"{tmp_path}/.env: line 2 is not understood; write NAME='value'"


def test_an_empty_password_is_a_missing_one(write: Write) -> None:
    with pytest.raises(ConfigError, match="its password is missing; set MAILFAX_ACCOUNT_MAIN_PASSWORD"):
        load(write(), {"MAILFAX_ACCOUNT_MAIN_PASSWORD": ""})


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"can't be read \(No such file or directory\); write its path behind"):
        load(tmp_path / "mailfax.toml", SECRETS)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mailfax.toml"
    path.write_bytes(b'hostname = "b\xfcro"\n')
    with pytest.raises(ConfigError, match="byte 13 is not UTF-8"):
        load(path, SECRETS)


def test_a_certificate_is_opened_with_its_key_before_the_start(write: Write, tmp_path: Path) -> None:
    issued, other = (trustme.CA().issue_cert("fax.example.com") for _ in range(2))
    issued.cert_chain_pems[0].write_to_path(tmp_path / "fax.crt")
    issued.private_key_pem.write_to_path(tmp_path / "fax.key")
    other.private_key_pem.write_to_path(tmp_path / "other.key")

    def tls(key: str) -> tuple[str, str]:
        return ('2525"\n', f'2525"\ntls = "starttls"\ncertificate = "fax.crt"\nkey = "{key}"\n')

    (listener,) = load(write(tls("fax.key")), SECRETS).listeners
    assert (listener.certificate, listener.key) == (tmp_path / "fax.crt", tmp_path / "fax.key")
    with pytest.raises(ConfigError, match="not a PEM certificate with its unencrypted key"):
        load(write(tls("other.key")), SECRETS)


def test_authorities_are_opened_before_the_start(write: Write, tmp_path: Path) -> None:
    with_ca = ('username = "5557152222"\n', 'username = "5557152222"\nca_file = "ca.pem"\n')
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    assert load(write(with_ca), SECRETS).accounts[0].ca_file == tmp_path / "ca.pem"
    (tmp_path / "ca.pem").write_text("nothing\n")
    with pytest.raises(ConfigError, match="holds no PEM certificate"):
        load(write(with_ca), SECRETS)


def test_a_relay_in_clear_is_taken_when_it_was_said_twice(write: Write) -> None:
    relay = load(write(('"127.0.0.1:25"', '"mail.example.com:25"\ncleartext = true')), SECRETS).relay
    assert (relay.host, relay.tls, relay.cleartext) == ("mail.example.com", "none", True)


def test_files_are_opened_without_a_cell_when_it_was_said_twice(write: Write) -> None:
    said = load(write(("[relay]", '[render]\ncell = "low"\nunconfined = true\n\n[relay]')), SECRETS).render
    assert (said.cell, said.unconfined) == ("low", True)
    assert load(write(), SECRETS).render.cell == "good"


def test_maildirs_lie_beside_the_file(write: Write, tmp_path: Path) -> None:
    relay = load(write(('address = "127.0.0.1:25"\n', 'maildir = "var/mail"\n')), SECRETS).relay
    assert (relay.maildir, relay.host) == (tmp_path / "var/mail", "")


@pytest.mark.parametrize("address", ["a..b@example.com", ".a@example.com", "a@", "@example.com", "a b@example.com"])
def test_a_postmaster_that_no_mail_reaches_is_refused(write: Write, address: str) -> None:
    with pytest.raises(ConfigError, match="is not a mail address; write it like"):
        load(write(("postmaster@example.com", address)), SECRETS)


@pytest.mark.parametrize("address", ["2525", ":2525", "127.0.0.1:", "::1:2525", "[::1]", "127.0.0.1:smtp", "*:25x"])
def test_an_address_without_host_or_port_is_refused(write: Write, address: str) -> None:
    with pytest.raises(ConfigError, match="is not an address with a port"):
        load(write(("127.0.0.1:2525", address)), SECRETS)


def test_a_dotenv_of_root_does_not_stop_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_ours(path: Path, *_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / ".env").write_text("MAILFAX_ACCOUNT_MAIN_PASSWORD='x'\n")
    monkeypatch.setattr(Path, "read_text", not_ours)
    assert read_dotenv(tmp_path / ".env") == {}


def test_a_file_that_systemd_lends_the_service_is_used_in_place_of_its_own(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same configuration names the files as root's commands see them."""
    path = write(
        ("[[account]]", 'tls = "starttls"\ncertificate = "fax.crt"\nkey = "/etc/ssl/private/fax.key"\n\n[[account]]')
    )
    issued = trustme.CA().issue_cert("fax.example.com")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "fax.crt")
    lent = tmp_path / "lent"
    lent.mkdir()
    issued.private_key_pem.write_to_path(lent / "fax.key")
    (lent / ".env").write_text("MAILFAX_ACCOUNT_MAIN_PASSWORD='by systemd'\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(lent))
    config = load(path, {})
    assert config.listeners[0].key == lent / "fax.key" and config.listeners[0].certificate == tmp_path / "fax.crt"
    assert config.accounts[0].password == "by systemd"
