"""What is wrong with a configuration, collected: a person hears all of it at once, and not one fault a start.

In: calls that may raise ``ConfigError``. Out: one ``ConfigError`` with every sentence, in the order of the calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

from mailfax.config.values import ConfigError

T = TypeVar("T")

#: Stands for a value that is not there because something is wrong. Nothing is ever done with it.
_WRONG: Any = object()


class Faults:
    """All sentences so far."""

    def __init__(self) -> None:
        self._sentences: dict[str, None] = {}

    def of(self, call: Callable[..., T], *values: Any, **more: Any) -> T:
        """What ``call`` gives for these values. Not called where one of ``values`` is wrong already: whatever it said
        would blame the wrong key."""
        if _WRONG in values:
            return cast(T, _WRONG)
        try:
            return call(*values, **more)
        except ConfigError as wrong:
            self._sentences |= dict.fromkeys(wrong.sentences)
            return cast(T, _WRONG)

    def of_each(self, call: Callable[..., T], each: Iterable[Any], *values: Any, **more: Any) -> list[T]:
        """What ``call`` gives for each of them; wrong as a whole where one is."""
        if each is _WRONG:
            return cast(list[T], _WRONG)
        made = [self.of(call, one, *values, **more) for one in each]
        return cast(list[T], _WRONG) if _WRONG in made else made

    def refuse(self) -> None:
        """Raise ``ConfigError`` if anything is wrong."""
        if self._sentences:
            raise ConfigError(*self._sentences)
