"""Draws from the code what the documents show of it. ``scripts/draw`` writes, the tests of structure compare.

Out: the whole text of ``docs/states.md``, ``docs/notifications.md``, ``docs/reference/cli.md``, ``log.md`` and
``answers.md`` there, and the manual page ``docs/mailfax.1``, and the marked parts of ``docs/architecture.md``.
"""

from __future__ import annotations

import argparse
import ast
import enum
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from argparse_manpage.manpage import Manpage

from mailfax import __version__, maillog, wiring
from mailfax.cli import build_parser
from mailfax.context import Worker
from mailfax.rules import states
from mailfax.rules.states import INBOUND, JOB, LETTER, Machine
from mailfax.rules.status import Cause
from tests.structure.notifications import notifications
from tests.structure.packages import LAYER_NAMES, LAYERS, LEAVES, PACKAGE, SANDBOX, TOP, all_imports, known_modules

STATES_PAGE = """\
# States

Drawn by `scripts/draw` from `mailfax/rules/states.py`; a test compares. What is not in these tables raises
`NotAllowed`. Every arrow is committed together with one line of history; an arrow into a final state of a fax job is
committed together with the letter or report it owes.
"""
COMMANDS_PAGE = """\
# Commands

Drawn by `scripts/draw` from the parser of the `mailfax` command; a test compares. Exit status: 0 done, 1 it did
not work and a sentence says why, 2 the command line was wrong.
"""
LOG_PAGE = """\
# The log

Drawn by `scripts/draw` from `mailfax/maillog.py`; a test compares. A line is `<queue ID>: <event> key=value …`, or an
object with the same names where `mailfax serve --log json` says so ([monitor](../howto/monitor.md)). Empty facts are
left out. What belongs to no message or fax has "-" in place of a queue ID. Of a fax number its last four digits are
written, or all with `serve --whole-numbers`. No subject, text or password is ever written.

| event | when | facts |
|---|---|---|
"""
ANSWERS_PAGE = """\
# Answers

Drawn by `scripts/draw` from `mailfax/rules/status.py`; a test compares. What an SMTP client is answered, and what
stands in notifications: the SMTP reply code ("-" where SMTP never says it), the RFC 3463 code, and the sentence.
The cause is what the log says of a refused client.

| cause | reply | code | sentence |
|---|---|---|---|
"""
BEGIN, END = "<!-- drawn by scripts/draw: begin {} -->", "<!-- drawn by scripts/draw: end -->"


def architecture() -> str:
    """``docs/architecture.md`` with what stands between its marks drawn anew."""
    text = (TOP / "docs/architecture.md").read_text()
    for name, drawn in (("imports", f"```\n{imports()}```\n"), ("workers", workers()), ("smtpd", smtpd())):
        begin = BEGIN.format(name)
        before, _, rest = text.partition(begin)
        _, mark, after = rest.partition(END)
        if not mark:
            raise ValueError(f"docs/architecture.md has lost its marks {begin} and {END}")
        text = f"{before}{begin}\n{drawn}{END}{after}"
    return text


def workers() -> str:
    """A row for each worker: what it does, what it is given beside the context, and what wakes it."""
    rows = ["| worker | does | is given | is woken by |", "|---|---|---|---|"]
    known = [each for each in vars(wiring).values() if isinstance(each, type) and issubclass(each, Worker)]
    for worker in known:
        if worker is Worker:
            continue
        _, *given = inspect.signature(worker.__init__).parameters
        module = worker.__module__.removeprefix("mailfax.").replace(".", "/")
        does = _first_sentence(worker.__doc__ or "")
        news = ", ".join(f"`{name}`" for name in worker.news) or "time"
        rows.append(f"| `{module}.py` {worker.__name__} | {does} | {', '.join(given)} | {news} |")
    return "\n".join(rows) + "\n"


