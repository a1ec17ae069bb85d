"""Two bridges on one spool: each submission is one process's, until its lease has run out."""

from __future__ import annotations

import re

from tests.support.site import Site, until

SUBMITTING = re.compile(r"(\S+): submitting ")


def test_the_second_start_disturbs_no_post_of_the_first(site: Site) -> None:
    """…0124: FaxCore has the fax and is late with its answer. Meanwhile another process starts."""
    site.settings["timeout_seconds"] = 30
    site.control("quirks", {"reply_delay_seconds": 25})
    first = site.start()
    queue_id = site.send("15555550124")
    until(lambda: site.faxes(), "the fax at FaxCore", site.log)
    site.start_second()
    until(lambda: "is ready" in site.log("second.log"), "the second bridge", lambda: site.log("second.log"))
    [post] = site.requests("SendFax")
    assert post["outcome"] == "under way", "the POST must be in flight while the second process is at work"
    site.control("quirks", {"reply_delay_seconds": 0})
    [mail] = site.answers(1)
    assert mail["X-Fax-Outcome"] == "delivered"
    assert len(site.requests("SendFax")) == 1
    assert len(site.faxes()) == 1
    states = [state for (state,) in site.rows("SELECT state FROM history WHERE queue_id = ?", f"{queue_id}-1")]
    assert "submitted" in states and "in-doubt" not in states, states
    assert first.poll() is None


def test_both_share_the_work_and_one_finishes_what_the_other_leaves(site: Site) -> None:
    site.settings["timeout_seconds"] = 4
    site.control("quirks", {"reply_delay_seconds": 3})
    first = site.start()
    site.start_second()
    until(lambda: "is ready" in site.log("second.log"), "the second bridge", lambda: site.log("second.log"))
    site.control("faults", {"operation": "SendFax", "action": "late_after", "count": None})
    numbers = [f"1555765{place:04}" for place in range(8)]
    site.send(*numbers)
    until(
        lambda: SUBMITTING.search(site.log()) and SUBMITTING.search(site.log("second.log")),
        "both to submit",
        lambda: site.log() + site.log("second.log"),
    )
    until(lambda: len(site.faxes()) > 4, "the four POSTs of the first to be answered late")
    first.kill()
    first.wait()
    site.control("faults", method="DELETE")
    [mail] = site.answers(1)
    told = sorted(result.split("; ")[1:] for result in mail.get_all("X-Fax-Result"))
    assert told == [[number, "delivered"] for number in numbers]
    assert sorted(fax["number"] for fax in site.faxes()) == numbers
    submissions = SUBMITTING.findall(site.log()) + SUBMITTING.findall(site.log("second.log"))
    assert len(submissions) == len(set(submissions)) == len(numbers)
