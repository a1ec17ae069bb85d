"""Pages are worked on ahead of who writes them, in threads: what is done for a page needs no other page.

In: what to do, and what with. Out: what came of it, in order. The libraries that work on pages (numpy, Pillow) let
other threads run meanwhile; pdfium is not among them, and must be called by one thread only.

LIMITS: ``THREADS`` at once, and as many pages in memory and one more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

#: More gain little, because one thread draws; and other cells want to work, too.
THREADS = 2
_In = TypeVar("_In")
_Out = TypeVar("_Out")


def ahead(work: Callable[[_In], _Out], given: Iterable[_In]) -> Iterator[_Out]:
    """``work`` of each thing given, in order; raises what it raises."""
    with ThreadPoolExecutor(THREADS) as threads:
        begun: deque[Future[_Out]] = deque()
        for each in given:
            begun.append(threads.submit(work, each))
            if len(begun) > THREADS:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
