"""Nobody faxes to who asked not to be faxed to, also where that was said after the fax had come."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailfax.config import ConfigError, load
from mailfax.offramp.submit import Submit
from mailfax.rules.states import JobState
from tests.offramp.pipeline import Pipeline, Sandbox
from tests.structure.packages import TOP

pytestmark = pytest.mark.anyio
SMALLEST = (TOP / "tests/configs/good-01-smallest.toml").read_text()


async def test_a_number_that_was_blocked_meanwhile_is_not_dialled(pipeline: Pipeline, sandbox: Sandbox) -> None:
    job, other = await pipeline.mail("15551234567", "15551234568")
    submit = Submit(
        pipeline.context,
        pipeline.fax_accounts,
        pipeline.ending,
        pipeline.compose,
        blocked={"15551234567": "they asked for mail instead."},
    )
    while await submit.round():
        pass
    ended = await pipeline.job(job.queue_id)
    assert ended.state is JobState.FAILED and ended.status is not None
    assert ended.status.sentence.startswith("Nobody may fax to +15551234567 from here: they asked for mail instead.")
    assert (await pipeline.job(other.queue_id)).state is JobState.SUBMITTED
    assert [fax["destination"] for fax in await sandbox.faxes() if "1234567" in str(fax)] == []
    assert await sandbox.posts() == 1


def read(folder: Path, content: bytes) -> tuple[tuple[str, str], ...]:
    (folder / "do-not-fax.csv").write_bytes(content)
    table = '\n[blocked]\n"+15559876543" = "by wish"\n'
    (folder / "mailfax.toml").write_text(f'blocked_file = "do-not-fax.csv"\n{SMALLEST}{table}')
    return load(folder / "mailfax.toml", {"MAILFAX_ACCOUNT_MAIN_PASSWORD": "x"}).blocked


def test_the_file_stands_beside_the_table(tmp_path: Path) -> None:
    rows = b"\xef\xbb\xbfnumber;reason\r\n+4930123456;do-not-fax register\r\n\r\n"
    assert read(tmp_path, rows) == (("15559876543", "by wish"), ("4930123456", "do-not-fax register"))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"+4930123456,x\n030123456,y\n", 'blocked_file: line 2: "030123456" is not a whole number'),
        (b"+4930123456\n", "line 1: 1 columns; write number,reason"),
        (b"+4930123456,\xfc\n", "is not UTF-8"),
    ],
)
def test_a_row_that_is_wrong_refuses_the_file(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        read(tmp_path, content)
