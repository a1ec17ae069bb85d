"""A command dies while it keeps, lets go or deletes: each is done whole, or not at all, and the bridge goes on."""

from __future__ import annotations

from deaths import command

from tests.support.site import Site, until

NUMBER = "15555550100"
MOMENTS = (("job", "accepted_at"), ("job", "ended_at"), ("message", "received_at"), ("letter", "decided_at"))


def test_dead_while_what_ended_is_kept_and_deleted(site: Site) -> None:
    days = "sent_content_days = 30\nsent_record_days = 90"
    site.settings["more"] = f"[retention]\n{days}"
    bridge = site.start()
    name = site.send(NUMBER)
    site.answers(1)
    until(lambda: site.rows("SELECT 1 FROM letter WHERE state = 'handed-over'"), "the answer", site.log)
    site.stop(bridge)
    for table, moment in MOMENTS:
        site.change(f"UPDATE {table} SET {moment} = {moment} - {100 * 86_400}")

    def kept() -> list[tuple[object, ...]]:
        return site.rows("SELECT what FROM kept")

    command(site, "before", "kept", "keep", name)
    assert kept() == []
    command(site, "after", "kept", "keep", f"{name}-1")
    assert kept() == [(name,)]
    command(site, "before", "kept-released", "keep", name, "--release")
    assert kept() == [(name,)] and site.run("purge", "--yes").returncode == 0
    assert site.rows("SELECT content_id FROM message") != [("",)], "a hold holds"
    command(site, "after", "kept-released", "keep", name, "--release")
    assert kept() == []

    command(site, "before", "contents-deleted", "purge", "--yes")
    [(content,)] = site.rows("SELECT content_id FROM message")
    assert content and site.rows("SELECT 1 FROM content WHERE content_id = ?", content)
    command(site, "after", "contents-deleted", "purge", "--yes")
    assert site.rows("SELECT content_id FROM message") == [("",)]
    assert not site.rows("SELECT 1 FROM content WHERE content_id = ?", content)
    command(site, "before", "records-deleted", "purge", "--yes")
    assert len(site.rows("SELECT 1 FROM job")) == 1
    command(site, "after", "records-deleted", "purge", "--yes")
    assert site.rows("SELECT 1 FROM job") == site.rows("SELECT 1 FROM message") == []
    assert site.run("purge", "--yes").returncode == 0
    assert site.rows("SELECT 1 FROM letter") == []

    site.start()
    site.send(NUMBER)
    assert len(site.answers(2)) == len(site.faxes()) == 2
