"""The compose files: docker-compose takes them, and what they name is there. No container engine is needed."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from mailfax.cli import build_parser
from mailfax.config import load
from mailfax.rules.policy import Policy
from tests.install.dockerfile import instructions
from tests.structure.packages import TOP

CONFIG = TOP / "config"
FILES = sorted(CONFIG.glob("compose*.yml"))
IMAGE = dict(instructions(TOP / "Dockerfile"))


def services(file: Path) -> dict[str, dict[str, Any]]:
    read: dict[str, dict[str, Any]] = yaml.safe_load(file.read_text())["services"]
    return read


OURS = [
    pytest.param(file, service, id=f"{file.stem} {name}")
    for file in FILES
    for name, service in services(file).items()
    if service["image"].startswith("mailfax:")
]


@pytest.mark.needs("docker-compose")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_docker_compose_takes_it(file: Path, tmp_path: Path) -> None:
    """Its check goes by the JSON schema of the compose specification; the file of passwords is made here."""
    (tmp_path / "docker.env").write_text("MAILFAX_ACCOUNT_MAIN_PASSWORD=secret\n")
    (tmp_path / file.name).write_text(file.read_text().replace("/etc/mailfax/docker.env", "docker.env"))
    command = ["docker-compose", "--file", tmp_path / file.name, "config", "--quiet"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]})
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.parametrize(("file", "service"), OURS)
def test_our_services_have_what_they_name(file: Path, service: dict[str, Any]) -> None:
    assert "build" not in service or (file.parent / service["build"] / "Dockerfile").is_file()
    build_parser().parse_args(service.get("command", ["serve"]))
    assert service["read_only"] and service["tmpfs"] == ["/tmp"]
    places = [volume.split(":")[:2] for volume in service["volumes"]]
    assert all((file.parent / source).is_file() for source, _ in places if source.startswith("."))
    assert IMAGE["VOLUME"] in [target for _, target in places]
    if "command" not in service:
        config = IMAGE["ENV"].partition("=")[2]
        assert any(target in (config, str(Path(config).parent)) for _, target in places)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_whoever_shares_a_volume_has_it_in_one_place(file: Path) -> None:
    declared = yaml.safe_load(file.read_text())["volumes"]
    used: dict[str, set[str]] = {}
    for service in services(file).values():
        for volume in service.get("volumes", ()):
            source, target = volume.split(":")[:2]
            if not source.startswith((".", "/")):
                used.setdefault(source, set()).add(target)
    assert used.keys() == declared.keys()
    assert used.get("socket", {"/var/run/postgresql"}) == {"/var/run/postgresql"}, "where both look for it"


def test_the_demo_s_configuration_is_one() -> None:
    demo = services(CONFIG / "compose.demo.yml")
    config = load(CONFIG / "compose.demo.toml", environ=demo["mailfax"]["environment"])
    assert Policy.of(config)
    # One loopback for all: the sandbox, the mailbox, and what is asked whether mailfax is well.
    assert demo["mailfax"]["network_mode"] == demo["sandbox"]["network_mode"] == "service:mailbox"
    assert config.accounts[0].base_url == f"http://{demo['sandbox']['command'][2]}/api/"
    assert f"{config.relay.host}:{config.relay.port}" == demo["mailbox"]["environment"]["MP_SMTP_BIND_ADDR"]
    assert f"127.0.0.1:{config.listeners[0].port}:{config.listeners[0].port}" in demo["mailbox"]["ports"]
    [subnet] = yaml.safe_load((CONFIG / "compose.demo.yml").read_text())["networks"]["demo"]["ipam"]["config"]
    assert subnet["subnet"] in map(str, config.listeners[0].networks)


def test_what_compose_yml_says_to_write_is_a_configuration(tmp_path: Path) -> None:
    said = (CONFIG / "compose.yml").read_text()
    [url] = re.findall(r'\[spool\] url = ("[^"]+")', said)
    demo = (CONFIG / "compose.demo.toml").read_text().replace('"sqlite:////var/lib/mailfax/spool.db"', url)
    (tmp_path / "mailfax.toml").write_text(demo)
    config = load(tmp_path / "mailfax.toml", environ={"MAILFAX_ACCOUNT_MAIN_PASSWORD": "secret"})
    assert config.spool.url.startswith("postgresql:")
    [port] = re.findall(r"127\.0\.0\.1:(\d+)", said)
    assert f"127.0.0.1:{port}/healthz" in IMAGE["HEALTHCHECK"]
