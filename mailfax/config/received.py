"""What the mails that bring received faxes look like: ``[received]``; whose number is whose: ``[contacts]``; to which
nobody may fax: ``[blocked]``; and the
secret of webhooks.

In: ``Part`` values; a CSV file; the environment. Out: ``Received``; text. Raises ``ConfigError``.

STANDARDS: RFC 4180 (CSV), with "," or ";" as spreadsheets write it.
"""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Mapping, Sequence

from mailfax.config.kinds import Kind, Unfit, some_text
from mailfax.config.names import whole_number
from mailfax.config.tables import Part
from mailfax.config.targets import PRINT, WEBHOOK, kind_of
from mailfax.config.templates import number
from mailfax.config.values import Received


def read_received(part: Part, contacts: Part) -> Received:
    """The two tables, and the file that the first one names."""
    listed = list(contacts.values.items())
    listed += _listed(part, "contacts_file", "name", number)
    return Received(part["subject_template"], part["attachment_name"], tuple(listed), part["fax_back"])


def read_webhook_secret(
    accounts: Sequence[Part],
    routes: Sequence[Part],
    senders: Sequence[Part],
    *,
    secrets: Mapping[str, str] | None,
) -> str:
    """The key by which a webhook knows that it was us, where some target is one."""
    for part in (*accounts, *routes):
        for key in ("deliver_to", "copy_to"):
            if secrets is not None and any(kind_of(each) == WEBHOOK for each in part.values.get(key, ())):
                return _checked_secret(part, key, secrets.get("MAILFAX_WEBHOOK_SECRET", ""))
    for part in senders:
        if secrets is not None and part["outcome_webhook"]:
            return _checked_secret(part, "outcome_webhook", secrets.get("MAILFAX_WEBHOOK_SECRET", ""))
    return ""


def require_printable(accounts: Sequence[Part], routes: Sequence[Part]) -> None:
    """No printer opens a PDF with a password: where one may get such a fax, say so before it comes."""
    for account in accounts:
        meant = [route for route in routes if not route["account"] or account["name"] in route["account"]]
        for part in (account, *meant):
            for key in ("deliver_to", "copy_to"):
                if account["pdf_password"] and any(kind_of(each) == PRINT for each in part.values.get(key, ())):
                    text = (
                        f'a printer stands beside pdf_password = true of the account "{account["name"]}", and can\'t'
                    )
                    part.refuse(key, f"{text} open its PDFs; take one of the two out")


def _checked_secret(part: Part, key: str, secret: str) -> str:
    """As Standard Webhooks have it: "whsec_", and the base64 of 24 to 64 bytes."""
    how = 'set MAILFAX_WEBHOOK_SECRET in the environment or .env: "whsec_", and what "openssl rand -base64 32" prints'
    if not secret:
        part.refuse(key, f"the secret that signs what webhooks get is missing; {how}")
    try:
        length = len(base64.b64decode(secret.removeprefix("whsec_"), validate=True))
    except ValueError:
        length = 0
    if not (secret.startswith("whsec_") and 24 <= length <= 64):
        part.refuse(key, f"MAILFAX_WEBHOOK_SECRET is no secret of 24 to 64 bytes; {how}")
    return secret


def read_blocked(part: Part, blocked: Part) -> tuple[tuple[str, str], ...]:
    """(digits, why nobody may fax there): the table ``[blocked]``, and the file that ``blocked_file`` names."""
    return (*blocked.values.items(), *_listed(part, "blocked_file", "reason", whole_number))


def _listed(part: Part, key: str, second: str, first: Kind) -> list[tuple[str, str]]:
    """The rows of the CSV file that ``key`` names: what ``first`` reads, and a text; none where there is no file."""
    path = part.path(key, "a CSV file")
    if not path:
        return []
    try:
        content = path.read_text("utf-8-sig")
    except UnicodeDecodeError as problem:
        part.refuse(key, f'"{path}": byte {problem.start} is not UTF-8; save the file as UTF-8')
    return _rows(part, key, content, second, first)


def _rows(part: Part, key: str, content: str, second: str, first: Kind) -> list[tuple[str, str]]:
    """Both columns of each line; the first line may be a heading."""
    delimiter = ";" if ";" in content.partition("\n")[0] else ","
    rows = []
    for line, row in enumerate(csv.reader(io.StringIO(content), delimiter=delimiter), 1):
        if not any(cell.strip() for cell in row):
            continue
        try:
            if len(row) != 2:
                raise Unfit(f"{len(row)} columns; write number{delimiter}{second}")
            rows.append((first(row[0].strip()), some_text(row[1])))
        except Unfit as problem:
            is_heading = line == 1 and not any(sign.isdigit() for sign in row[0])
            if not is_heading:
                part.refuse(key, f"line {line}: {problem}")
    return rows
