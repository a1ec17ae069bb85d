"""Follows docs/install.md on a bare Debian with systemd, word by word.

The commands are read out of the page. What the page leaves to people stands here: the clone, the tables of the
configuration (the README's, with addresses of this machine), the sandbox in the place of FaxCore, and a next version
to upgrade to, which changes the tables of the spool. The first step that fails ends the walk.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from pathlib import Path

from tests.install.machine import TOP, Machine, WentWrong

CLONE = "/usr/src/mailfax"
MAILFAX = "/opt/mailfax/bin/mailfax"
#: What of the README's configuration is not the machine's own.
HERE = {
    "192.168.1.5:2525": "127.0.0.1:2525",
    "192.168.1.0/24": "127.0.0.0/8",
    "https://api.example.com/api/": "http://127.0.0.1:8087/api/",
    'address = "127.0.0.1:25" ': 'maildir = "/var/lib/mailfax/mail" ',
}
PASSWORD = "mypassword"


class Page:
    """The page: its commands, block by block, below each heading."""

    def __init__(self, file: Path) -> None:
        self._sections: dict[str, list[str]] = {}
        for section in re.split(r"^## ", file.read_text(), flags=re.MULTILINE):
            heading, _, text = section.partition("\n")
            self._sections[heading] = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)

    def blocks(self, heading: str) -> list[str]:
        return self._sections[heading]


class Walk:
    """One walk over a machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._began = time.monotonic()

    def do(self, what: str, script: str, *, expect: str = "") -> str:
        """A step; ``expect``: a pattern of what it must say."""
        clone = (self.machine.root / CLONE.lstrip("/")).exists()
        try:
            said = self.machine.run(script, CLONE if clone else "/").stdout
        except WentWrong as wrong:
            journal = self.machine.run("journalctl --no-pager --lines 20", check=False).stdout
            raise WentWrong(f"{what}: {wrong}\n{journal}") from None
        if not re.search(expect, said):
            raise WentWrong(f"{what}: {expect!r} is not in what it said:\n{said[-4000:]}")
        self.say(what)
        return said

    def say(self, what: str) -> None:
        print(f"{time.monotonic() - self._began:4.0f} s  {what}", flush=True)

    def fax(self, block: str) -> None:
        self.do("a fax through the sandbox", block, expect="delivered")


def walk(machine: Machine) -> None:
    page = Page(TOP / "docs" / "install.md")
    steps = Walk(machine)
    [before, converters], [pip, wheel, configure, by_hand, first_fax] = (
        page.blocks("# Install"),
        page.blocks("1. pip"),
    )
    steps.do("Python and git", before)
    steps.do("the converters and fonts", converters)
    publish(machine)
    steps.do("the clone", f"git clone -q /srv/mailfax.git {CLONE}")
    steps.do("pip, from the clone", pip)
    steps.do("pip, from a wheel", wheel)
    steps.do("the configuration", configure)
    write_tables(machine)
    steps.do("the sandbox", f"systemd-run -q --unit=sandbox {MAILFAX} sandbox --state /var/tmp/sandbox --speed 600")
    check, serve = by_hand.splitlines()
    steps.do("check, before anything ran", check, expect="everything works")
    steps.do("the service by hand", f"systemd-run -q --unit=by-hand {serve}")
    machine.run("timeout 60 sh -c 'until journalctl -u by-hand | grep -q ready; do sleep 0.2; done'")
    steps.fax(first_fax)
    steps.do("the service by hand ends", "systemctl stop by-hand")

    [unit] = page.blocks("2. systemd")
    steps.do("the unit", unit, expect="mailfax 0.1.0 is ready")
    steps.fax(first_fax)
    steps.do(
        "it runs as nobody's user, with the spool its own and one capability",
        "cd /proc/$(systemctl show -P MainPID mailfax)\n"
        "stat -c 'uid %u' . /var/lib/private/mailfax; stat -c %a /var/lib/private/mailfax; grep CapEff status",
        expect=r"uid (6\d{4})\nuid \1\n700\nCapEff:\s+0000000000000400\n",
    )
    lend(steps)
    security = steps.do("systemd-analyze security", "systemd-analyze security mailfax | tail -1", expect="OK|MEDIUM")
    print(f"        {security.strip()}")

    [upgrade], [rollback] = page.blocks("Upgrade"), page.blocks("Rollback")
    release_next(machine)
    steps.do("the upgrade", upgrade, expect="everything works")
    steps.do("it is the next version", f"{MAILFAX} --version", expect=r"0\.1\.1")
    steps.fax(first_fax)
    steps.do("the rollback", rollback, expect="everything works")
    steps.do("it is the old version", f"{MAILFAX} --version", expect=r"0\.1\.0")
    steps.fax(first_fax)
    steps.do("a clean stop", "systemctl stop mailfax; systemctl show -P Result mailfax", expect="success")