def smtpd() -> str:
    """A row for each module of the SMTP server, those first that know no other: what it is, and whom it knows."""
    package = {name: targets for name, targets in known_modules().items() if name.startswith("mailfax.smtpd.")}
    rows, done = ["| module | what it is | knows |", "|---|---|---|"], set[str]()
    while left := sorted(name for name in package if name not in done):
        for name in [name for name in left if package[name] & package.keys() <= done]:
            path = PACKAGE / f"{name.removeprefix('mailfax.').replace('.', '/')}.py"
            what = _first_sentence(ast.get_docstring(ast.parse(path.read_text())) or "")
            knows = ", ".join(sorted(each.rpartition(".")[2] for each in package[name] & package.keys()))
            rows.append(f"| `smtpd/{path.name}` | {what} | {knows or '-'} |")
            done.add(name)
    return "\n".join(rows) + "\n"


def _first_sentence(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split()).partition(". ")[0].removesuffix(".").replace("``", "`")


def imports() -> str:
    """One line a package, from the top layer down: the packages that it imports."""
    known: dict[str, set[str]] = {}
    for each in all_imports():
        if each.package and each.package != "__main__":
            packages = known.setdefault(each.package, set())
            if each.target_package and each.target_package != each.package:
                packages.add(each.target_package)
    rows = [
        (name, package)
        for name, packages in reversed(list(zip(LAYER_NAMES, LAYERS, strict=True)))
        for package in packages
        if package in known
    ]
    rows += [("leaves", leaf) for leaf in LEAVES if leaf in known] + [("apart", SANDBOX)]
    lines, last = [], ""
    for name, package in rows:
        targets = " ".join(sorted(known[package])) or "nobody"
        lines.append(f"{name if name != last else '':<9}{package:<11}-> {targets}\n")
        last = name
    return "".join(lines)


def state_tables() -> str:
    """``docs/states.md``: each machine as a figure, its states with their meaning, and its table."""
    parts = [STATES_PAGE]
    for machine, kinds in (
        (JOB, states.JobState),
        (INBOUND, states.InboundState),
        (LETTER, states.LetterState),
    ):
        parts += [_figure(machine), _meanings(machine, kinds), _table(machine)]
    return "\n".join(parts)


def _arrows(machine: Machine[Any, Any]) -> dict[tuple[Any, Any], list[str]]:
    """(from, to) -> the words of the events that lead there, in the order of the table."""
    arrows: dict[tuple[Any, Any], list[str]] = {}
    for (state, event), to in machine.arrows.items():
        arrows.setdefault((state, to), []).append(event.value)
    return arrows


def _figure(machine: Machine[Any, Any]) -> str:
    lines = [f"## The states of a {machine.name}\n", "```mermaid", "stateDiagram-v2"]
    lines.append(f"    [*] --> {machine.start.name}")
    lines += [
        f"    {state.name} --> {to.name}: {' / '.join(words)}" for (state, to), words in _arrows(machine).items()
    ]
    lines += [f"    {state.name} --> [*]" for state in type(machine.start) if state in machine.final]
    return "\n".join(lines) + "\n```\n"


def _meanings(machine: Machine[Any, Any], kinds: type[enum.StrEnum]) -> str:
    """The states with the sentence that stands behind each in the source."""
    sentences = dict(re.findall(r'^    (\w+) = "[^"]*"  #: (.+)$', inspect.getsource(kinds), re.MULTILINE))
    rows = ["| state | word | meaning |", "|---|---|---|"]
    rows += [f"| {state.name} | {state.value} | {sentences[state.name]} |" for state in kinds]
    return "\n".join(rows) + "\n"


def _table(machine: Machine[Any, Any]) -> str:
    rows = ["| from | event | to |", "|---|---|---|"]
    rows += [f"| {state.name} | {event.value} | {to.name} |" for (state, event), to in machine.arrows.items()]
    return "\n".join(rows) + "\n"


def verbs() -> dict[str, tuple[str, argparse.ArgumentParser]]:
    """verb -> (its one line of help, its parser)."""
    (choice,) = (action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction))
    help_of = {each.dest: each.help or "" for each in choice._choices_actions}
    return {verb: (help_of.get(verb, ""), parser) for verb, parser in choice.choices.items()}


