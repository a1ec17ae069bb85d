"""The quirks: one table of everything the API reference leaves open and a real server may do otherwise.

Each default is the faithful reading; each quirk names the gap (A1 to A44) that it is a variant of. They are
switched in the control space while the sandbox runs, and are kept. Two settings of the magic numbers are here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields, replace
from typing import Any


def _off(gap: str, sentence: str) -> bool:
    quirk: bool = field(default=False, metadata={"gap": gap, "sentence": sentence})
    return quirk


def _choice(gap: str, sentence: str, *choices: str) -> str:
    chosen: str = field(default=choices[0], metadata={"gap": gap, "sentence": sentence, "choices": choices})
    return chosen


def _number(gap: str, sentence: str, default: int = 0) -> int:
    number: int = field(default=default, metadata={"gap": gap, "sentence": sentence})
    return number


@dataclass(frozen=True, slots=True)
class Quirks:
    """Every quirk with its default; numbers of 0 mean off."""

    without_api: bool = _off("A2", "resources are served without /api too")
    list_results: bool = _off("A3", "GetFaxList wraps its ids in <Results>")
    ignores_flag: bool = _off("A5", "hidedownloaded and isdownloaded are ignored")
    isdownloaded_only: bool = _off("A5", "only isdownloaded is understood, hidedownloaded is ignored")
    no_mark: bool = _off("A6", "DownloadFax does not mark the fax as downloaded")
    form_parser: bool = _off("A7", "SendFax with a form content type answers 500")
    download: str = _choice(
        "A10", "how DownloadFax sends the file", "bare", "wrapped", "76_columns", "quoted_json", "raw"
    )
    negotiates: bool = _off("A11", "JSON, unless Accept asks for XML")
    error_element: bool = _off("A12", "business errors come as <Error> below the root")
    all_500: bool = _off("A12", "business errors come as 500 with an HTML page")
    guid: bool = _off("A13", "new faxes get GUIDs for ids")
    novel_words: bool = _off("A14", "status words that no client knows")
    min_date: bool = _off("A17", "an unset date is 1/1/0001 12:00:00 AM")
    fixed_zone: bool = _off("A16", "dates at UTC-8 all year round")
    own_number: bool = _off("A19", "a received fax shows the account's own number as FaxNumber")
    query_limit: int = _number("A30", "longest encoded query in bytes; above it 404", 2048)
    four_megabytes: bool = _off("A31", "a body above 4 MB answers 500")
    rate_limit: int = _number("A32", "calls a minute, for each account; above it rate_status with Retry-After")
    rate_status: str = _choice("A32", "what answers above rate_limit", "429", "503")
    cap: int = _number("A33", "GetFaxList names only so many ids, the newest")
    random_order: bool = _off("A33", "GetFaxList in random order")
    bom: bool = _off("A37", "XML begins with a byte order mark")
    utf16_decl: bool = _off("A37", "the XML declaration says utf-16; the bytes stay UTF-8")
    leading_newline: bool = _off("A37", "a line end before the XML declaration")
    namespace: bool = _off("A37", "the root element has a default namespace")
    cut_subject: int = _number("A38", "Subject is cut after so many characters")
    expiry: int = _number("A39", "faxes vanish so many minutes after their creation, by the sandbox's clock")
    reply_delay_seconds: int = _number("24", "how late the reply to 555-0124 comes, in real seconds", 200)
    listed_after_minutes: int = _number("29", "when a fax to 555-0129 is first seen, by the sandbox's clock", 10)


def changed(quirks: Quirks, given: Mapping[str, Any]) -> Quirks:
    """The quirks with the given ones set. Raises ValueError with a sentence that says what to do."""
    known: dict[str, Field[Any]] = {quirk.name: quirk for quirk in fields(Quirks)}
    for name, value in given.items():
        quirk = known.get(name)
        if quirk is None:
            raise ValueError(f"There is no quirk '{name}'; GET this address for the list.")
        choices = quirk.metadata.get("choices")
        if choices and value not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}.")
        if isinstance(quirk.default, bool) != isinstance(value, bool):
            raise ValueError(
                f"{name} must be {'true or false' if isinstance(quirk.default, bool) else 'no boolean'}."
            )
        if type(quirk.default) is int and (not isinstance(value, int) or value < 0):
            raise ValueError(f"{name} must be a whole number from 0.")
    return replace(quirks, **given)


def described(quirks: Quirks) -> dict[str, dict[str, Any]]:
    """Name to value, default, gap, sentence and choices: what the control space shows."""
    values = asdict(quirks)
    return {
        quirk.name: {"value": values[quirk.name], "default": quirk.default, **quirk.metadata}
        for quirk in fields(Quirks)
    }
