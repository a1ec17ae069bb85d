"""The whole file becomes ``Config``, and is refused where its parts together would do harm.

In: the path of ``mailfax.toml`` and the environment. Out: ``Config``. Raises ``ConfigError``. Passwords come from the
environment or from ``.env`` beside the file, never from the file itself; the environment wins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from mailfax.config.faults import Faults
from mailfax.config.keys import SECTIONS
from mailfax.config.listeners import read_listener, require_users
from mailfax.config.pages import read_ldap, read_oidc, read_page_users, read_pages, with_pages
from mailfax.config.places import THIS_MACHINE, is_loopback, is_open
from mailfax.config.received import read_blocked, read_received, read_webhook_secret, require_printable
from mailfax.config.relay import read_relay
from mailfax.config.routes import read_routes
from mailfax.config.senders import read_aliases, read_destinations, read_sender, require_known, require_match
from mailfax.config.signing_in import LdapConfig, OidcConfig, PageUser
from mailfax.config.tables import Part, parse, password_name, read_dotenv, read_section
from mailfax.config.targets import mailboxes
from mailfax.config.users import read_users
from mailfax.config.values import (
    Account,
    Config,
    Limits,
    Listener,
    RenderConfig,
    RetentionConfig,
    Route,
    SenderRule,
    SpoolConfig,
    WebConfig,
)

#: Against a real service: more than 6 calls a minute meet rate limits, and a fax may be listed only minutes after it
#: was accepted, so that a shorter look proves no absence and could send a fax twice; and ASP.NET answers an upload
#: after up to 110 seconds, so that less patience puts faxes in doubt.
_LEAST_OFF_LOOPBACK = {"poll_seconds": 10, "settle_seconds": 300, "timeout_seconds": 120}

#: Mail servers try a mail again for five days (RFC 5321 4.5.4.1), and so long it must be known again.
SHORTEST_RECORD_DAYS = 7


def load(path: Path, environ: Mapping[str, str], *, passwords: bool = True) -> Config:
    """The configuration in ``path`` with the secrets of ``environ``; raises ``ConfigError``.

    Without ``passwords`` no secret is read or missed: for who speaks neither to FaxCore nor to the relay.
    """
    tables = parse(path)
    secrets = {**read_dotenv(path.parent / ".env"), **environ} if passwords else None
    faults = Faults()
    parts = {name: faults.of(read_section, path, name, tables) for name in SECTIONS}
    alone = {name: faults.of(_only, part) for name, part in parts.items() if not SECTIONS[name].repeated}
    top = faults.of(_top, alone[""])
    spool = faults.of(_spool, alone["spool"], secrets=secrets if secrets is not None else environ)
    relay = faults.of(read_relay, alone["relay"], top, secrets=secrets)
    accounts = faults.of_each(_account, parts["account"], top, secrets=secrets)
    faults.of(_require_accounts_unlike, parts["account"], accounts)
    listeners = faults.of_each(read_listener, parts["listener"])
    faults.of(_require_listeners_unlike, parts["listener"], listeners)
    pages = faults.of(read_pages, alone["pages"], parts["page_user"])
    ldap = faults.of(read_ldap, alone["ldap"], pages)
    oidc = faults.of(read_oidc, alone["oidc"], pages, secrets=secrets)
    page_users = faults.of(read_page_users, parts["page_user"], accounts)
    known = faults.of(with_pages, listeners, pages, parts["listener"])
    senders = faults.of_each(_sender, parts["sender"], accounts, known, top)
    routes = faults.of(_routes, parts["route"], accounts, top)
    faults.of(require_printable, parts["account"], parts["route"])
    received = faults.of(read_received, alone["received"], alone["contacts"])
    webhook_secret = faults.of(
        read_webhook_secret, parts["account"], parts["route"], parts["sender"], secrets=secrets
    )
    destinations = faults.of(read_destinations, alone["destinations"])
    blocked = faults.of(read_blocked, alone[""], alone["blocked"])
    aliases = faults.of(read_aliases, alone["aliases"], top)
    render = faults.of(_render, alone["render"])
    retention = faults.of(_retention, alone["retention"])
    web = faults.of(_web, alone["web"])
    if passwords:
        faults.of(_require_users, parts["listener"], parts["sender"], known, senders, top, page_users, ldap or oidc)
    faults.refuse()
    return Config(
        source=path.absolute(),
        hostname=top["hostname"],
        postmaster=top["postmaster"],
        fax_domains=top["fax_domains"],
        default_country=top["default_country"],
        spool=spool,
        listeners=tuple(listeners),
        accounts=tuple(accounts),
        senders=tuple(senders),
        relay=relay,
        limits=Limits(**alone["limits"].values),
        routes=routes,
        received=received,
        webhook_secret=webhook_secret,
        webhook_private=top["webhook_private"],
        destinations=destinations,
        render=render,
        retention=retention,
        web=web,
        pages=pages,
        page_users=page_users,
        ldap=ldap,
        oidc=oidc,
        aliases=aliases,
        subject_mailbox=top["subject_mailbox"],
        password_file=_beside(path, top["password_file"]),
        timezone=top["timezone"],
        blocked=blocked,
        language=top["language"],
        billing_codes=alone["billing"]["codes"],
        prices=tuple(alone["prices"].values.items()),
    )


def _only(parts: Sequence[Part]) -> Part:
    """Of a section that stands there once."""
    [part] = parts
    return part


def _top(part: Part) -> Part:
    if not part["fax_domains"]:
        part.refuse("fax_domains", 'empty, so no address would be a fax number; write for example ["fax.local"]')
    _require_outside(part, "postmaster", [part["postmaster"]], part["fax_domains"])
    return part


def _require_accounts_unlike(parts: Sequence[Part], accounts: Sequence[Account]) -> None:
    _require_unlike(parts, "name", [password_name(account.name) for account in accounts])


def _require_listeners_unlike(parts: Sequence[Part], listeners: Sequence[Listener]) -> None:
    _require_unlike(parts, "name", [listener.name for listener in listeners])
    _require_unlike(parts, "address", [(each.host, each.port) for each in listeners if each.port])


def _sender(part: Part, accounts: Sequence[Account], listeners: Sequence[Listener], top: Part) -> SenderRule:
    rule = read_sender(part, accounts, top.values)
    _require_outside(part, "notify", [rule.notify], top["fax_domains"])
    require_match(part, rule, listeners)
    return rule


def _routes(parts: Sequence[Part], accounts: Sequence[Account], top: Part) -> tuple[Route, ...]:
    routes = read_routes(parts, accounts, top.values)
    for part in parts:
        for key in ("deliver_to", "copy_to"):
            _require_outside(part, key, mailboxes(part[key]), top["fax_domains"])
    return routes


def _require_users(
    listeners: Sequence[Part],
    senders: Sequence[Part],
    read: Sequence[Listener],
    rules: Sequence[SenderRule],
    top: Part,
    page_users: Sequence[PageUser],
    others: LdapConfig | OidcConfig | None,
) -> None:
    """Where people log in, those who may are in the password file, or ``others`` know the page users."""
    if not any(listener.proof == "auth" for listener in read):
        return
    file = _beside(top.file, top["password_file"])
    users = read_users(file)
    elsewhere = [user.login for user in page_users] if others else []
    require_users(listeners, users, file)
    for part, rule in zip(senders, rules, strict=True):
        require_known(part, rule, users, file, elsewhere)


def where_users_are(path: Path) -> tuple[Path, dict[str, bool]]:
    """The password file, and each listener where people log in: whether it is for copiers.

    All else may be wrong in the file at ``path``: ``mailfax passwd`` makes the very user whose lack ``load`` refuses.
    """
    tables = parse(path)
    (top,) = read_section(path, "", tables)
    listeners = read_section(path, "listener", tables)
    for_copiers = {part["name"]: part["device"] for part in listeners if part["proof"] == "auth"}
    return _beside(path, top["password_file"]), for_copiers


def _beside(path: Path, name: str) -> Path:
    """A file that the configuration at ``path`` names."""
    return path.parent.absolute() / name


def _require_unlike(parts: Sequence[Part], key: str, values: Sequence[object]) -> None:
    for number, value in enumerate(values):
        if value in values[:number]:
            parts[number].refuse(key, "two have the same, or one that can't be told from it; write another")


def _require_outside(part: Part, key: str, mailboxes: Sequence[str], fax_domains: Sequence[str]) -> None:
    """Our own mail must not come back to be faxed."""
    for mailbox in mailboxes:
        if mailbox.rpartition("@")[2] in fax_domains:
            part.refuse(
                key, f'"{mailbox}" is in a fax domain, so its mail would come back here; write another mailbox'
            )


def _account(part: Part, top: Part, secrets: Mapping[str, str] | None) -> Account:
    variable = password_name(part["name"])
    password = secrets.get(variable, "") if secrets else ""
    if secrets is not None and not password:
        part.refuse("name", f"its password is missing; set {variable} in the environment or in .env")
    _require_outside(part, "deliver_to", mailboxes(part["deliver_to"]), top["fax_domains"])
    if not is_loopback(urlsplit(part["base_url"]).hostname or ""):
        for key, least in _LEAST_OFF_LOOPBACK.items():
            if part[key] < least:
                part.refuse(
                    key,
                    f"{part[key]:g} is too short for a service that is not on this machine; write at least {least}",
                )
    files = {"ca_file": part.authorities(), "cover_folder": _cover_folder(part)}
    given = {"password": password, "pdf_password": _pdf_password(part, secrets), **files}
    return Account(**{**part.values, **given})


def _pdf_password(part: Part, secrets: Mapping[str, str] | None) -> str:
    """With which received PDFs open. A TIFF can't be locked."""
    if not part["pdf_password"]:
        return ""
    if part["deliver_as"] != "pdf":
        part.refuse(
            "pdf_password", f'stands beside deliver_as = "{part["deliver_as"]}", which can\'t be locked; write "pdf"'
        )
    variable = password_name(part["name"], "PDF")
    password = secrets.get(variable, "") if secrets is not None else ""
    if secrets is not None and not password:
        part.refuse("pdf_password", f"the password is missing; set {variable} in the environment or in .env")
    return password