def commands() -> str:
    """``docs/reference/cli.md``: each verb with its options, as the parser knows them."""
    parts = [COMMANDS_PAGE]
    for verb, (sentence, parser) in verbs().items():
        parts.append(f"## mailfax {verb}\n\n{sentence[:1].upper()}{sentence[1:]}.\n")
        options = [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]
        if options:
            rows = ["| option | meaning |", "|---|---|"]
            rows += [f"| `{_spelled(action)}` | {_explained(action)} |" for action in options]
            parts.append("\n".join(rows) + "\n")
    return "\n".join(parts)


def _spelled(action: argparse.Action) -> str:
    metavar = action.metavar or (action.dest if not action.option_strings else action.dest.upper())
    shown = metavar if isinstance(metavar, str) else " ".join(metavar)
    if action.choices:
        shown = "{" + ",".join(map(str, action.choices)) + "}"
    if not action.option_strings:
        return {"+": f"{shown}…", "*": f"[{shown}…]", "?": f"[{shown}]"}.get(str(action.nargs), shown)
    return ", ".join(action.option_strings) + ("" if action.nargs == 0 else f" {shown}")


def _explained(action: argparse.Action) -> str:
    return (action.help or "").replace("%(default)s", str(action.default)).replace("|", "\\|")


def manual() -> str:
    """``docs/mailfax.1``: the manual page, made from the same parser as ``--help``."""
    page = str(Manpage(build_parser()))
    title = f'.TH MAILFAX "1" "" "mailfax {__version__}" "User commands"\n'
    return title + re.sub(
        r"^\.SH NAME\nmailfax$", r".SH NAME\nmailfax \\- a bridge between e-mail and the FaxCore fax service",
        page.partition("\n")[2], count=1, flags=re.MULTILINE,
    )  # fmt: skip


def log_events() -> str:
    """``docs/reference/log.md``: a row for each function of ``maillog`` that writes a line."""
    rows = []
    for function in ast.parse(inspect.getsource(maillog)).body:
        calls = [each for each in ast.walk(function) if isinstance(each, ast.Call) and _name(each.func) == "line"]
        if isinstance(function, ast.FunctionDef) and calls:
            (call,) = calls
            events = event_names(function, call.args[1])
            facts = [f"`{each.arg}`" if each.arg else "…" for each in call.keywords]
            when = " ".join((ast.get_docstring(function) or "").split()).replace("``", "`")
            rows.append(f"| {', '.join(f'`{event}`' for event in events)} | {when} | {', '.join(facts)} |\n")
    return LOG_PAGE + "".join(rows)


def event_names(function: ast.FunctionDef, event: ast.expr) -> list[str]:
    """The words of an event: one, or, where they are states, those that the docstring names."""
    if isinstance(event, ast.Constant):
        return [str(event.value)]
    prefix = str(event.values[0].value) if isinstance(event, ast.JoinedStr) else ""  # type: ignore[attr-defined]
    return [
        word for word in re.findall(r"``([\w-]+)``", ast.get_docstring(function) or "") if word.startswith(prefix)
    ]


def _name(called: ast.expr) -> str:
    return called.id if isinstance(called, ast.Name) else ""


def answers() -> str:
    """``docs/reference/answers.md``: a row for each cause."""
    rows = []
    for cause in Cause:
        reply, code, sentence = cause.value
        word = cause.name.lower().replace("_", "-")
        rows.append(
            f"| `{word}` | {reply or '-'} | {code} | {sentence.replace('|', '&#124;')} |\n".replace("<", "&lt;")
        )
    return ANSWERS_PAGE + "".join(rows)


DRAWINGS: dict[Path, Callable[[], str]] = {
    TOP / "docs/architecture.md": architecture,
    TOP / "docs/states.md": state_tables,
    TOP / "docs/reference/cli.md": commands,
    TOP / "docs/reference/log.md": log_events,
    TOP / "docs/reference/answers.md": answers,
    TOP / "docs/mailfax.1": manual,
    TOP / "docs/notifications.md": notifications,
}

if __name__ == "__main__":
    for path, draw in DRAWINGS.items():
        path.write_text(draw())
