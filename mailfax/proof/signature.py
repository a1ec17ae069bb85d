"""One DKIM signature: whether it is whole, still valid, and covers ``From:`` and every octet of the body.

In: the header fields, one DKIM-Signature of them, the body as a callable that hashes it. Out: nothing, or ``Bad``.
The body is hashed last, only for a signature whose header part holds. ``dkimpy`` reads tags, keys and canonical
headers; what it leaves open (RFC 8301, ``x=`` and ``l=`` to the letter, hostile input) is decided here.

STANDARDS: RFC 6376, RFC 8301 (no SHA-1).
LIMITS: at most 200 signed fields; ``l=`` only where it leaves nothing unsigned.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dkim
from dkim.canonicalization import CanonicalizationPolicy, InvalidCanonicalizationPolicyError
from dkim.util import parse_tag_value

from mailfax.proof.author import Field, unfold
from mailfax.proof.key import KEY_KINDS, Bad, ask_key
from mailfax.proof.questions import Questions

#: (relaxed) -> (SHA-256 of the canonical body, its length). Raises ``Temporary`` where the time is over.
Body = Callable[[bool], tuple[bytes, int]]

MOST_NAMES = 200
_LABEL = rb"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DOMAIN = re.compile(rb"(?:%b\.)*%b" % (_LABEL, _LABEL))


@dataclass(frozen=True, slots=True)
class Signature:
    """One DKIM-Signature field. ``domain`` is its ``d=``, in lower case."""

    field: Field
    tags: dict[bytes, bytes]
    domain: str


def read_signatures(fields: list[Field]) -> list[Signature]:
    """The signatures that can be read, topmost first."""
    found = []
    for field in fields:
        if field[0].lower() == b"dkim-signature":
            try:
                # Runs of blanks mean nothing in a tag, and cost dkimpy's patterns the square of their length.
                tags = parse_tag_value(re.sub(rb"\s+", b" ", unfold(field[1])))
            except dkim.util.InvalidTagValueList:
                continue
            if _DOMAIN.fullmatch(tags.get(b"d", b"")):
                found.append(Signature(field, tags, tags[b"d"].decode("ascii").lower()))
    return found


def check_signature(
    signature: Signature, fields: list[Field], body: Body, questions: Questions, *, now: float
) -> None:
    """Returns where the signature holds; raises ``Bad``, and as ``Questions.ask`` does.

    dkimpy may raise anything on input made to hurt it: for the caller that is no pass.
    """
    tags = signature.tags
    names = _check_tags(tags, now)
    policy = _canonicalization(tags)
    holds = ask_key(tags, questions)
    if not holds(_header_digest(policy, fields, names, signature.field), _decode(tags[b"b"])):
        raise Bad("the signature of the header does not hold")
    found, length = body(policy.body_algorithm.name == b"relaxed")
    # RFC 6376 8.2: what stands behind l= can be written by anybody, and would be faxed. A larger one is an error.
    if b"l" in tags and int(tags[b"l"]) != length:
        raise Bad("it leaves a part of the body unsigned (l=)")
    if found != _decode(tags[b"bh"]):
        raise Bad("the body was changed after it was signed")


def _check_tags(tags: dict[bytes, bytes], now: float) -> list[bytes]:
    """The names in ``h=``, in lower case."""
    try:
        dkim.validate_signature_fields(tags)
    except (dkim.ValidationError, ValueError):
        raise Bad("the signature is malformed") from None
    if tags[b"a"] not in KEY_KINDS:
        raise Bad("it is signed with SHA-1")
    if b"x" in tags and int(tags[b"x"]) <= now:
        raise Bad("the signature has expired")
    if not _DOMAIN.fullmatch(tags[b"s"]) or not tags.get(b"l", b"0").isdigit():
        raise Bad("the signature is malformed")
    names = [name.strip().lower() for name in tags[b"h"].split(b":")]
    if b"from" not in names:
        raise Bad("From is not signed")
    if len(names) > MOST_NAMES:
        raise Bad(f"it signs more than {MOST_NAMES} fields")
    return names


def _canonicalization(tags: dict[bytes, bytes]) -> CanonicalizationPolicy:
    try:
        return CanonicalizationPolicy.from_c_value(tags.get(b"c", b"simple/simple").lower())
    except InvalidCanonicalizationPolicyError:
        raise Bad("the signature is malformed") from None


def _header_digest(policy: CanonicalizationPolicy, fields: list[Field], names: list[bytes], own: Field) -> Any:
    """SHA-256 of the signed fields and of the signature itself without its value (RFC 6376 3.7)."""
    sha256 = hashlib.sha256()
    for name, value in dkim.select_headers(policy.canonicalize_headers(fields), names):
        sha256.update(name + b":" + value)
    [(name, value)] = policy.canonicalize_headers([(own[0], _without_value(own[1]))])
    sha256.update(name + b":" + value.removesuffix(b"\r\n"))
    return sha256


def _without_value(field: bytes) -> bytes:
    """The signature with an empty ``b=``, and its blanks and folds as they were."""
    parts = [part.partition(b"=") for part in field.split(b";")]
    return b";".join(name + equals + (b"" if name.strip() == b"b" else value) for name, equals, value in parts)


def _decode(text: bytes) -> bytes:
    try:
        return base64.b64decode(re.sub(rb"\s+", b"", text), validate=True)
    except binascii.Error:
        raise Bad("the signature is malformed") from None