def _cover_folder(part: Part) -> Path | None:
    if not part["cover_folder"]:
        return None
    if part["cover"] != "ours":
        part.refuse("cover_folder", f'stands beside cover = "{part["cover"]}"; write cover = "ours", or leave it out')
    folder = _beside(part.file, part["cover_folder"])
    if not folder.is_dir():
        part.refuse(
            "cover_folder", f'"{folder}" is no folder; write the path of the one with your cover.html or logo'
        )
    return folder


def _spool(part: Part, secrets: Mapping[str, str]) -> SpoolConfig:
    """Whoever asks the spool anything needs its password, also where no other is read."""
    url = part["url"]
    if url.startswith("sqlite:"):
        if part["ca_file"]:
            part.refuse("ca_file", "stands beside a spool in a file, which has no certificate; leave it out")
        return SpoolConfig(url, str(_beside(part.file, url.removeprefix("sqlite:///"))))
    password = {**read_dotenv(part.file.parent / ".env"), **secrets}.get("MAILFAX_SPOOL_PASSWORD", "")
    return SpoolConfig(url, url, password, part.authorities())


def _render(part: Part) -> RenderConfig:
    if part["cell"] == "low" and not part["unconfined"]:
        part.refuse(
            "cell",
            '"low" would open strangers\' files where they can reach your own; write "good" or "full", '
            "or say it twice with unconfined = true",
        )
    return RenderConfig(**part.values)


