"""``mailfax token``: tokens with which programs ask the API: made, listed, deleted. Only a hash of each is kept."""

from __future__ import annotations

import argparse
import secrets
from typing import TYPE_CHECKING

from mailfax.cli import CannotRun, add_config

if TYPE_CHECKING:
    from mailfax.config import Config
    from mailfax.spool import Spool

HELP = "make, list and delete the tokens with which programs use the HTTP API"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("add", "list", "delete"), help="what to do")
    parser.add_argument("name", metavar="NAME", nargs="?", default="", help="of the token: what it is for")
    parser.add_argument("--user", metavar="LOGIN", help="add: the [[page_user]] whose role and addresses it has")
    parser.add_argument(
        "--days", metavar="N", type=int, default=0, help="add: good for so many days (default: for ever)"
    )
    add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    from mailfax.cli.settings import load_config, with_spool

    config = load_config(arguments, passwords=False)
    if arguments.action != "list" and not arguments.name:
        raise CannotRun(f"say which: mailfax token {arguments.action} NAME")
    if arguments.action == "add":
        return with_spool(config, lambda spool: _add(spool, config, arguments))
    if arguments.action == "delete":
        return with_spool(config, lambda spool: _delete(spool, arguments.name))
    return with_spool(config, _list)


async def _add(spool: Spool, config: Config, arguments: argparse.Namespace) -> int:
    from mailfax.config.users import fold
    from mailfax.spool import TOKEN

    users = {fold(user.login): user.login for user in config.page_users}
    login = users.get(fold(arguments.user or ""))
    if login is None:
        listed = ", ".join(users.values()) or "none yet"
        raise CannotRun(f"--user: name a [[page_user]] of the configuration; there are: {listed}")
    if arguments.days < 0:
        raise CannotRun("--days: write a number of days, or leave it out")
    secret = secrets.token_urlsafe(32)
    if not await spool.bearers.add(secret, TOKEN, login, name=arguments.name, seconds=arguments.days * 86_400.0):
        raise CannotRun(f'there is a token "{arguments.name}" already; delete it first, or take another name')
    print(secret)
    return 0


async def _delete(spool: Spool, name: str) -> int:
    from mailfax.spool import TOKEN

    if not await spool.bearers.remove(TOKEN, name=name):
        raise CannotRun(f'there is no token "{name}"; mailfax token list tells them')
    print(f'token "{name}" is deleted; nobody can use it any more')
    return 0


async def _list(spool: Spool) -> int:
    from mailfax.cli.times import when

    tokens = await spool.bearers.tokens()
    for token in tokens:
        ends = f", ends {when(token.ends_at)}" if token.ends_at else ""
        print(f"{token.name}: of {token.login}, made {when(token.made_at)}, used {when(token.used_at)}{ends}")
    if not tokens:
        print("there is no token")
    return 0
