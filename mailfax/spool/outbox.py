"""The mails that we owe: decided in the commit that owes them, kept until the relay took them.

In: ``Letter`` values with their content. Out: one letter at a time, claimed on a lease. ``spool.outbox``.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

from mailfax.rules.job import Letter
from mailfax.rules.states import LETTER, LetterEvent, LetterState
from mailfax.spool.commits import Commit, Hits, Outdated, QueueIdTaken, Statement, commit_name
from mailfax.spool.content import Contents
from mailfax.spool.engine import SURELY_NOT, Engine
from mailfax.spool.large import ContentDamaged
from mailfax.spool.rows import history, letter_of, letter_values, readable

CLASHES = {"letter.letter_id": QueueIdTaken}
#: Of these a site has few: the statement names them too, and has an index of them alone.
OPEN = frozenset(LetterState) - LETTER.final


class Outbox:
    """``spool.outbox``."""

    def __init__(self, engine: Engine, contents: Contents) -> None:
        self._engine, self._contents = engine, contents
        self._claims = itertools.count(1)

    @contextlib.asynccontextmanager
    async def sealed(self, letters: Sequence[Letter]) -> AsyncIterator[list[Statement]]:
        """The statements that put letters into the outbox, for a commit of whoever owes them.

        Large contents are durable files by then; they are removed where the commit inside surely failed.
        """
        statements: list[Statement] = []
        contents = []
        try:
            for letter in letters:
                owed = letter
                if not letter.content_id:  # else it shares a content that enters with the same commit
                    content, sealed = await self._contents.seal(Path(letter.file) if letter.file else letter.content)
                    contents.append(content)
                    owed = replace(letter, content_id=sealed.content_id)
                    statements.append(sealed.statement())
                statements += [
                    Statement("letter_add", letter_values(owed), Hits.ONE),
                    _line(owed, "owed", owed.state),
                ]
            yield statements
        except SURELY_NOT:
            for content in contents:
                content.discard()
            raise

    async def owe(self, letters: Sequence[Letter]) -> None:
        """Letters that no job and no received fax owes: alarms. Raises ``QueueIdTaken``."""
        if not letters:
            return
        async with self.sealed(letters) as statements:
            await self._engine.commit(Commit("owed", tuple(statements), CLASHES))

    async def next_at(self, *, elsewhere: bool = False) -> tuple[float, float]:
        """When the next letter is due (``elsewhere``: of those that are no mail), and when a lease runs out."""
        [rows] = await self._engine.read(("letter_head_elsewhere" if elsewhere else "letter_head", {}))
        found = {row["leased"]: row["at"] for row in rows}
        return found.get(0, math.inf), found.get(1, math.inf)

    async def recover(self) -> int:
        """Letters whose process died while handing them over wait again: a mail may be repeated."""
        event = LetterEvent.LEASE_EXPIRED
        values = {"event_word": event.value, "state": LETTER.after(LetterState.HANDING_OVER, event).value}
        commit = Commit(
            commit_name(event, "letter-"),
            (Statement("letter_recover_history", values, Hits.SOME), Statement("letter_recover", values)),
        )
        try:
            results = await self._engine.commit(commit)
        except Outdated:
            return 0
        return results[1].hits

    async def make_due(self) -> int:
        """All mails that wait are due now: the relay takes mail again. How many."""
        try:
            [result] = await self._engine.commit(Commit("letters-due", (Statement("letters_due", {}, Hits.SOME),)))
        except Outdated:
            return 0
        return result.hits

    async def claim(self, lease: float, *, elsewhere: bool = False) -> Letter | None:
        """The letter that is due longest, with its content, ours for ``lease`` seconds; None where none is due.

        ``elsewhere``: of those that go to folders, webhooks and printers; else of mail.

        A letter whose content is damaged comes without it, ``content`` empty and ``problem`` said: it
        can't be handed over, and the caller tells the postmaster.
        """
        event = LetterEvent.CLAIMED
        claim = "letter_claim_elsewhere" if elsewhere else "letter_claim"
        while True:
            values = {
                "claim": f"{self._engine.epoch}-{next(self._claims)}",
                "lease": lease,
                "event_word": event.value,
                "state": LETTER.after(LetterState.WAITING, event).value,
            }
            commit = Commit(
                commit_name(event, "letter-"),
                (Statement(claim, values, Hits.ONE), Statement("letter_claim_history", values, Hits.ONE)),
            )
            try:
                results = await self._engine.commit(commit)
            except Outdated:
                return None
            if letters := await readable(self._engine, "letter", letter_of, results[0].rows):
                return await self._claimed(letters[0])

    async def _claimed(self, letter: Letter) -> Letter:
        try:
            return await self._with_content(letter)
        except ContentDamaged as trouble:
            return replace(letter, problem=str(trouble))

    async def renew(self, letter: Letter, lease: float) -> Letter:
        """A longer lease; raises ``Outdated`` once it has run out."""
        values = {
            "letter_id": letter.letter_id,
            "was_version": letter.version,
            "was_epoch": letter.epoch,
            "lease": lease,
        }
        results = await self._engine.commit(Commit("letter-lease", (Statement("letter_renew", values, Hits.ONE),)))
        return replace(letter, lease_until=results[0].rows[0]["lease_until"])

    async def advance(
        self, was: Letter, now_is: Letter, event: LetterEvent, *, detail: str = "", letters: Sequence[Letter] = ()
    ) -> Letter:
        """Store ``now_is = was.after(event, …)``, with the letters that this owes (an alarm). Raises ``Outdated``."""
        guard = Statement(
            "letter_change",
            letter_values(now_is)
            | {"was_state": was.state.value, "was_epoch": was.epoch, "was_version": was.version},
            Hits.ONE,
        )
        line = _line(now_is, event.value, now_is.state, detail)
        async with self.sealed(letters) as owed:
            await self._engine.commit(Commit(commit_name(event, "letter-"), (guard, line, *owed), CLASHES))
        return replace(now_is, version=was.version + 1, lease_until=0.0)

    async def get(self, letter_id: str) -> Letter | None:
        """The letter with its content, if that was not deleted."""
        [rows] = await self._engine.read(("letter_get", {"letter_id": letter_id}))
        letters = await readable(self._engine, "letter", letter_of, rows)
        return (
            await self._with_content(letters[0]) if letters and letters[0].content_id else next(iter(letters), None)
        )

    async def listing(
        self, *, states: Sequence[LetterState] | None = None, about: str = "", limit: int = 100, offset: int = 0
    ) -> list[Letter]:
        """Newest first, without their contents."""
        meant = frozenset(LetterState if states is None else states)
        question = "letter_about" if about else "letter_open" if meant <= OPEN else "letter_newest"
        words = tuple(state.value for state in meant)
        values = {"states": words, "limit": limit, "offset": offset}
        [rows] = await self._engine.read((question, values | ({"about": about} if about else {})))
        return await readable(self._engine, "letter", letter_of, rows)

    async def _with_content(self, letter: Letter) -> Letter:
        return replace(letter, content=await self._contents.read(letter.content_id))


def _line(letter: Letter, event: str, state: LetterState, detail: str = "") -> Statement:
    told = f"{letter.kind} {letter.letter_id}" + (f": {detail}" if detail else "")
    return history(letter.about or letter.letter_id, f"letter {event}", state, told)
