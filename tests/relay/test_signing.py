"""What leaves us signed is read by two foreign verifiers, and a change of it is seen; what can't be signed goes."""

from __future__ import annotations

import base64
import re
import subprocess
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from mailfax import letters
from mailfax.config import DkimConfig
from mailfax.relay.signing import Signer
from tests.letters import samples

#: Perl's Mail::DKIM, which asks for the key by this record alone.
PERL = r"""
use Mail::DKIM::Verifier; use Mail::DKIM::PublicKey;
my $record = $ARGV[0];
{ no warnings 'redefine'; *Mail::DKIM::PublicKey::fetch_async = sub {
    my ($class, %given) = @_;
    my $key = Mail::DKIM::PublicKey->parse($record);
    my $waiting = $given{Callbacks} || {};
    return sub { return $waiting->{Success} ? $waiting->{Success}->($key) : $key };
}; }
my $reader = Mail::DKIM::Verifier->new;
binmode STDIN;
while (<STDIN>) { $reader->PRINT($_) }
$reader->CLOSE;
print $reader->result_detail, "\n";
"""


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem(key: rsa.RSAPrivateKey, form: str = "TraditionalOpenSSL") -> bytes:
    kind = getattr(serialization.PrivateFormat, form)
    return key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())


def record(key: rsa.RSAPrivateKey) -> bytes:
    """What stands in the DNS."""
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


def signed(key: rsa.RSAPrivateKey, content: bytes) -> bytes:
    return Signer(DkimConfig("example.com", "fax1", pem(key))).signed(content)


def a_notification() -> bytes:
    return letters.relay_clear(samples.SITE, samples.MARKS, since=0.0, said="550 no — ü", waited=3).content


def holds(content: bytes, key: rsa.RSAPrivateKey) -> bool:
    asked: list[bytes] = []

    def answer(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return record(key)

    found = bool(dkim.verify(content, dnsfunc=answer))
    assert asked == [b"fax1._domainkey.example.com."]
    return found


def test_a_notification_is_signed_as_dkimpy_reads_it(key: rsa.RSAPrivateKey) -> None:
    content = a_notification()
    out = signed(key, content)
    assert out.endswith(content) and out.startswith(b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;")
    assert b"\n" not in out.replace(b"\r\n", b""), "lines end as in SMTP"
    assert holds(out, key)
    assert not holds(out.replace(b"\r\nSubject: ", b"\r\nSubject: Not "), key)
    assert not holds(out + b"more\r\n", key)
    assert not holds(b"From: somebody@example.org\r\n" + out, key), "a second From"
    assert not holds(out, rsa.generate_private_key(65537, 2048))


def test_the_key_may_be_in_either_form_of_pem(key: rsa.RSAPrivateKey) -> None:
    signer = Signer(DkimConfig("example.com", "fax1", pem(key, "PKCS8")))
    assert holds(signer.signed(a_notification()), key)


@pytest.mark.needs("perl")
def test_mail_dkim_reads_it_too(key: rsa.RSAPrivateKey, tmp_path: Path) -> None:
    script = tmp_path / "verify.pl"
    script.write_text(PERL)

    def says(content: bytes) -> str:
        command = ["perl", str(script), record(key).decode()]
        done = subprocess.run(command, input=content, capture_output=True, timeout=60, check=False)
        assert not done.returncode, done.stderr.decode()
        return done.stdout.decode().strip()

    out = signed(key, a_notification())
    assert says(out) == "pass"
    assert says(out + b"more\r\n").startswith("fail")
    assert says(re.sub(rb"\r\nSubject: ", b"\r\nSubject: Not ", out)).startswith("fail")


@pytest.mark.parametrize(
    "content", [b"Subject: x\r\n\r\ntext\r\n", b"no mail at all", b"", b"\r\n\r\n", b"From\0: \xff"]
)
def test_what_can_not_be_signed_goes_out_as_it_is(key: rsa.RSAPrivateKey, content: bytes) -> None:
    assert signed(key, content) == content
