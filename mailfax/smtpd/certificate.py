"""A listener's certificate as it is looked at from outside: until when it is valid, for whom.

In: a PEM file as a listener reads it; its key may stand in it, too. Out: the server's own certificate.
"""

from __future__ import annotations

from pathlib import Path

from asn1crypto import pem, x509


def server_certificate(file: Path) -> x509.Certificate:
    """The first certificate of a file, which is the server's own. Raises ``OSError`` and ``ValueError``."""
    for kind, _, der in pem.unarmor(file.read_bytes(), multiple=True):
        if kind == "CERTIFICATE":
            return x509.Certificate.load(der)
    raise ValueError("there is no certificate in it")
