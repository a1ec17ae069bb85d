"""docs/howto/monitor.md, followed: a real Prometheus scrapes a bridge, and each panel of the dashboard has data."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from tests.structure.packages import TOP
from tests.support import documents
from tests.support.ports import free_port
from tests.support.site import Site, until

PAGE = (TOP / "docs" / "howto" / "monitor.md").read_text()
TLS = """
[[listener]]
name = "tls"
address = "127.0.0.1:{port}"
networks = ["127.0.0.0/8"]
tls = "starttls"
certificate = "{pem}"
key = "{pem}"
"""


def block(language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


class Watched:
    """A bridge, and the Prometheus that watches it as the page says."""

    def __init__(self, folder: Path) -> None:
        self.site = Site(folder)
        self.web, self.port = free_port(), free_port()
        pem = folder / "fax.pem"
        trustme.CA().issue_cert("fax.example.com").private_key_and_cert_chain_pem.write_to_path(pem)
        web = block("toml").replace("8025", str(self.web))
        self.site.settings["more"] = web + TLS.format(port=free_port(), pem=pem)

    def start(self) -> None:
        folder = self.site.folder
        self.site.start_sandbox()
        self.bridge = self.site.start_installed()
        shutil.copy(TOP / "config" / "alerts.yml", folder)
        settings = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}}
        settings |= yaml.safe_load(block("yaml").replace("8025", str(self.web)))
        (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
        command = ["promtool", "check", "config", folder / "prometheus.yml"]
        checked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        self.site.start_program(
            *("prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb"),
            *(f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"),
            log="prometheus.log",
        )

    def ask(self, what: str, **query: str) -> Any:
        """The data of an answer of Prometheus' own interface."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{what}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as reply:
                return json.load(reply)["data"]
        except OSError:
            return None  # it is just starting

    def rules(self) -> list[dict[str, Any]]:
        groups = until(lambda: (self.ask("rules") or {}).get("groups"), "the rules")
        return [rule for group in groups for rule in group["rules"]]

    def alarms(self) -> list[str]:
        """The rules that hold, whether for long enough or not yet."""
        return [rule["name"] for rule in self.rules() if rule["state"] != "inactive"]

    def query(self, expression: str) -> list[Any]:
        found = self.ask("query", query=expression)
        return list(found["result"]) if found else []


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    here = Watched(tmp_path_factory.mktemp("watched"))
    try:
        here.start()
        here.site.send("15557651234", "15555550102")  # one is delivered, one fails
        here.site.drop_in(documents.tiff(1))
        here.site.answers(1)
        yield here
    finally:
        here.site.close()


def expressions() -> list[str]:
    """What the panels of the dashboard ask."""
    panels = json.loads((TOP / "config" / "dashboard.json").read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", ())]


@pytest.mark.needs("prometheus", "promtool")
@pytest.mark.parametrize("expression", expressions())
def test_each_panel_of_the_dashboard_has_data(watched: Watched, expression: str) -> None:
    # "increase" needs two readings, and a figure appears with its first event.
    found = until(lambda: watched.query(expression), expression, lambda: watched.site.log("prometheus.log"))
    assert all(series["value"][1] != "NaN" for series in found)


@pytest.mark.needs("prometheus", "promtool")
def test_no_rule_raises_an_alarm_until_the_bridge_is_gone(watched: Watched) -> None:
    until(lambda: all(rule["health"] == "ok" for rule in watched.rules()), "every rule to be worked out")
    written = yaml.safe_load((TOP / "config" / "alerts.yml").read_text())["groups"]
    assert {rule["name"] for rule in watched.rules()} == {
        rule["alert"] for group in written for rule in group["rules"]
    }
    assert watched.alarms() == []
    watched.site.stop(watched.bridge)
    until(lambda: watched.alarms() == ["MailfaxDown"], "the alarm", lambda: str(watched.alarms()))
