"""What monitors are answered: alive, well, and how much."""

from __future__ import annotations

import datetime
import ipaddress
import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
import yaml
from prometheus_client.parser import text_string_to_metric_families

from mailfax import letters, maillog
from mailfax.config import ConfigError, WebConfig
from mailfax.letters import Marks, Site
from mailfax.web import open_web
from tests.structure.packages import TOP
from tests.web.conftest import Monitored

pytestmark = pytest.mark.anyio


async def figures(monitored: Monitored) -> dict[tuple[str, str], float]:
    """(name, label's value) -> value, as Prometheus's own parser reads the answer."""
    answer = await monitored.get("/metrics")
    assert answer.status_code == 200, answer.text
    families = list(text_string_to_metric_families(answer.text))
    assert all(family.documentation for family in families)
    return {(each.name, "".join(each.labels.values())): each.value for family in families for each in family.samples}


async def test_all_is_well(monitored: Monitored) -> None:
    assert (await monitored.get("/healthz")).status_code == 200
    ready = await monitored.get("/readyz")
    assert ready.status_code == 200 and ready.json() == {"ready": True, "troubles": []}
    assert (await monitored.get("/")).status_code == 404
    found = await figures(monitored)
    assert found["mailfax_account_paused", "main"] == 0 and found["mailfax_troubles", ""] == 0
    assert found["mailfax_spool_free_bytes", ""] > 0


async def test_each_trouble_is_told_in_words_and_in_figures(monitored: Monitored, tmp_path: Path) -> None:
    await monitored.spool.accounts.pause("main", "The login was refused.")
    site = Site("fax.example.com", "postmaster@example.com", "fax.local")
    marks = Marks("L1", "<1@example.com>", monitored.spool.now())
    told = letters.quiet(site, marks, account="main", since=1000.0, sandbox=False)
    await monitored.spool.accounts.quiet("main", 1000.0, told)
    monitored.problems |= {"disk": "The spool could not store this: disk full.", "relay": "550 no"}
    authority = trustme.CA()
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=2, hours=1)
    monitored.certificates["submission"] = tmp_path / "certificate.pem"
    certificate = authority.issue_cert("fax.example.com", not_after=soon)
    certificate.private_key_and_cert_chain_pem.write_to_path(str(monitored.certificates["submission"]))
    monitored.certificates["gone"] = tmp_path / "gone.pem"
    ready = await monitored.get("/readyz")
    assert ready.status_code == 503 and ready.json() == {
        "ready": False,
        "troubles": [
            "The spool could not store this: disk full.",
            "Mail relay: 550 no",
            'Fax account "main" is paused: The login was refused.',
            'The certificate of listener "submission" ends in 2 days.',
            'The certificate of listener "gone" has ended.',
        ],
    }
    found = await figures(monitored)
    assert found["mailfax_account_paused", "main"] == found["mailfax_relay_paused", ""] == 1
    assert found["mailfax_account_silent", "main"] == 1
    assert found["mailfax_spool_trouble", ""] == 1 and found["mailfax_troubles", ""] == 5
    assert abs(found["mailfax_certificate_expiry_timestamp_seconds", "submission"] - soon.timestamp()) < 1
    assert (await monitored.get("/healthz")).status_code == 200, "a restart would mend none of it"


async def test_events_are_counted(monitored: Monitored) -> None:
    before = (await figures(monitored)).get(("mailfax_events_total", "relay-resumed"), 0.0)
    maillog.relay_resumed(3)
    assert (await figures(monitored))["mailfax_events_total", "relay-resumed"] == before + 1


async def test_a_spool_that_can_not_be_read_is_told(monitored: Monitored) -> None:
    await monitored.spool.close()
    ready = await monitored.get("/readyz")
    assert ready.status_code == 503 and "can't be read" in ready.json()["troubles"][0]
    assert (await monitored.get("/metrics")).status_code == 503
    assert (await monitored.get("/healthz")).status_code == 200


async def test_others_are_answered_nothing(monitored: Monitored) -> None:
    elsewhere = WebConfig("127.0.0.1", 0, (ipaddress.ip_network("192.0.2.0/24"),))
    web = open_web(elsewhere, monitored.watched)
    answer = await replace(monitored, url="http://{}:{}".format(*web.address)).get("/metrics")
    assert answer.status_code == 403 and "mailfax_" not in answer.text
    taken = WebConfig(*web.address, elsewhere.networks)
    with pytest.raises(ConfigError, match=r"\[web\] address: 127.0.0.1:\d+ can't be opened"):
        open_web(taken, monitored.watched)
    await web.close()


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\bmailfax_\w+", text))


async def test_rules_and_dashboard_ask_for_figures_that_there_are(monitored: Monitored) -> None:
    told = (await monitored.get("/metrics")).text
    there = {family.name for family in text_string_to_metric_families(told)} | {"mailfax_events_total"}
    rules = yaml.safe_load((TOP / "config/alerts.yml").read_text())
    asked = {name for rule in rules["groups"][0]["rules"] for name in names_in(rule["expr"])}
    assert asked and asked <= there
    dashboard = json.loads((TOP / "config/dashboard.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert queries and {name for query in queries for name in names_in(query)} <= there


async def test_every_figure_is_documented(monitored: Monitored) -> None:
    told = (await monitored.get("/metrics")).text
    there = {family.name for family in text_string_to_metric_families(told)}
    documented = names_in((TOP / "docs/howto/monitor.md").read_text()) - {"mailfax_events_total"}
    assert documented | {"mailfax_events"} == there | {"mailfax_events"}


@pytest.mark.needs("promtool")
async def test_promtool_finds_nothing(monitored: Monitored) -> None:
    told = (await monitored.get("/metrics")).content
    for command, given in ((["check", "metrics"], told), (["check", "rules", str(TOP / "config/alerts.yml")], b"")):
        ran = subprocess.run(["promtool", *command], input=given, capture_output=True, timeout=60, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