def _retention(part: Part) -> RetentionConfig:
    for direction in ("sent", "received", "postmaster"):
        key, of_content = f"{direction}_record_days", f"{direction}_content_days"
        if not part[key]:
            continue
        if part[key] < SHORTEST_RECORD_DAYS:
            part.refuse(
                key,
                f"{part[key]} is too short to recognise a mail that comes again after days; "
                f"write at least {SHORTEST_RECORD_DAYS}, or 0 to keep them",
            )
        if not 0 < part[of_content] <= part[key]:
            part.refuse(
                key,
                f"{of_content} = {part[of_content]} would keep content without its records; "
                f"write {of_content} = {part[key]} or less, but not 0",
            )
    return RetentionConfig(**part.values)


def _web(part: Part) -> WebConfig | None:
    if part["address"] is None:
        if part["networks"] is not None:
            part.refuse("networks", 'stands there without an address; write for example address = "127.0.0.1:8025"')
        return None
    host, port = part["address"]
    networks = part["networks"]
    if networks is None and not is_loopback(host):
        part.refuse(
            "networks",
            "missing, so the world could see how much is faxed here; write the addresses of your monitors, "
            'for example ["192.168.1.9"]',
        )
    for net in filter(is_open, networks or ()):
        part.refuse(
            "networks",
            f'"{net}" holds strangers, who need not know how much is faxed; write the addresses of your monitors',
        )
    return WebConfig(host, port, THIS_MACHINE if networks is None else networks)
