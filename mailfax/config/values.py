"""What a person decided, as frozen values. ``mailfax.config.load`` makes them; everybody else only reads them.

Sizes are in bytes, times in seconds, paths absolute.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from mailfax.config.signing_in import LdapConfig, OidcConfig, PageUser

#: Languages of what users are told: those with a catalogue in ``letters/languages``, and English.
LANGUAGES = ("en", "de", "fr", "es", "pt")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ConfigError(Exception):
    """The configuration can't be used. Each of ``sentences`` names file, key, reason and what to write instead."""

    def __init__(self, *sentences: str) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


@dataclass(frozen=True, slots=True)
class Listener:
    """One listener. ``host`` and ``port`` come from ``address``; ``proof`` is what proves a sender here."""

    name: str
    host: str
    port: int
    protocol: str = "smtp"
    tls: str = "none"
    certificate: Path | None = None
    key: Path | None = None
    networks: tuple[Network, ...] = ()
    proof: str = "network"
    device: bool = False
    #: A line of a mail that does not end in CRLF: "reject", or "normalize" for clients in ``networks``.
    bare_newline: str = "reject"
    #: The lowest version of TLS that is spoken: "1.2" or "1.3"; "1.0" and "1.1" for devices only.
    tls_minimum: str = "1.2"
    #: Load balancers: whoever connects from here begins with a PROXY header, and the address in it is the client's.
    proxies: tuple[Network, ...] = ()
    #: Mail servers in front of us: their own Received line tells where the client was.
    relays: tuple[Network, ...] = ()
    #: Who may say XCLIENT.
    xclient: tuple[Network, ...] = ()
    #: The relay whose topmost Authentication-Results is believed (RFC 8601 2.5); "" checks SPF, DKIM and DMARC here.
    authserv_id: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """One FaxCore login: one fax number. ``reference`` is "end", "front" or "off": where our token stands."""

    name: str
    base_url: str
    username: str
    password: str
    deliver_to: tuple[str, ...] = ()
    #: In which form received faxes are asked for, "pdf" or "tiff"; the other one where that is damaged.
    deliver_as: str = "pdf"
    #: With which a received PDF opens; "": without any.
    pdf_password: str = field(default="", repr=False)
    poll_seconds: float = 60.0
    settle_seconds: float = 900.0
    #: How long FaxCore may take to answer a SendFax; ASP.NET allows itself 110 s. Leases are made from it.
    timeout_seconds: float = 180.0
    resend_when_absent: bool = True
    first_run: str = "baseline"
    reference: str = "end"
    ca_file: Path | None = None
    #: Who makes cover pages: "service", "ours" or "none".
    cover: str = "service"
    #: What our own cover page is made of, where it is not the built-in one: cover.html, pictures.
    cover_folder: Path | None = None
    #: Whether each page has a line with date, sender, recipient and page number.
    header_line: bool = False
    #: Who makes the black and white page: the service of a "pdf", or mailfax, which sends a "tiff".
    document: str = "tiff"
    #: Of such a TIFF: "fine" or "standard".
    resolution: str = "fine"
    #: What the service's dates, which name no zone, are read as.
    server_timezone: str = "America/Los_Angeles"
    #: The Content-Type of an upload: the API reference wants that of a form, with the bytes of the document.
    content_type: str = "application/x-www-form-urlencoded"
    #: How the number 1 555 123 4567 begins when it is handed over: "1", "+1" or "0111".
    number_format: str = "1"
    #: The department whose faxes these are; "": nobody's in particular.
    group: str = ""

    @property
    def number_prefix(self) -> str:
        """What stands before country code and number."""
        return self.number_format.removesuffix("1")

    @property
    def down(self) -> int:
        """Lines an inch of a fax page made here."""
        return 196 if self.resolution == "fine" else 98


