"""Two bridges on one spool: each submission is one process's, until its lease has run out."""

from __future__ import annotations

import re

from house import House, until

SUBMITTING = re.compile(r"(\S+): submitting ")


def test_the_second_start_disturbs_no_post_of_the_first(house: House) -> None:
    """…0124: FaxCore has the fax and is late with its answer. Meanwhile another process starts."""
    house.settings["timeout_seconds"] = 30
    house.control("quirks", {"reply_delay_seconds": 25})
    first = house.start()
    queue_id = house.send("15555550124")
    until(lambda: house.faxes(), "the fax at FaxCore", house.log)
    house.start_second()
    until(lambda: "is ready" in house.log("second.log"), "the second bridge", lambda: house.log("second.log"))
    [post] = house.requests("SendFax")
    assert post["outcome"] == "under way", "the POST must be in flight while the second process is at work"
    house.control("quirks", {"reply_delay_seconds": 0})
    [mail] = house.answers(1)
    assert mail["X-Fax-Outcome"] == "delivered"
    assert len(house.requests("SendFax")) == 1
    assert len(house.faxes()) == 1
    states = [state for (state,) in house.rows("SELECT state FROM history WHERE queue_id = ?", f"{queue_id}-1")]
    assert "submitted" in states and "in-doubt" not in states, states
    assert first.poll() is None


def test_both_share_the_work_and_one_finishes_what_the_other_leaves(house: House) -> None:
    house.settings["timeout_seconds"] = 4
    house.control("quirks", {"reply_delay_seconds": 3})
    first = house.start()
    house.start_second()
    until(lambda: "is ready" in house.log("second.log"), "the second bridge", lambda: house.log("second.log"))
    house.control("faults", {"operation": "SendFax", "action": "late_after", "count": None})
    numbers = [f"1555765{place:04}" for place in range(8)]
    house.send(*numbers)
    until(
        lambda: SUBMITTING.search(house.log()) and SUBMITTING.search(house.log("second.log")),
        "both to submit",
        lambda: house.log() + house.log("second.log"),
    )
    until(lambda: len(house.faxes()) > 4, "the four POSTs of the first to be answered late")
    first.kill()
    first.wait()
    house.control("faults", method="DELETE")
    mails = house.answers(len(numbers))
    assert sorted(mail["X-Fax-Number"] for mail in mails) == numbers
    assert {mail["X-Fax-Outcome"] for mail in mails} == {"delivered"}
    assert sorted(fax["number"] for fax in house.faxes()) == numbers
    submissions = SUBMITTING.findall(house.log()) + SUBMITTING.findall(house.log("second.log"))
    assert len(submissions) == len(set(submissions)) == len(numbers)
