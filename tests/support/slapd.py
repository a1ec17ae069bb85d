"""A real OpenLDAP server on loopback, in a folder of its own, with a certificate and a few people."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from tests.support.ports import free_port
from tests.support.site import listens, until

BASE = "dc=example,dc=com"
CONFIG = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
allow bind_anon_cred bind_anon_dn
security simple_bind=112
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/ldap.crt
TLSCertificateKeyFile {folder}/ldap.key
database mdb
suffix "{base}"
directory {folder}/data
access to attrs=userPassword by anonymous auth by * none
access to * by * read
"""
PERSON = """\
dn: uid={dn},ou={ou},{base}
objectClass: inetOrgPerson
uid: {name}
cn: {name}
sn: X
userPassword: {word}
"""


@dataclass(frozen=True)
class Slapd:
    """``ldap`` and ``ldaps`` are its URLs; ``ca_file`` is who signed its certificate."""

    folder: Path
    ldap: str
    ldaps: str
    ca_file: Path


@contextmanager
def slapd(folder: Path, people: Sequence[tuple[str, str, str]], host: str = "localhost") -> Iterator[Slapd]:
    """With these people: name, unit, password. Its certificate is for ``host``."""
    program = shutil.which("slapd", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    assert program
    authority = trustme.CA()
    issued = authority.issue_cert(host)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "ldap.crt")
    issued.private_key_pem.write_to_path(folder / "ldap.key")
    (folder / "data").mkdir()
    config = folder / "slapd.conf"
    config.write_text(CONFIG.format(folder=folder, base=BASE))
    entries = [f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n"]
    units = {ou for _, ou, _ in people}
    entries += [f"dn: ou={ou},{BASE}\nobjectClass: organizationalUnit\nou: {ou}\n" for ou in sorted(units)]
    entries += [
        PERSON.format(dn=name.replace("+", "\\+"), name=name, ou=ou, base=BASE, word=word)
        for name, ou, word in people
    ]
    (folder / "people.ldif").write_text("\n".join(entries))
    add = [program, "-T", "add", "-f", str(config), "-l", str(folder / "people.ldif")]
    ran = subprocess.run(add, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    plain, secure = free_port(), free_port()
    urls = f"ldap://localhost:{plain}", f"ldaps://localhost:{secure}"
    log = (folder / "slapd.log").open("wb")
    running = subprocess.Popen(
        [program, "-d", "0", "-f", str(config), "-h", " ".join(f"{url}/" for url in urls)], stderr=log
    )
    try:
        until(lambda: listens(plain) and listens(secure), "slapd", (folder / "slapd.log").read_text)
        yield Slapd(folder, *urls, folder / "ca.pem")
    finally:
        running.terminate()
        running.wait(10)
        log.close()