@dataclass(frozen=True, slots=True)
class SenderRule:
    """Who may fax: every key given must match, any value of a key. ``senders`` is the key ``from``.

    ``allow`` and ``deny`` are patterns of destinations (``Destinations``) for this sender alone; ``allow`` replaces
    the site's where it is given, ``deny`` joins it. The two quotas are for each sender and day; 0 is no quota.
    """

    senders: tuple[str, ...] = ()
    network: tuple[Network, ...] = ()
    login: tuple[str, ...] = ()
    account: str = ""
    name: str = ""
    company: str = ""
    notify: str = ""
    success_notice: bool = True
    #: What of a fax its notifications show: "none", "thumbnail", "pdf" or "original".
    notice_content: str = "thumbnail"
    automatic: bool = False
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    faxes_per_day: int = 0
    pages_per_day: int = 0
    #: When a fax gets a cover page: "none", "on-demand", "always" or "with-text".
    cover_page: str = "with-text"
    #: "ignore": the text of a mail with files is left out.
    body: str = "fax"
    #: What is taken from the end of a text: "signature", "quote".
    strip: tuple[str, ...] = ()
    #: When faxes are handed over ("mon-fri 08:00-18:00"); none: at any time.
    hours: tuple[str, ...] = ()
    #: For so long its faxes wait before they are handed over, so that they can still be cancelled.
    undo_seconds: float = 0.0
    #: What times of the day mean to this sender.
    timezone: str = "UTC"
    #: One of ``LANGUAGES``: that of its notifications.
    language: str = "en"
    #: "normal", "asked" (high where the message asks for it) or "high": whether its faxes go before others.
    priority: str = "normal"
    #: The URL of a program that hears of each outcome; "": none does.
    outcome_webhook: str = ""


@dataclass(frozen=True, slots=True)
class Destinations:
    """Where faxes may go: a number must match ``allow`` and none of ``deny``.

    A pattern is "*" (everywhere), "home" (``default_country``), "international" (any other region), a region ("JM"),
    the beginning of a number with its country code ("+1876"), or a kind of number ("premium", "shared-cost",
    "personal", "pager", "satellite"). Emergency numbers are never dialled, whatever stands here.
    """

    allow: tuple[str, ...] = ("*",)
    deny: tuple[str, ...] = ("premium",)


@dataclass(frozen=True, slots=True)
class Route:
    """Where received faxes go: every key given must match, any value of a key; the first route that says where wins.

    A ``caller`` is "unknown", a number, or its beginning and "*". After one with ``copy_to`` alone the next are read.
    """

    account: tuple[str, ...] = ()
    caller: tuple[str, ...] = ()
    #: When the fax came ("mon-fri 08:00-18:00"); none: at any time.
    hours: tuple[str, ...] = ()
    timezone: str = "UTC"
    deliver_to: tuple[str, ...] = ()
    copy_to: tuple[str, ...] = ()
    junk: bool = False  #: nobody hears of it


@dataclass(frozen=True, slots=True)
class Received:
    """How received faxes are shown. Fields of the templates: ``templates.FIELDS``. ``contacts``: (number, name)."""

    subject_template: str = "Fax received from {caller}, {pages}"
    attachment_name: str = "fax-{date}-{time}-{number}"
    contacts: tuple[tuple[str, str], ...] = ()
    #: The address that faxes the caller back is told ("address"), is also the Reply-To, or is left out ("none").
    fax_back: str = "address"


@dataclass(frozen=True, slots=True)
class DkimConfig:
    """Whose signature our mail gets: ``d=``, ``s=``, and the private key as PEM."""

    domain: str
    selector: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RelayConfig:
    """Where our mail goes: a smarthost (``host``, ``port``) or a Maildir root (``maildir``)."""

    host: str = ""
    port: int = 25
    tls: str = "none"
    username: str = ""
    password: str = ""
    ca_file: Path | None = None
    maildir: Path | None = None
    cleartext: bool = False  #: the second time that ``tls = "none"`` off loopback is said
    requiretls: bool = False  #: the server is asked to hand mail on by TLS alone
    dkim: DkimConfig | None = None


@dataclass(frozen=True, slots=True)
class RenderConfig:
    """How strangers' files become pages. ``cell`` is the least that closes their cell (``render.jail``)."""

    cell: str = "good"
    unconfined: bool = False  #: the second time that ``cell = "low"`` is said
    unsupported: str = "refuse"  #: a mail with a file that can't be faxed; or "name": the rest is sent


@dataclass(frozen=True, slots=True)
class WebConfig:
    """Where monitors ask (``/healthz``, ``/readyz``, ``/metrics``), and from which networks."""

    host: str
    port: int
    networks: tuple[Network, ...]


