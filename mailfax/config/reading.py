"""The whole file becomes ``Config``, and is refused where its parts together would do harm.

In: the path of ``mailfax.toml`` and the environment. Out: ``Config``. Raises ``ConfigError``. Passwords come from the
environment or from ``.env`` beside the file, never from the file itself; the environment wins.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from mailfax.config.keys import SECTIONS
from mailfax.config.listeners import read_listener, require_users
from mailfax.config.places import THIS_MACHINE, is_loopback, is_open
from mailfax.config.routes import read_routes
from mailfax.config.senders import read_aliases, read_destinations, read_sender, require_known, require_match
from mailfax.config.tables import Part, parse, password_name, read_dotenv, read_section
from mailfax.config.users import read_users
from mailfax.config.values import (
    Account,
    Config,
    Limits,
    RelayConfig,
    RenderConfig,
    RetentionConfig,
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
    parts = {name: read_section(path, name, tables) for name in SECTIONS}
    (top,), (spool,), (relay,) = parts[""], parts["spool"], parts["relay"]
    if not top["fax_domains"]:
        top.refuse("fax_domains", 'empty, so no address would be a fax number; write for example ["fax.local"]')
    _require_outside(top, "postmaster", [top["postmaster"]], top["fax_domains"])
    accounts = [_account(part, top, secrets) for part in parts["account"]]
    _require_unlike(parts["account"], "name", [password_name(account.name) for account in accounts])
    listeners = [read_listener(part) for part in parts["listener"]]
    _require_unlike(parts["listener"], "name", [listener.name for listener in listeners])
    _require_unlike(parts["listener"], "address", [(each.host, each.port) for each in listeners if each.port])
    senders = [read_sender(part, accounts, top.values) for part in parts["sender"]]
    for part, rule in zip(parts["sender"], senders, strict=True):
        _require_outside(part, "notify", [rule.notify], top["fax_domains"])
        require_match(part, rule, listeners)
    routes = read_routes(parts["route"], accounts, top.values)
    for part, route in zip(parts["route"], routes, strict=True):
        _require_outside(part, "deliver_to", route.deliver_to, top["fax_domains"])
        _require_outside(part, "copy_to", route.copy_to, top["fax_domains"])
    password_file = _beside(path, top["password_file"])
    if passwords and any(listener.proof == "auth" for listener in listeners):
        users = read_users(password_file)
        require_users(parts["listener"], users, password_file)
        for part, rule in zip(parts["sender"], senders, strict=True):
            require_known(part, rule, users, password_file)
    return Config(
        source=path.absolute(),
        hostname=top["hostname"],
        postmaster=top["postmaster"],
        fax_domains=top["fax_domains"],
        default_country=top["default_country"],
        spool=_spool(spool, secrets if secrets is not None else environ),
        listeners=tuple(listeners),
        accounts=tuple(accounts),
        senders=tuple(senders),
        relay=_relay(relay, secrets),
        limits=Limits(**parts["limits"][0].values),
        routes=routes,
        destinations=read_destinations(parts["destinations"][0]),
        render=_render(parts["render"][0]),
        retention=_retention(parts["retention"][0]),
        web=_web(parts["web"][0]),
        aliases=read_aliases(parts["aliases"][0], top["subject_mailbox"]),
        subject_mailbox=top["subject_mailbox"],
        password_file=password_file,
        timezone=top["timezone"],
        blocked=tuple(parts["blocked"][0].values.items()),
    )


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
    _require_outside(part, "deliver_to", part["deliver_to"], top["fax_domains"])
    if not is_loopback(urlsplit(part["base_url"]).hostname or ""):
        for key, least in _LEAST_OFF_LOOPBACK.items():
            if part[key] < least:
                part.refuse(
                    key,
                    f"{part[key]:g} is too short for a service that is not on this machine; write at least {least}",
                )
    files = {"ca_file": _authorities(part), "cover_folder": _cover_folder(part)}
    return Account(**{**part.values, "password": password, **files})


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


def _authorities(part: Part) -> Path | None:
    """The ``ca_file`` of a table: authorities to trust instead of the system's."""
    path = part.path("ca_file")
    if path:
        try:
            ssl.create_default_context(cafile=str(path))
        except (ssl.SSLError, OSError):
            part.refuse("ca_file", f'"{path}" holds no PEM certificate; write the path of one that does')
    return path


def _spool(part: Part, secrets: Mapping[str, str]) -> SpoolConfig:
    """Whoever asks the spool anything needs its password, also where no other is read."""
    url = part["url"]
    if url.startswith("sqlite:"):
        if part["ca_file"]:
            part.refuse("ca_file", "stands beside a spool in a file, which has no certificate; leave it out")
        return SpoolConfig(url, str(_beside(part.file, url.removeprefix("sqlite:///"))))
    password = {**read_dotenv(part.file.parent / ".env"), **secrets}.get("MAILFAX_SPOOL_PASSWORD", "")
    return SpoolConfig(url, url, password, _authorities(part))


def _relay(part: Part, secrets: Mapping[str, str] | None) -> RelayConfig:
    if part["maildir"]:
        for key, value in part.values.items():
            if key != "maildir" and value != SECTIONS["relay"].keys[key].default:
                part.refuse(key, "stands beside maildir, where no server is spoken to; leave one of the two out")
        return RelayConfig(maildir=part.file.parent.absolute() / part["maildir"])
    if not part["address"]:
        part.refuse("address", 'missing; write for example "127.0.0.1:25", or maildir = "var/mail"')
    host, port = part["address"]
    if part["tls"] == "none" and not is_loopback(host):
        if part["username"]:
            part.refuse(
                "tls", '"none" would send the password in clear to another machine; write "starttls" or "implicit"'
            )
        if not part["cleartext"]:
            part.refuse(
                "tls",
                f'"none" would send faxes in clear to {host}; write "starttls" or "implicit", '
                "or say it twice with cleartext = true",
            )
    password = secrets.get("MAILFAX_RELAY_PASSWORD", "") if secrets else ""
    if secrets is not None and part["username"] and not password:
        part.refuse("username", "its password is missing; set MAILFAX_RELAY_PASSWORD in the environment or in .env")
    return RelayConfig(
        host=host,
        port=port,
        tls=part["tls"],
        username=part["username"],
        password=password,
        ca_file=_authorities(part),
        cleartext=part["cleartext"],
    )


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
