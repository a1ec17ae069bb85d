"""Queue IDs."""

from __future__ import annotations

import random
import re

from mailfax.rules.queue_id import draw_queue_id, job_id


def test_ten_signs_of_which_the_first_is_a_letter() -> None:
    choose = random.Random(1).choice
    drawn = {draw_queue_id(1_790_000_000.0 + second, choose) for second in range(1000)}
    assert len(drawn) == 1000
    assert all(re.fullmatch(r"[B-Z][0-9B-Z]{9}", queue_id) for queue_id in drawn)


def test_a_job_is_named_after_its_message() -> None:
    assert job_id("K4TXYZ12AB", 2) == "K4TXYZ12AB-2"
