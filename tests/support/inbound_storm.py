"""Received faxes in a storm: the relay fails at random, downloads come in every form that A10 names, some faxes can't
be read at all, and the process is killed again and again. Then what was promised is counted.

In: a folder, a seed, how many. Out: ``Counted``; nothing is asserted here.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import documents
from tests.support.many_accounts import many, username
from tests.support.ports import free_port
from tests.support.site import Site, until
from tests.support.smarthost import CUT, LATER, LOST, OK, REJECTED, Smarthost, smarthost

#: What the relay does with a mail.
REPLIES = (OK,) * 12 + (LATER,) * 4 + (CUT,) * 2 + (LOST,) * 1 + (REJECTED,) * 1
DOWNLOADS = ("bare", "wrapped", "76_columns", "quoted_json", "raw")
FAULTS = ("error_before", "drop_after", "unavailable")
POSTMASTER = "postmaster@example.com"


@dataclass
class Counted:
    """What came of it. ``mails``: caller to the Message-IDs of the mails that brought the fax; ``copies``: mails that
    the relay took twice; ``out_of_order``: faxes stored before an older one of their account that was not put off."""

    faxes: list[str]
    poison: list[str]
    mails: dict[str, set[str]] = field(default_factory=dict)
    wrong_box: list[str] = field(default_factory=list)
    wrong_pages: list[str] = field(default_factory=list)
    reported: Counter[str] = field(default_factory=Counter)
    out_of_order: list[str] = field(default_factory=list)
    relay: Counter[str] = field(default_factory=Counter)  #: its answers, while it was not calm
    copies: int = 0
    kills: int = 0
    seconds: float = 0.0

    @property
    def lost(self) -> list[str]:
        return [caller for caller in self.faxes if not self.mails.get(caller)]

    @property
    def doubled(self) -> list[str]:
        return [caller for caller, ids in self.mails.items() if len(ids) > 1]


class Unreliable(Smarthost):
    """Answers each mail by chance."""

    def __init__(self, chance: random.Random) -> None:
        self.said: Counter[str] = Counter()
        self.calm, self._chance = False, chance
        super().__init__()

    @property
    def reply(self) -> str:  # type: ignore[override]
        said = OK if self.calm else self._chance.choice(REPLIES)
        self.said[said] += 1
        return said

    @reply.setter
    def reply(self, _: str) -> None:
        """Chance decides."""


def storm(
    folder: Path, seed: int, *, faxes: int, accounts: int, kills: int, poison: int, patience: float = 100.0
) -> Counted:
    """Let ``faxes`` come in on ``accounts``, ``poison`` of them unreadable, while the bridge dies ``kills`` times."""
    chance, began = random.Random(seed), time.monotonic()
    site = many(folder, accounts, poll_seconds=0.5)
    port = free_port()
    site.settings["relay"] = f'address = "127.0.0.1:{port}"'
    try:
        relay = Unreliable(chance)
        with smarthost(port, relay):
            bridge = site.start()
            until(lambda: site.log().count("account-met") > accounts, "all accounts to be met", site.log, patience)
            site.stop(bridge)
            counted = _come_in(site, chance, faxes, accounts, poison)
            _fall(site, chance, kills)
            counted.kills = kills
            bridge = site.start()
            site.control("faults", method="DELETE")
            until(lambda: len(relay.taken) > faxes * 0.8, "most mails to be taken", site.log, patience)
            counted.relay = Counter(relay.said)
            relay.calm = True
            until(lambda: _is_calm(site, poison), "calm after the storm", lambda: site.log()[-5000:], patience)
            time.sleep(2.0)  # one mail too many is as wrong as one too few
            site.stop(bridge)
            _count(site, relay, counted)
    finally:
        site.close()
    counted.seconds = time.monotonic() - began
    return counted


def _come_in(site: Site, chance: random.Random, faxes: int, accounts: int, poison: int) -> Counted:
    """All faxes, each of a caller of its own that says for which account it is and how many pages it has."""
    files = {pages: documents.tiff(pages) for pages in (1, 2, 3)}
    good, bad = [], []
    unreadable = set(chance.sample(range(faxes), poison))
    for number in range(faxes):
        account, pages = number % accounts, chance.choice((1, 2, 3))
        caller = f"1555{account:03d}{pages}{number:05d}"[:13]
        [fax_id] = site.drop_in(files[pages], caller=caller, account=username(account))
        if number not in unreadable:
            good.append(caller)
            continue
        bad.append(caller)
        seq = site.control(f"faxes/{fax_id}")["seq"]
        for form in ("tif", "pdf"):
            (site.folder / "sandbox" / "drawn" / f"{seq}.{form}").write_bytes(b"no pages")
    return Counted(good, bad)


def _fall(site: Site, chance: random.Random, kills: int) -> None:
    """The bridge runs, and dies, and runs; meanwhile the service answers now so, now so."""
    over = threading.Event()

    def moods() -> None:
        while not over.wait(0.3):
            site.control("quirks", {"download": chance.choice(DOWNLOADS)})
            fault = {"operation": "DownloadFax", "action": chance.choice(FAULTS), "count": 2}
            site.control("faults", fault)

    moody = threading.Thread(target=moods)
    moody.start()
    try:
        for _ in range(kills):
            bridge = site.start()
            time.sleep(chance.uniform(0.5, 5.0))
            bridge.kill()
            bridge.wait()
    finally:
        over.set()
        moody.join()


def _is_calm(site: Site, poison: int) -> bool:
    states = dict(site.rows("SELECT state, COUNT(*) FROM inbound GROUP BY state"))
    waiting = site.rows("SELECT COUNT(*) FROM letter WHERE state <> 'handed-over'")
    return states.get("unreadable", 0) == poison and set(states) <= {"stored", "unreadable"} and waiting == [(0,)]


def _count(site: Site, relay: Smarthost, counted: Counted) -> None:
    import email
    import email.policy

    seen: Counter[str] = Counter()
    for envelope in relay.taken:
        assert isinstance(envelope.content, bytes)
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        if mail["X-Fax-Outcome"] == "alarm":
            if "can't be read" in mail["Subject"]:
                counted.reported[envelope.rcpt_tos[0]] += 1
            continue
        caller = str(mail["X-Fax-Number"])
        counted.mails.setdefault(caller, set()).add(str(mail["Message-ID"]))
        seen[str(mail["Message-ID"])] += 1
        if envelope.rcpt_tos != [f"branch{int(caller[4:7])}@example.com"]:
            counted.wrong_box.append(caller)
        if mail["X-Fax-Pages"] != caller[7]:
            counted.wrong_pages.append(caller)
    counted.copies = sum(seen.values()) - len(seen)
    stored = site.rows(
        "SELECT i.account, i.caller FROM inbound i JOIN history h ON h.queue_id = i.queue_id "
        "WHERE h.state = 'stored' AND NOT EXISTS (SELECT 1 FROM history n WHERE n.queue_id = i.queue_id "
        "AND n.event = 'can''t be fetched now') ORDER BY h.seq"
    )
    newest: dict[str, int] = {}
    for account, caller in stored:
        number = int(caller[8:])
        if number < newest.get(account, -1):
            counted.out_of_order.append(caller)
        newest[account] = number
