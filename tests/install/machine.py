"""A bare Debian machine in a folder, with systemd as its process 1: what an administrator starts from.

In: a folder. Out: a machine on this one's kernel and network, with processes, mounts, cgroups and a host name of its
own; ``run`` does there what a person types. ``close`` ends all of it.

It needs root, and debootstrap. Packages are kept in ``var/debian``. What this machine trusts and how it reaches pip's
index (certificates, pip.conf, resolv.conf) goes along.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
KEPT = TOP / "var" / "debian"
BASE = KEPT / "base.tar"
RELEASE, MIRROR = "bookworm", "http://deb.debian.org/debian"
#: What every Debian installation has, and the smallest root has not.
STANDARD = ("ca-certificates", "systemd", "systemd-sysv", "dbus")
OF_THIS_MACHINE = ("/etc/resolv.conf", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
CGROUP = Path("/sys/fs/cgroup")
#: $1: the root; $2: the packages that are kept. The kernel's settings are only to be read there.
BOOT = """
mount --bind "$1" "$1"
mount --bind "$2" "$1/var/cache/apt/archives"
mount -t proc proc "$1/proc"
mount --bind "$1/proc/sys" "$1/proc/sys"
mount -o remount,bind,ro "$1/proc/sys"
mount -t sysfs -o ro sysfs "$1/sys"
mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$1/dev"
for device in null zero full random urandom tty; do
    touch "$1/dev/$device"
    mount --bind "/dev/$device" "$1/dev/$device"
done
mkdir "$1/dev/pts" "$1/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$1/dev/pts"
mount -t tmpfs tmpfs "$1/dev/shm"
ln -s pts/ptmx "$1/dev/ptmx"
ln -s /proc/self/fd "$1/dev/fd"
ln -s /proc/self/fd/0 "$1/dev/stdin"
ln -s /proc/self/fd/1 "$1/dev/stdout"
ln -s /proc/self/fd/2 "$1/dev/stderr"
mount -t tmpfs -o mode=755 tmpfs "$1/run"
mount -t tmpfs tmpfs "$1/tmp"
mkdir -p "$1/before"
cd "$1"
pivot_root . before
umount -l /before
# As the kernel's own process 1 has it: what systemd mounts for one service is to be seen from the others.
mount --make-rshared /
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /sbin/init multi-user.target
"""


class CannotBeMade(Exception):
    """Why there is no such machine here; the message is for people."""


class Machine:
    """One machine; ``root`` is its file system as it is seen from here, until it runs and after."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._apart: subprocess.Popen[bytes] | None = None
        self._process = 0
        self._cgroup = _own_cgroup()

    def make(self) -> None:
        """Debian's smallest system, with what every installation has; made once and kept."""
        if not BASE.exists():
            KEPT.mkdir(parents=True, exist_ok=True)
            _do(
                *("debootstrap", "--variant=minbase", f"--include={','.join(STANDARD)}", f"--cache-dir={KEPT}"),
                *(RELEASE, str(self.root), MIRROR),
            )
            _do("tar", "--create", "--one-file-system", "--directory", str(self.root), "--file", f"{BASE}.new", ".")
            Path(f"{BASE}.new").rename(BASE)
        else:
            self.root.mkdir()
            _do("tar", "--extract", "--directory", str(self.root), "--file", str(BASE))
        for file in map(Path, OF_THIS_MACHINE):
            if file.exists():
                shutil.copy(file, self.root / file.relative_to("/"))
        (self.root / "etc" / "hostname").write_text("fax\n")
        (self.root / "etc" / "hosts").write_text("127.0.0.1 localhost\n127.0.1.1 fax.example.com fax\n")

    def boot(self) -> None:
        """Start it; returns when systemd has started everything."""
        self._cgroup.mkdir()
        command = ["unshare", "--mount", "--propagation=private", "--pid", "--ipc", "--uts", "--cgroup", "--fork"]
        inner = [*command, "--kill-child", "bash", "-euc", BOOT, "boot", str(self.root), str(KEPT)]
        # First into the cgroup, so that the machine sees nothing above it.
        entered = ["bash", "-euc", 'echo $$ >"$0/cgroup.procs"; exec "$@"', str(self._cgroup), *inner]
        with (self.root.parent / "boot.log").open("wb") as log:
            self._apart = subprocess.Popen(entered, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while self._state() not in ("running", "degraded"):
            if time.monotonic() > deadline or self._apart.poll() is not None:
                raise CannotBeMade(f"it did not start: {(self.root.parent / 'boot.log').read_text()}")
            time.sleep(0.2)

    def _state(self) -> str:
        assert self._apart is not None
        children = Path(f"/proc/{self._apart.pid}/task/{self._apart.pid}/children").read_text().split()
        if not children:
            return ""
        self._process = int(children[0])
        return self.run("systemctl is-system-running", check=False).stdout.strip()

    def run(self, script: str, folder: str = "/", *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Do there, as root, what is written here; what it says. Raises ``WentWrong``."""
        ran = subprocess.run(
            [
                *("nsenter", "--target", str(self._process), "--all", "env", "-i", "HOME=/root", "LC_ALL=C.UTF-8"),
                *(
                    "DEBIAN_FRONTEND=noninteractive",
                    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                ),
                *("bash", "-euo", "pipefail", "-c", f"cd {folder}\n{script}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=900,
            check=False,
        )
        if check and ran.returncode:
            raise WentWrong(f"status {ran.returncode}\n{ran.stdout[-6000:]}")
        return ran

    def close(self) -> None:
        """End every process of it."""
        if self._apart is not None:
            self._apart.kill()
            self._apart.wait()
        for _ in range(50):  # its last processes are a moment in dying
            with suppress(OSError):
                for folder in (*_below(self._cgroup), self._cgroup):
                    folder.rmdir()
                return
            time.sleep(0.1)


class WentWrong(Exception):
    """What a command said that did not end well."""


def _own_cgroup() -> Path:
    """A cgroup for the machine; on a kernel with both kinds, in the newer one."""
    top = next((folder for folder in (CGROUP, CGROUP / "unified") if (folder / "cgroup.procs").exists()), None)
    if top is None:
        raise CannotBeMade(f"systemd needs cgroups of version 2 in {CGROUP}")
    return top / f"machine-{time.monotonic_ns()}"


def _below(folder: Path) -> Sequence[Path]:
    return sorted((found for found in folder.rglob("*") if found.is_dir()), reverse=True) if folder.exists() else ()


def _do(*command: str) -> None:
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if ran.returncode:
        raise CannotBeMade(f"{command[0]}: {ran.stdout[-2000:]}")
