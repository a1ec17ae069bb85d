"""What was put into a signature is taken out of it: S/MIME that encloses what it signs, PGP text in clear.

In: octets or text. Out: what was signed. Nothing is verified: a fax shows what was written, not who wrote it.

STANDARDS: RFC 8551 3.5.2 (application/pkcs7-mime with signed-data), RFC 5652 5, RFC 4880 7 (cleartext signatures).
"""

from __future__ import annotations

import binascii
import re

from asn1crypto import cms

_CLEAR = re.compile(
    r"^-----BEGIN PGP SIGNED MESSAGE-----[ \t]*\n(?:[A-Za-z-]+:[^\n]*\n)*\n?(.*?)\n?"
    r"^-----BEGIN PGP SIGNATURE-----[ \t]*\n.*?^-----END PGP SIGNATURE-----[ \t]*$\n?",
    re.MULTILINE | re.DOTALL,
)
#: No text has more; each is looked through to its end.
MOST_SIGNED = 50
ENCRYPTED_TEXT = re.compile(r"^-----BEGIN PGP MESSAGE-----[ \t]*$", re.MULTILINE)


def signed_content(content: bytes) -> bytes | None:
    """What S/MIME signed-data encloses, b"" where that is nothing; None where it can't be read."""
    if content[:1] != b"\x30":
        try:
            content = binascii.a2b_base64(re.sub(rb"-----[^-\n]*-----", b"", content))
        except binascii.Error:
            return None
    try:
        envelope = cms.ContentInfo.load(content)
        if envelope["content_type"].native != "signed_data":
            return None
        inner = envelope["content"]["encap_content_info"]["content"]
        return inner.native if isinstance(inner.native, bytes) else b"" if inner.native is None else None
    except (ValueError, TypeError, KeyError):
        return None


def without_clear_signature(text: str) -> tuple[str, int]:
    """A text without the armour of PGP clear signatures (RFC 4880 7), and how many there were."""
    if not 0 < text.count("-----BEGIN PGP SIGNED MESSAGE") <= MOST_SIGNED:
        return text, 0
    return _CLEAR.subn(lambda block: re.sub(r"^- ", "", block[1], flags=re.MULTILINE) + "\n", text)
