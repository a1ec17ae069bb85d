"""The pages on a PostgreSQL spool: whatever a statement of theirs says, it says there, too."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support import documents
from tests.support.pages import PagesSite
from tests.support.postgresql import Cluster
from tests.support.site import until

pytestmark = pytest.mark.needs("pg_ctl")


def test_pages_and_api_on_postgresql(tmp_path: Path, cluster: Cluster) -> None:
    site = PagesSite(tmp_path, spool=asyncio.run(cluster.new_database()))
    try:
        site.open()
        until(lambda: "account-met" in site.log(), "the account to be met", site.log)
        site.drop_in(documents.pdf(1))
        api = site.program("anna")
        sent = api.post(
            "/faxes",
            data={"to": "+1 555 555 0100", "subject": "Invoice 12"},
            files=[("files", ("a.pdf", documents.pdf(2), "application/pdf"))],
            headers={"Idempotency-Key": "one"},
        )
        assert sent.status_code == 201, sent.text
        queue_id = sent.json()["faxes"][0]["queue_id"]
        until(lambda: api.get(f"/faxes/{queue_id}").json()["final"], "its end", site.log)
        until(lambda: site.rows("SELECT 1 FROM inbound WHERE state = 'stored'"), "a received fax", site.log)
        [(received,)] = site.rows("SELECT queue_id FROM inbound")
        olga, anna = site.visitor("olga"), site.visitor("anna")
        for path in ("/", "/faxes?view=all", "/faxes?sender=anna@example.com&view=all", "/find?q=555-0100"):
            answer = olga.get(path)
            assert answer.status_code == 200 and queue_id in answer.text, path
        costs = olga.get("/costs")
        assert costs.status_code == 200 and "anna@example.com" in costs.text
        for path in ("/", "/faxes?view=all", "/find?q=invoice", f"/faxes/{queue_id}"):
            answer = anna.get(path)
            assert answer.status_code == 200 and queue_id in answer.text, path
        assert anna.get(f"/faxes/{queue_id}/pages/1.png").headers["content-type"] == "image/png"
        assert olga.get(f"/received/{received}/fax.pdf").content.startswith(b"%PDF-")
        assert received in olga.get("/received").text and received not in anna.get("/received").text
        assert anna.get(f"/received/{received}").status_code == 404
        assert olga.get("/notifications").status_code == 200
        assert "Traceback" not in site.log(), site.log()
    finally:
        site.close()
