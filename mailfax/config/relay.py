"""Where our mail goes, and by which key it is signed: ``[relay]``.

In: the table as it was read, the environment. Out: ``RelayConfig``. Raises ``ConfigError``.

STANDARDS: RFC 8301 3.2 (keys of 2048 bits; shorter ones are for reading old signatures).
"""

from __future__ import annotations

from collections.abc import Mapping

from mailfax.config.keys import SECTIONS
from mailfax.config.places import is_loopback
from mailfax.config.tables import Part
from mailfax.config.values import DkimConfig, RelayConfig

_LEAST_BITS = 2048


def read_relay(part: Part, top: Part, secrets: Mapping[str, str] | None) -> RelayConfig:
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
    if part["requiretls"] and part["tls"] == "none":
        part.refuse("requiretls", 'stands beside tls = "none"; write tls = "starttls" or "implicit"')
    password = secrets.get("MAILFAX_RELAY_PASSWORD", "") if secrets else ""
    if secrets is not None and part["username"] and not password:
        part.refuse("username", "its password is missing; set MAILFAX_RELAY_PASSWORD in the environment or in .env")
    return RelayConfig(
        host=host,
        port=port,
        tls=part["tls"],
        username=part["username"],
        password=password,
        ca_file=part.authorities(),
        cleartext=part["cleartext"],
        requiretls=part["requiretls"],
        dkim=_dkim(part, top["postmaster"].rpartition("@")[2]),
    )


def _dkim(part: Part, from_domain: str) -> DkimConfig | None:
    """The key is tried here, so that no mail waits for it later."""
    keys = ("dkim_domain", "dkim_selector", "dkim_key_file")
    if not any(part[key] for key in keys):
        return None
    for key in keys:
        if not part[key]:
            part.refuse(key, f"is missing; {', '.join(keys)} belong together")
    # Our notifications are from the postmaster (RFC 7489 3.1: aligned, by the same domain or one above it).
    if not f".{from_domain}".endswith(f".{part['dkim_domain']}"):
        text = (
            f'"{part["dkim_domain"]}" is not the domain of postmaster, or above it: no reader would take it for ours'
        )
        part.refuse("dkim_domain", f'{text}; write "{from_domain}"')
    path = part.path("dkim_key_file")
    assert path is not None
    content = path.read_bytes().replace(b"\r\n", b"\n")
    how = 'write the path of what "openssl genrsa 2048" prints'
    # Slow to import, and most sites sign elsewhere.
    from dkim.crypto import UnparsableKeyError, parse_pem_private_key

    try:
        modulus = parse_pem_private_key(content)["modulus"]
    except (UnparsableKeyError, ValueError, TypeError, IndexError, KeyError):
        part.refuse("dkim_key_file", f'"{path}" is no RSA key in PEM without a password; {how}')
    if modulus.bit_length() < _LEAST_BITS:
        part.refuse("dkim_key_file", f'"{path}" has {modulus.bit_length()} bits, and {_LEAST_BITS} are safe; {how}')
    return DkimConfig(part["dkim_domain"], part["dkim_selector"], content)
