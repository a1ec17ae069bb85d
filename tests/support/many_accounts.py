"""A site with as many accounts as wanted, each with a mailbox of its own, and faxes that come in for them."""

from __future__ import annotations

from pathlib import Path

from tests.support.site import PASSWORD, Site

ACCOUNT = """
[[account]]
name = "branch{number}"
base_url = "{base_url}"
username = "{username}"
deliver_to = ["branch{number}@example.com"]
poll_seconds = {poll_seconds}
timeout_seconds = 2
settle_seconds = 3
"""


def username(number: int) -> str:
    return f"555716{number:04d}"


def many(folder: Path, accounts: int, poll_seconds: float) -> Site:
    """The site, with a sandbox that runs; its first account, which every site has, is idle."""
    site = Site(folder)
    site.settings["more"] = "".join(
        ACCOUNT.format(
            number=number, base_url=site.settings["base_url"], username=username(number), poll_seconds=poll_seconds
        )
        for number in range(accounts)
    )
    site.settings["account"] = ""
    site.environment |= {f"MAILFAX_ACCOUNT_BRANCH{number}_PASSWORD": PASSWORD for number in range(accounts)}
    site.start_sandbox(*map(username, range(accounts)))
    return site
