"""``mailfax passwd``: register who may log in, give them another password, or strike them off.

Only the password file is written: whole, into a file beside it that then takes its place, so that a running service
sees the old one or the new one. Lines of others, comments and their order stay.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mailfax.cli import CannotRun, add_config

if TYPE_CHECKING:
    from mailfax.config import User

HELP = "set, change or delete the password with which a user logs in (AUTH)"

#: A password can be tried over the network a few times a minute; shorter ones are guessed in days.
SHORTEST = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the user; upper and lower case are the same")
    parser.add_argument(
        "--listener", metavar="LISTENER", help="bind the user to this listener: copiers must be bound to theirs"
    )
    parser.add_argument("--delete", action="store_true", help="strike the user off")
    add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    from mailfax.cli.settings import find_config
    from mailfax.config import ConfigError, User, load, read_users, where_users_are
    from mailfax.config.kinds import Unfit
    from mailfax.config.names import user_name
    from mailfax.config.users import fold

    source = find_config(arguments)
    try:
        name = user_name(arguments.name)
        file, listeners = where_users_are(source)
        users = {fold(user.name): user for user in read_users(file)}
    except (ConfigError, Unfit) as wrong:
        raise CannotRun(str(wrong)) from None
    known = users.get(fold(name))
    if arguments.delete:
        if arguments.listener:
            raise CannotRun("--delete strikes a user off wholly: leave --listener out")
        if not known:
            raise CannotRun(f'{file} has no user "{name}"; nothing was changed')
        _write(file, known.name, None)
        print(f'user "{known.name}" is deleted; a running service knows it already')
    else:
        listener = arguments.listener or (known.listener if known else "")
        _require_listener(listener, listeners)
        user = User(known.name if known else name, _ask_password(), listener)
        _write(file, user.name, user)
        print(
            f'user "{user.name}" {"has a new password" if known else "is registered"}, good {_where(user, listeners)}'
        )
    try:
        load(source, os.environ)
    except ConfigError as wrong:
        print(f"mailfax passwd: that is done; but the service would not start: {wrong}", file=sys.stderr)
    return 0


def _write(file: Path, name: str, user: User | None) -> None:
    from mailfax.config.users import write_user

    try:
        write_user(file, name, user)
    except OSError as failed:
        raise CannotRun(
            f"{file} can't be written ({failed.strerror}); nothing was changed: run it as its owner, or as root"
        ) from None


def _require_listener(listener: str, listeners: dict[str, bool]) -> None:
    """``listeners``: the listeners where people log in, and whether each is for copiers."""
    if listener and listener not in listeners:
        listed = ", ".join(f'"{listener}"' for listener in listeners) or "none yet"
        raise CannotRun(f'no [[listener]] called "{listener}" has proof = "auth"; those that have: {listed}')
    if not listener and listeners and all(listeners.values()):
        first = next(iter(listeners))
        raise CannotRun(f'every listener with proof = "auth" is for copiers: bind the user with --listener "{first}"')


def _where(user: User, listeners: dict[str, bool]) -> str:
    if user.listener:
        return f'on listener "{user.listener}" alone'
    open_ones = [f'"{listener}"' for listener, device in listeners.items() if not device]
    return f"on {', '.join(open_ones)}" if open_ones else 'nowhere yet: no [[listener]] has proof = "auth"'


def _ask_password() -> str:
    """The hash of a password: asked for twice on a terminal, one line of a pipe."""
    import getpass

    from mailfax.passwords import hash_password

    try:
        if sys.stdin.isatty():
            password = getpass.getpass("Password: ")
            if password != getpass.getpass("The same again: "):
                raise CannotRun("the two are not the same; nothing was changed")
        else:
            password = sys.stdin.readline().rstrip("\r\n")
    except (EOFError, UnicodeDecodeError):
        raise CannotRun("no password could be read; nothing was changed") from None
    if len(password) < SHORTEST:
        raise CannotRun(
            f"a password of {len(password)} signs is too easily guessed; nothing was changed: take {SHORTEST} or more"
        )
    try:
        return hash_password(password)
    except ValueError as wrong:
        raise CannotRun(f"{wrong}; nothing was changed") from None
