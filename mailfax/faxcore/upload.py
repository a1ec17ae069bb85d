"""Hands a document over piece by piece, and knows how much of it has left us.

The caller's chunks come in; pieces of at most 64 KiB go out to the HTTP client, one behind: the last piece is
held back until the length has turned out to be right and ``may_finish`` has agreed (the lease still has time).
Nothing is accepted over there without it, so as long as ``finished`` is False the fax is surely not sent.

LIMITS: a piece counts as gone when it is given to the client; ``finished`` says "may have left", not "arrived".
Between ``may_finish`` and the network card lie our socket buffers; a lease must outlive the POST by that much.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from mailfax.faxcore.errors import NotSent

PIECE = 64 * 1024  # bytes


class Handover:
    """The body of one SendFax. ``on_finish`` is called right before the last piece goes."""

    def __init__(self, chunks: AsyncIterator[bytes], length: int, may_finish: Callable[[], bool]) -> None:
        self.finished = False
        self.on_finish: Callable[[], None] = lambda: None
        self._chunks = chunks
        self._length = length
        self._may_finish = may_finish

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The body. Raises NotSent instead of giving the last piece where it must not go."""
        seen, held = 0, b""
        async with aclosing(self._read()) as pieces:
            async for piece in pieces:
                seen += len(piece)
                if seen > self._length:
                    raise self._stopped(f"more than the {self._length} bytes announced")
                if held:
                    yield held
                held = piece
        if seen != self._length:
            raise self._stopped(f"{seen} of {self._length} bytes")
        if not self._may_finish():
            raise NotSent(
                "The time for this attempt ran out before the document was complete, so the call was broken off.",
                diagnostic="lease ran out during the upload",
            )
        self.on_finish()
        self.finished = True
        yield held

    async def _read(self) -> AsyncGenerator[bytes, None]:
        try:
            async for chunk in self._chunks:
                for start in range(0, len(chunk), PIECE):
                    yield chunk[start : start + PIECE]
        except Exception as error:
            raise self._stopped(type(error).__name__) from error

    @staticmethod
    def _stopped(diagnostic: str) -> NotSent:
        return NotSent(
            "The document could not be read to its end, so the call was broken off.", diagnostic=diagnostic
        )
