"""A Debian machine over this one: its files are this machine's, what it writes is its own and gone with it.

In: a package that can't be installed here (mail servers exclude each other), files, and a script. Out: the script's
process, which sees the package installed as ``dpkg`` does it, users and all, and this machine's network. Ending the
process ends whatever it has started.

``scripts/test`` downloads the packages of ``tests/peers/packages.txt`` with what they need beyond this machine's own;
where they are missing, or nobody may mount, the test is skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

DOWNLOADED = Path(__file__).resolve().parents[2] / "var" / "packages"
#: Namespaces of its own for mounts and processes; when this command dies, so does all in them.
APART = ("unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child")
#: $1: an empty folder; $2: the packages; $3: files to be laid over the root. What is written stays in memory.
ENTER = """
mount -t tmpfs none "$1"
mkdir "$1/written" "$1/work" "$1/machine"
mount -t overlay none -o "lowerdir=/,upperdir=$1/written,workdir=$1/work" "$1/machine"
mount -t proc proc "$1/machine/proc"
mount --rbind /dev "$1/machine/dev"
cp -r "$2" "$1/machine/packages"
printf '#!/bin/sh\\nexit 101\\n' >"$1/machine/usr/sbin/policy-rc.d"  # no daemon starts by itself
chmod 755 "$1/machine/usr/sbin/policy-rc.d"
chroot "$1/machine" sh -c 'DEBIAN_FRONTEND=noninteractive dpkg --install --no-triggers \\
    --force-conflicts --force-overwrite --force-confdef /packages/*.deb </dev/null'
cp -rT "$3" "$1/machine"
exec chroot "$1/machine" bash -eux /script
"""


@contextmanager
def machine_with(
    package: str, folder: Path, files: Mapping[str, bytes], script: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``script`` on a machine with the package; its output goes to ``machine.log`` of ``folder``.

    ``files``: absolute name -> content, which win over what the package brings.
    """
    skip_where_there_is_none(package)
    laid, root = folder / "laid", folder / "over"
    root.mkdir()
    for name, content in {**files, "/script": script.encode()}.items():
        file = laid / name.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    command = [*APART, "bash", "-eu", "-c", ENTER, "enter", str(root), str(DOWNLOADED / package), str(laid)]
    with (folder / "machine.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def skip_where_there_is_none(package: str) -> None:
    """Skip the test where such a machine can't be made, and say why."""
    if os.geteuid() != 0 or shutil.which("dpkg") is None:
        pytest.skip(f"needs root on Debian: {package} is installed over this machine")
    if not any((DOWNLOADED / package).glob("*.deb")):
        pytest.skip(f"needs the package {package}; scripts/test downloads it")
    tried = subprocess.run([*APART, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip(f"needs the right to mount: {tried.stderr.decode().strip()}")
