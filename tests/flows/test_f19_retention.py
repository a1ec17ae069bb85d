"""A command dies while it keeps, lets go or deletes: each is done whole, or not at all, and the bridge goes on."""

from __future__ import annotations

from deaths import command
from house import House, until

NUMBER = "15555550100"
MOMENTS = (("job", "accepted_at"), ("job", "ended_at"), ("message", "received_at"), ("letter", "decided_at"))


def test_dead_while_what_ended_is_kept_and_deleted(house: House) -> None:
    days = "sent_content_days = 30\nsent_record_days = 90"
    house.settings["more"] = f"[retention]\n{days}"
    bridge = house.start()
    name = house.send(NUMBER)
    house.answers(1)
    until(lambda: house.rows("SELECT 1 FROM letter WHERE state = 'handed-over'"), "the answer", house.log)
    house.stop(bridge)
    for table, moment in MOMENTS:
        house.change(f"UPDATE {table} SET {moment} = {moment} - {100 * 86_400}")

    def kept() -> list[tuple[object, ...]]:
        return house.rows("SELECT what FROM kept")

    command(house, "before", "kept", "keep", name)
    assert kept() == []
    command(house, "after", "kept", "keep", f"{name}-1")
    assert kept() == [(name,)]
    command(house, "before", "kept-released", "keep", name, "--release")
    assert kept() == [(name,)] and house.run("purge", "--yes").returncode == 0
    assert house.rows("SELECT content_id FROM message") != [("",)], "a hold holds"
    command(house, "after", "kept-released", "keep", name, "--release")
    assert kept() == []

    command(house, "before", "contents-deleted", "purge", "--yes")
    [(content,)] = house.rows("SELECT content_id FROM message")
    assert content and house.rows("SELECT 1 FROM content WHERE content_id = ?", content)
    command(house, "after", "contents-deleted", "purge", "--yes")
    assert house.rows("SELECT content_id FROM message") == [("",)]
    assert not house.rows("SELECT 1 FROM content WHERE content_id = ?", content)
    command(house, "before", "records-deleted", "purge", "--yes")
    assert len(house.rows("SELECT 1 FROM job")) == 1
    command(house, "after", "records-deleted", "purge", "--yes")
    assert house.rows("SELECT 1 FROM job") == house.rows("SELECT 1 FROM message") == []
    assert house.run("purge", "--yes").returncode == 0
    assert house.rows("SELECT 1 FROM letter") == []

    house.start()
    house.send(NUMBER)
    assert len(house.answers(2)) == len(house.faxes()) == 2