def publish(machine: Machine) -> None:
    """The repository as it is committed, for the machine to clone, with the tag of this version."""
    bare = machine.root / "srv" / "mailfax.git"
    _git("clone", "-q", "--bare", "--single-branch", str(TOP), str(bare))
    _git("--git-dir", str(bare), "tag", "v0.1.0")
    machine.run("git config --global --add safe.directory '*'")


def tables() -> str:
    """The configuration of the README, for this machine and the sandbox."""
    [written] = re.findall(r"```toml\n(.*?)```", (TOP / "README.md").read_text(), re.DOTALL)
    for there, here in HERE.items():
        if there not in written:
            raise WentWrong(f"the README has no {there}")
        written = written.replace(there, here)
    return written


def write_tables(machine: Machine) -> None:
    """What the page leaves to people: their tables, and their password."""
    (machine.root / "etc/mailfax/mailfax.toml").write_text(tables())
    env = machine.root / "etc/mailfax/.env"
    env.write_text(re.sub("'the password of the account.*'", f"'{PASSWORD}'", env.read_text()))


def local_settings() -> tuple[str, str]:
    """What the page has a person write beside the unit: the file, its content."""
    [(written, name)] = re.findall(r"```ini\n(# (/\S+).*?)```", (TOP / "docs" / "install.md").read_text(), re.DOTALL)
    return name, written


def lend(steps: Walk) -> None:
    """The passwords and a TLS key that only root may read, lent by systemd as the page says."""
    steps.do(
        "a key that only root may read",
        "mkdir -p /etc/ssl/private && openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=fax.example.com"
        " -addext subjectAltName=DNS:fax.example.com -keyout /etc/ssl/private/fax.key -out /etc/ssl/fax.pem"
        " && chmod 600 /etc/ssl/private/fax.key",
    )
    config = steps.machine.root / "etc/mailfax/mailfax.toml"
    tls = 'tls = "starttls"\ncertificate = "/etc/ssl/fax.pem"\nkey = "/etc/ssl/private/fax.key"\n'
    config.write_text(
        config.read_text().replace('address = "127.0.0.1:2525"\n', f'address = "127.0.0.1:2525"\n{tls}')
    )
    name, settings = local_settings()
    file = steps.machine.root / name.lstrip("/")
    file.parent.mkdir()
    file.write_text(settings)
    steps.do(
        "both are lent by systemd",
        f"systemctl daemon-reload\nsystemctl restart mailfax\n{MAILFAX} check\n"
        "tr '\\0' '\\n' </proc/$(systemctl show -P MainPID mailfax)/environ",
        expect=r"everything works(?![\s\S]*PASSWORD)",
    )
    steps.do(
        "mailfax reload", f"{MAILFAX} reload; systemctl reload mailfax; systemctl is-active mailfax", expect="active"
    )


def release_next(machine: Machine) -> None:
    """A next version, which changes the tables of the spool, where "git pull" finds it."""
    with tempfile.TemporaryDirectory() as folder:
        bare = machine.root / "srv" / "mailfax.git"
        _git("clone", "-q", str(bare), folder)
        for file in (Path(folder) / "pyproject.toml", Path(folder) / "mailfax" / "__init__.py"):
            file.write_text(
                re.sub(r'^((?:__)?version(?:__)? = )"0\.1\.0"', r'\1"0.1.1"', file.read_text(), flags=re.MULTILINE)
            )
        migrations = Path(folder) / "mailfax" / "spool" / "migrations"
        number = len({file.name[:4] for file in migrations.glob("*.sql")}) + 1
        (migrations / f"{number:04}_next.sql").write_text(
            "-- What the next version keeps.\n\nCREATE TABLE next (one INTEGER);\n"
        )
        _git("-C", folder, "add", "-A")
        _git("-C", folder, "-c", "user.name=walk", "-c", "user.email=walk@example.com", "commit", "-qm", "0.1.1")
        _git("-C", folder, "push", "-q")


def _git(*words: str) -> None:
    subprocess.run(["git", *words], check=True)