@dataclass(frozen=True, slots=True)
class PagesConfig:
    """Where people look and programs ask, by HTTP. ``url`` is how browsers reach it from outside, "" where that is
    its own address. ``proxies``: whoever connects from there is believed about who the client is; where TLS is theirs
    alone, nobody else may connect."""

    host: str
    port: int
    url: str = ""
    certificate: Path | None = None
    key: Path | None = None
    proxies: tuple[Network, ...] = ()

    @property
    def secure(self) -> bool:
        """Whether browsers speak TLS to it."""
        return self.certificate is not None or self.url.startswith("https:")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that keep one mail or one client from taking everything. Sizes in bytes, times in seconds."""

    message_bytes: int = 50_000_000
    recipients: int = 500
    connections: int = 200
    connections_per_client: int = 20
    #: How many mails one client address may begin in a minute; 0: as many as it likes.
    messages_per_minute: int = 600
    #: How many faxes the whole site may send in a day: a brake for the case that all else failed; 0: no brake.
    faxes_per_day: int = 5000
    #: How many faxes may be under way to one number; 0: as many as there are.
    faxes_per_number: int = 1
    #: A message of more faxes than that is held until a person releases it; 0: none is.
    approve_above: int = 0
    pages: int = 200
    document_bytes: int = 20_000_000
    render_seconds: float = 120.0
    #: A job that could not be submitted by then fails ("expired").
    expire_seconds: float = 86_400.0
    #: A job in doubt, or submitted and silent, ends unconfirmed after this time.
    deadline_seconds: float = 86_400.0
    #: When a "still trying" letter is due, once.
    delay_seconds: float = 4 * 3600.0
    #: How long a letter is tried at the relay.
    letter_seconds: float = 5 * 86_400.0


@dataclass(frozen=True, slots=True)
class RetentionConfig:
    """For how many days what has ended is kept, content and records; 0: for ever. No content outlives its record."""

    sent_content_days: int = 0
    sent_record_days: int = 0
    received_content_days: int = 0
    received_record_days: int = 0
    postmaster_content_days: int = 0
    postmaster_record_days: int = 0
    junk_days: int = 30

    def of(self, direction: str) -> tuple[int, int]:
        """Days of content and of records: "sent", "received", "postmaster" or "junk"."""
        if direction == "junk":
            return self.junk_days, self.junk_days
        return getattr(self, f"{direction}_content_days"), getattr(self, f"{direction}_record_days")


@dataclass(frozen=True, slots=True)
class Price:
    """What a fax costs, in the site's own currency: the call, and each page that arrives."""

    call: Decimal
    page: Decimal


@dataclass(frozen=True, slots=True)
class SpoolConfig:
    """Where everything is kept that must survive. ``ca_file``: authorities to trust instead of the system's."""

    url: str
    place: str  #: the file, or the database, for people
    password: str = ""
    ca_file: Path | None = None

    @property
    def file(self) -> Path | None:
        """The file of the spool; None where it is a PostgreSQL database."""
        return Path(self.place) if self.url.startswith("sqlite:") else None


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that a person decided."""

    source: Path
    hostname: str
    postmaster: str
    fax_domains: tuple[str, ...]
    default_country: str
    spool: SpoolConfig
    listeners: tuple[Listener, ...]
    accounts: tuple[Account, ...]
    senders: tuple[SenderRule, ...]
    relay: RelayConfig
    limits: Limits
    routes: tuple[Route, ...] = ()
    received: Received = Received()
    #: What is posted to webhooks is signed with it: "whsec_" and base64; "": there is none.
    webhook_secret: str = ""
    webhook_private: bool = False  #: they may be in our own network
    destinations: Destinations = Destinations()
    render: RenderConfig = RenderConfig()
    web: WebConfig | None = None  #: None: nobody is answered
    pages: PagesConfig | None = None  #: None: there are none
    page_users: tuple[PageUser, ...] = ()
    #: None: passwords are those of the password file alone.
    ldap: LdapConfig | None = None
    oidc: OidcConfig | None = None
    #: (name in lower case, its numbers and further names): ``name@fax.local`` is each of them.
    aliases: tuple[tuple[str, tuple[str, ...]], ...] = ()
    #: Mail to this local part has its number in the subject (copiers with one fixed address); "" is off.
    subject_mailbox: str = ""
    #: argon2 hashes, one user a line; made by ``mailfax passwd``. It need not exist where nobody logs in.
    password_file: Path = Path("passwords")
    #: One of ``LANGUAGES``: in which users are told, whose rule has none of its own.
    language: str = "en"
    #: In which times are told, and what a time of the day means to senders whose rule has none of its own.
    timezone: str = "UTC"
    #: (number with its country code, why nobody may fax there).
    blocked: tuple[tuple[str, str], ...] = ()
    retention: RetentionConfig = RetentionConfig()
    #: The billing codes that a sender may give; none: any.
    billing_codes: tuple[str, ...] = ()
    #: (beginning of a number with +, its price).
    prices: tuple[tuple[str, Price], ...] = ()

    def account(self, name: str) -> Account | None:
        """The account of that name, or None where it was taken out of the configuration."""
        return next((account for account in self.accounts if account.name == name), None)
