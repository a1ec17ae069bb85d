"""The key of a DKIM signature, as its domain publishes it.

In: the tags of a signature. Out: what verifies with the key, or ``Bad``. The record is a stranger's: a key of its own
making must not cost us more than a real one.

STANDARDS: RFC 6376 3.6.1 (the record), RFC 8301 3.2 (RSA keys of 1024 bits at least), RFC 8463 (Ed25519).
LIMITS: RSA keys of at most 4096 bits.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

import nacl.exceptions
import nacl.signing
from dkim.crypto import DigestTooLargeError, RSASSA_PKCS1_v1_5_verify, UnparsableKeyError, parse_public_key
from dkim.util import InvalidTagValueList, parse_tag_value

from mailfax.proof.questions import Questions

#: Algorithm of the signature -> kind of key. RFC 8301 3.1: rsa-sha1 is not to be accepted.
KEY_KINDS = {b"rsa-sha256": b"rsa", b"ed25519-sha256": b"ed25519"}
FEWEST_BITS, MOST_BITS = 1024, 4096
#: Python's pow() holds the whole process while it counts: seconds, where modulus and exponent have 3 KB each.
LARGEST_EXPONENT = 1 << 33

#: (a ``hashlib`` object with the header in it, the signature) -> whether it holds.
Holds = Callable[[Any, bytes], bool]


class Bad(Exception):
    """The signature proves nothing; the text says why."""


def ask_key(tags: dict[bytes, bytes], questions: Questions) -> Holds:
    """The key of a signature with these tags; raises ``Bad``, and as ``Questions.ask`` does."""
    domain = tags[b"d"].lower()
    name = f"{tags[b's'].decode('ascii')}._domainkey.{domain.decode('ascii')}"
    records = questions.ask(name, "TXT")
    if len(records) != 1:
        raise Bad("several keys are published" if records else "its key is not published")
    try:
        key = parse_tag_value(records[0].encode("latin-1"))
        material = base64.b64decode(re.sub(rb"\s+", b"", key.get(b"p", b"")), validate=True)
    except (InvalidTagValueList, binascii.Error):
        raise Bad("its key is malformed") from None
    kind, flags = key.get(b"k", b"rsa"), _listed(key.get(b"t", b""))
    if not material:
        raise Bad("its key is revoked")
    if key.get(b"v", b"DKIM1") != b"DKIM1" or kind != KEY_KINDS[tags[b"a"]]:
        raise Bad("its key is of another kind")
    if not {b"*", b"email"} & _listed(key.get(b"s", b"*")) or b"sha256" not in _listed(key.get(b"h", b"sha256")):
        raise Bad("its key is not for mail, or not for SHA-256")
    if b"y" in flags:  # "MUST NOT treat … differently from unsigned email"
        raise Bad("its key is marked as a test")
    if b"s" in flags and tags.get(b"i", b"@" + domain).rpartition(b"@")[2].lower() != domain:
        raise Bad("its key is not for subdomains")
    return _rsa(material) if kind == b"rsa" else _ed25519(material)


def _listed(value: bytes) -> set[bytes]:
    return {word.strip() for word in value.split(b":")}


def _rsa(material: bytes) -> Holds:
    try:
        key = parse_public_key(material)
    except (UnparsableKeyError, LookupError, TypeError, ValueError):
        raise Bad("its key is malformed") from None
    bits = key["modulus"].bit_length()
    if not FEWEST_BITS <= bits <= MOST_BITS:
        raise Bad(f"its key has {bits} bits")
    if not 1 < key["publicExponent"] < LARGEST_EXPONENT:
        raise Bad("its key has an odd exponent")

    def holds(digest: Any, signature: bytes) -> bool:
        if len(signature) > (bits + 7) // 8:
            return False
        try:
            return bool(RSASSA_PKCS1_v1_5_verify(digest, signature, key))
        except DigestTooLargeError:
            return False

    return holds


def _ed25519(material: bytes) -> Holds:
    try:
        key = nacl.signing.VerifyKey(material)
    except (nacl.exceptions.CryptoError, ValueError, TypeError):
        raise Bad("its key is malformed") from None

    def holds(digest: Any, signature: bytes) -> bool:
        try:
            key.verify(digest.digest(), signature)
        except (nacl.exceptions.CryptoError, ValueError, TypeError):
            return False
        return True

    return holds
