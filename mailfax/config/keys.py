"""The table of all keys: section by section, what each may be and what it is when it is left out.

A test compares this table with ``config/mailfax.toml``, in which every key stands with meaning and default.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from mailfax.config.hours import hours
from mailfax.config.kinds import Kind, at_least, choice, flag, one_or_several, several, some_text, text
from mailfax.config.names import (
    caller,
    country,
    destination,
    local_name,
    local_name_or_none,
    login,
    mailbox,
    mailbox_or_nobody,
    sender,
    user_name,
    whole_number,
)
from mailfax.config.places import (
    bind_name,
    content_type,
    directory_url,
    domain,
    domain_or_none,
    far_address,
    issuer,
    network,
    own_address,
    selector_or_none,
    service_url,
    site_url,
    spool_url,
    timezone,
    timezone_or_none,
)
from mailfax.config.prices import prefix, price
from mailfax.config.targets import target, webhook_or_none
from mailfax.config.templates import number, template
from mailfax.config.values import LANGUAGES, Limits, Received, RetentionConfig


@dataclass(frozen=True, slots=True)
class Required:
    """Stands for the default of a key that has none: the file must say it, for example so."""

    example: str


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its kind, and its value where the file does not say it."""

    kind: Kind
    default: Any


@dataclass(frozen=True, slots=True)
class Section:
    """A table of the file. ``repeated``: written ``[[name]]``, as often as wanted; ``required``: at least once. One
    that is not repeated and left out has its keys' defaults. ``own``: its keys are the site's own, and this is what
    they and their values may be."""

    keys: dict[str, Key]
    repeated: bool = False
    required: bool = False
    own: tuple[Kind, Kind] | None = None


#: Bounds that no mail at all could meet are mistakes: what each limit is at least.
_LOWEST_LIMITS = {
    "message_bytes": 10_000,
    "document_bytes": 10_000,
    "messages_per_minute": 0,
    "faxes_per_day": 0,
    "faxes_per_number": 0,
    "approve_above": 0,
}

