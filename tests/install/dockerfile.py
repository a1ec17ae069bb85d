"""Runs the steps of the Dockerfile in a bare Debian, then its ENTRYPOINT as its user on a read-only root.

No container engine is needed, so this shows what the file does, and not: that an engine accepts it, its layers and
their cache, the base image (Debian's own Python 3.11 stands in for it, in /usr/local as there), an engine's network,
its seccomp profile.
"""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.install.machine import TOP, Machine, WentWrong
from tests.install.walk import PASSWORD, Walk, tables

#: What is as in the image that FROM names.
BASE = (
    "apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-venv && python3 -m venv /usr/local"
)
#: What "docker run --read-only --tmpfs /tmp" and docker's own defaults mean for a process; the volume is written.
AS_A_CONTAINER = (
    "ReadOnlyPaths=/",
    "TemporaryFileSystem=/tmp:mode=1777",
    "ReadWritePaths=/var/lib/mailfax /dev/shm",
    "InaccessiblePaths=/usr/src",
    "PrivateDevices=yes",
    "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
    "TimeoutStopSec=600",
)


def instructions(file: Path) -> list[tuple[str, str]]:
    """(instruction, words) of a Dockerfile, in order; continued lines joined, comments gone."""
    text = re.sub(r"^\s*#.*\n", "", file.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [
        (line.split(maxsplit=1)[0], line.split(maxsplit=1)[1].strip()) for line in text.splitlines() if line.strip()
    ]


def is_sent(name: str, rules: list[str]) -> bool:
    """Whether .dockerignore lets a file of the repository into the build: the last rule that fits decides."""
    sent = True
    for rule in rules:
        pattern = rule.removeprefix("!").removeprefix("**/")
        parts = [name, *(str(parent) for parent in Path(name).parents if str(parent) != "."), Path(name).name]
        if any(fnmatch.fnmatch(part, pattern) for part in parts):
            sent = rule.startswith("!")
    return sent


class Image:
    """What the instructions make of a machine, and how its process is started."""

    def __init__(self, machine: Machine, context: Path) -> None:
        self.machine, self.context = machine, context
        self.folder, self.user, self.environment = "/", "root", dict[str, str]()
        self.entrypoint: list[str] = []
        self.command: list[str] = []
        self.health: list[str] = []
        self.volume = ""

    def step(self, instruction: str, words: str) -> None:
        """One instruction; those that only describe the image (FROM, EXPOSE) do nothing."""
        match instruction:
            case "RUN":
                self.machine.run(words, self.folder)
            case "WORKDIR":
                self.folder = words
                self.machine.run(f"mkdir -p {words}")
            case "COPY":
                self._copy(*shlex.split(words))
            case "USER":
                self.user = words
            case "ENV":
                name, _, value = words.partition("=")
                self.environment[name] = value
            case "ENTRYPOINT":
                self.entrypoint = json.loads(words)
            case "CMD":
                self.command = json.loads(words)
            case "HEALTHCHECK":
                self.health = json.loads(words[words.index("CMD") + 3 :])
            case "VOLUME":
                self.volume = words
            case "FROM" | "EXPOSE":
                pass
            case _:
                raise WentWrong(f"{instruction} is not known to this walk")

    def _copy(self, *words: str) -> None:
        *sources, target = words
        there = self.machine.root / self.folder.lstrip("/") / target
        if target.endswith("/"):
            there.mkdir(parents=True, exist_ok=True)
        for source in sources:
            found = self.context / source
            if not found.exists():
                raise WentWrong(f"COPY {source}: not in what .dockerignore sends")
            shutil.copytree(found, there, dirs_exist_ok=True) if found.is_dir() else shutil.copy(found, there)

    def execute(self, *command: str) -> str:
        """A command in the running container (docker exec)."""
        environment = [f"{name}={value}" for name, value in self.environment.items()]
        words = [
            "setpriv",
            f"--reuid={self.user}",
            "--init-groups",
            f"--regid={self.user}",
            "env",
            *environment,
            *command,
        ]
        return shlex.join(words)


def send_context(folder: Path) -> None:
    """The committed files that .dockerignore lets through."""
    rules = [line for line in (TOP / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    listed = subprocess.run(["git", "-C", TOP, "ls-files"], capture_output=True, text=True, check=True).stdout
    for name in filter(lambda name: is_sent(name, rules), listed.splitlines()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOP / name, folder / name)


def build_and_run(machine: Machine) -> None:
    steps = Walk(machine)
    steps.do("the base image's Python", BASE)
    with tempfile.TemporaryDirectory() as context:
        send_context(Path(context))
        image = Image(machine, Path(context))
        for instruction, words in instructions(TOP / "Dockerfile"):
            image.step(instruction, words)
            steps.say(f"{instruction} {words[:60]}")
    if image.user == "root":
        raise WentWrong("it runs as root")
    configure(machine)
    options = [part for setting in AS_A_CONTAINER for part in ("-p", setting)]
    options += [part for name, value in image.environment.items() for part in ("-E", f"{name}={value}")]
    options += [
        "-p",
        f"User={image.user}",
        "-p",
        f"WorkingDirectory={image.folder}",
        "-p",
        "EnvironmentFile=/etc/mailfax/docker.env",
    ]
    start = shlex.join(["systemd-run", "-q", "--unit=container", *options, *image.entrypoint, *image.command])
    steps.do("the sandbox", "systemd-run -q --unit=sandbox mailfax sandbox --state /var/tmp/sandbox --speed 600")
    steps.do("ENTRYPOINT, on a read-only root", start)
    healthy = image.execute(*image.health)
    steps.do(
        "the health check",
        f"for i in $(seq 30); do {healthy} && break || sleep 1; done; {healthy} && echo healthy",
        expect="healthy",
    )
    steps.do(
        "its user and its root",
        "cd /proc/$(systemctl show -P MainPID container); stat -c %U .; awk '$5 == \"/\" { print $6 }' mountinfo",
        expect=rf"^{image.user}\nro\b",
    )
    secrets = "set -a; . /etc/mailfax/docker.env; set +a\n"
    steps.do("mailfax check in it", secrets + image.execute("mailfax", "check"), expect="everything works")
    for kind in ("txt", "docx"):
        send = image.execute("mailfax", "send", f"/tmp/first.{kind}", "--to", "5551234567")
        steps.do(f"a fax of first.{kind}", f"cd /tmp; {MAKE[kind]}\n{send}", expect="delivered")
    steps.do("a clean stop", "systemctl stop container; systemctl show -P Result container", expect="success|^$")
    steps.do("not healthy any more", f"! {healthy} 2>/dev/null && echo gone", expect="gone")


MAKE = {
    "txt": "echo 'The first fax' >first.txt",
    "docx": "soffice --headless --convert-to docx first.txt >/dev/null",
}


def configure(machine: Machine) -> None:
    """What docs/install.md says of a container's configuration."""
    written = tables().replace("127.0.0.1:2525", "0.0.0.0:2525") + '\n[web]\naddress = "127.0.0.1:8025"\n'
    folder = machine.root / "etc" / "mailfax"
    folder.mkdir(parents=True)
    (folder / "mailfax.toml").write_text(written)
    (folder / "docker.env").write_text(f"MAILFAX_ACCOUNT_MAIN_PASSWORD={PASSWORD}\n")