#: The empty name is the top of the file, before the first table.
SECTIONS: dict[str, Section] = {
    "": Section(
        {
            "fax_domains": Key(several(domain), Required('["fax.local"]')),
            "default_country": Key(country, Required('"US"')),
            "postmaster": Key(mailbox, Required('"postmaster@example.com"')),
            "hostname": Key(domain, Required('"fax.example.com"')),
            "timezone": Key(timezone, "UTC"),
            "language": Key(choice(*LANGUAGES), "en"),
            "success_notice": Key(flag, True),
            "subject_mailbox": Key(local_name_or_none, ""),
            "password_file": Key(some_text, "passwords"),
            "blocked_file": Key(some_text, ""),
            "webhook_private": Key(flag, False),
        }
    ),
    "aliases": Section({}, own=(local_name, one_or_several(some_text))),
    "destinations": Section(
        {"allow": Key(several(destination), ("*",)), "deny": Key(several(destination), ("premium",))}
    ),
    "billing": Section({"codes": Key(several(some_text), ())}),
    "prices": Section({}, own=(prefix, price)),
    "blocked": Section({}, own=(whole_number, some_text)),
    "spool": Section(
        {"url": Key(spool_url, Required('"sqlite:////var/lib/mailfax/spool.db"')), "ca_file": Key(some_text, "")}
    ),
    "listener": Section(
        {
            "name": Key(some_text, Required('"submission"')),
            "address": Key(own_address, Required('"127.0.0.1:2525"')),
            "protocol": Key(choice("smtp", "lmtp"), "smtp"),
            "tls": Key(choice("none", "starttls", "implicit"), "none"),
            "certificate": Key(some_text, ""),
            "key": Key(some_text, ""),
            "networks": Key(several(network), None),
            "proof": Key(choice("network", "auth", "dmarc"), "network"),
            "device": Key(flag, False),
            "bare_newline": Key(choice("reject", "normalize"), "reject"),
            "tls_minimum": Key(choice("1.0", "1.1", "1.2", "1.3"), "1.2"),
            "proxies": Key(several(network), ()),
            "relays": Key(several(network), ()),
            "xclient": Key(several(network), ()),
            "authserv_id": Key(text, ""),
        },
        repeated=True,
        required=True,
    ),
    "account": Section(
        {
            "name": Key(some_text, Required('"main"')),
            "base_url": Key(service_url, Required('"https://api.example.com/api/"')),
            "username": Key(login, Required('"5557152222"')),
            "deliver_to": Key(several(target), ()),
            "deliver_as": Key(choice("pdf", "tiff", "both"), "pdf"),
            "pdf_password": Key(flag, False),
            "poll_seconds": Key(at_least(0.05), 60.0),
            "settle_seconds": Key(at_least(0), 900.0),
            "timeout_seconds": Key(at_least(1), 180.0),
            "resend_when_absent": Key(flag, True),
            "first_run": Key(choice("baseline", "all"), "baseline"),
            "reference": Key(choice("end", "front", "off"), "end"),
            "cover": Key(choice("service", "ours", "none"), "service"),
            "cover_folder": Key(some_text, ""),
            "document": Key(choice("pdf", "tiff"), "tiff"),
            "resolution": Key(choice("fine", "standard"), "fine"),
            "header_line": Key(flag, False),
            "server_timezone": Key(timezone, "America/Los_Angeles"),
            "content_type": Key(content_type, "application/x-www-form-urlencoded"),
            "number_format": Key(choice("1", "+1", "0111"), "1"),
            "ca_file": Key(some_text, ""),
            "group": Key(text, ""),
        },
        repeated=True,
        required=True,
    ),
    "sender": Section(
        {
            "from": Key(several(sender), ()),
            "network": Key(several(network), ()),
            "login": Key(several(user_name), ()),
            "account": Key(some_text, Required('"main"')),
            "name": Key(text, ""),
            "company": Key(text, ""),
            "notify": Key(mailbox_or_nobody, ""),
            "success_notice": Key(flag, None),
            "notice_content": Key(choice("none", "thumbnail", "pdf", "original"), "thumbnail"),
            "automatic": Key(flag, False),
            "allow": Key(several(destination), None),
            "deny": Key(several(destination), ()),
            "undo_seconds": Key(at_least(0), 0.0),
            "faxes_per_day": Key(at_least(0, int), 0),
            "pages_per_day": Key(at_least(0, int), 0),
            "cover_page": Key(choice("none", "on-demand", "always", "with-text"), None),
            "body": Key(choice("fax", "ignore"), "fax"),
            "strip": Key(several(choice("signature", "quote")), ()),
            "hours": Key(several(hours), ()),
            "timezone": Key(timezone_or_none, ""),
            "language": Key(choice(*LANGUAGES), None),
            "priority": Key(choice("normal", "asked", "high"), "normal"),
            "outcome_webhook": Key(webhook_or_none, ""),
        },
        repeated=True,
    ),
    "route": Section(
        {
            "account": Key(several(some_text), ()),
            "caller": Key(several(caller), ()),
            "hours": Key(several(hours), ()),
            "timezone": Key(timezone_or_none, ""),
            "deliver_to": Key(several(target), ()),
            "copy_to": Key(several(target), ()),
            "junk": Key(flag, False),
        },
        repeated=True,
    ),
    "received": Section(
        {
            "subject_template": Key(template, Received().subject_template),
            "attachment_name": Key(template, Received().attachment_name),
            "contacts_file": Key(some_text, ""),
            "fax_back": Key(choice("address", "reply-to", "none"), "address"),
        }
    ),
    "contacts": Section({}, own=(number, some_text)),
    "relay": Section(
        {
            "address": Key(far_address, None),
            "tls": Key(choice("none", "starttls", "implicit"), "none"),
            "cleartext": Key(flag, False),
            "username": Key(text, ""),
            "ca_file": Key(some_text, ""),
            "maildir": Key(some_text, ""),
            "requiretls": Key(flag, False),
            "dkim_domain": Key(domain_or_none, ""),
            "dkim_selector": Key(selector_or_none, ""),
            "dkim_key_file": Key(some_text, ""),
        }
    ),
    "render": Section(
        {
            "cell": Key(choice("full", "good", "low"), "good"),
            "unconfined": Key(flag, False),
            "unsupported": Key(choice("refuse", "name"), "refuse"),
        }
    ),
    "retention": Section(
        {name: Key(at_least(0, int), days) for name, days in dataclasses.asdict(RetentionConfig()).items()}
    ),
    "web": Section({"address": Key(own_address, None), "networks": Key(several(network), None)}),
    "pages": Section(
        {
            "address": Key(own_address, None),
            "url": Key(site_url, ""),
            "certificate": Key(some_text, ""),
            "key": Key(some_text, ""),
            "proxies": Key(several(network), ()),
        }
    ),
    "ldap": Section(
        {
            "url": Key(directory_url, None),
            "bind": Key(bind_name, ""),
            "ca_file": Key(some_text, ""),
        }
    ),
    "oidc": Section(
        {
            "issuer": Key(issuer, None),
            "client_id": Key(some_text, ""),
            "claim": Key(some_text, "email"),
            "ca_file": Key(some_text, ""),
        }
    ),
    "page_user": Section(
        {
            "login": Key(user_name, Required('"anna"')),
            "role": Key(choice("operator", "operator-without-content", "user"), "user"),
            "from": Key(several(mailbox), ()),
            "group": Key(text, ""),
        },
        repeated=True,
    ),
    "limits": Section(
        {
            name: Key(at_least(_LOWEST_LIMITS.get(name, 1), type(default)), default)
            for name, default in dataclasses.asdict(Limits()).items()
        }
    ),
}
