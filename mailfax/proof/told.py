"""What a relay tells of a mail in its Authentication-Results field.

In: the fields of a mail that a known relay handed to us, the relay's authserv-id, and the author. Out: ``Proven`` or
``Unproven``. Only the topmost such field is read, and only where it stands above the second Received line: what
stands below was there before the relay took the mail, and anybody may have written it.

The relay must remove fields with its own authserv-id from mail that comes in (RFC 8601 5): one that came in with the
mail stands right below the relay's own Received line, where the relay's own field may stand as well.

STANDARDS: RFC 8601 2.2 (form), 2.5 (authserv-id), 2.7 (methods), 5 (removal); RFC 7489 11 (dmarc=).
LIMITS: a field that is not written as RFC 8601 has it is not believed, as a whole (Microsoft 365 writes such).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailfax.proof.alignment import aligned
from mailfax.proof.author import Author, Field, Unproven, unfold
from mailfax.rules.envelope import Proven

_OUTSIDE = re.compile(r'"(?:[^"\\]|\\.)*"|[()]|[^"()\\]+')
_INSIDE = re.compile(r"\\.|[()]|[^()\\]+")
_STATEMENT = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^";])*')
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_SERVICE = re.compile(rf'({_QUOTED}|[^\s";=]+)(?: ([0-9]+))?')
_METHOD = re.compile(r"([a-z][a-z0-9-]*)(?: ?/ ?([0-9]+))? ?= ?([a-z][a-z0-9-]*)", re.IGNORECASE)
_PROPERTY = re.compile(
    rf' (reason|[a-z][a-z0-9-]* ?\. ?[a-z][a-z0-9-]*) ?= ?({_QUOTED}(?:@[^\s";]+)?|[^\s";]*)', re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Result:
    """One method and what came of it. ``properties``: (``header.from``, its value), names in lower case."""

    method: str
    result: str
    properties: tuple[tuple[str, str], ...]

    def domain(self, *names: str) -> str:
        """The domain in the first of these properties that is there, in lower case; "" where none is."""
        for name in names:
            values = [value for given, value in self.properties if given == name]
            if values:
                return values[0].rpartition("@")[2].lower() if len(values) == 1 else ""
        return ""


def judge_told(fields: list[Field], authserv_id: str, author: Author) -> Proven | Unproven:
    """Whether the relay with that authserv-id tells that the author's domain stands behind the mail."""
    results = _topmost(fields, authserv_id)
    if isinstance(results, Unproven):
        return results
    verdicts = {result.result for result in results if result.method == "dmarc"}
    if verdicts == {"pass"}:
        if all(result.domain("header.from") == author.domain for result in results if result.method == "dmarc"):
            return Proven(author.address, f"dmarc=pass by {authserv_id}")
        return Unproven(f"{authserv_id} checked another author than the one in From")
    # "none": the domain has no DMARC record, and so asks for no more than relaxed alignment.
    if verdicts - {"none"}:
        temporary = verdicts <= {"pass", "none", "temperror"}
        return Unproven(f"{authserv_id} says dmarc={'/'.join(sorted(verdicts))}", temporary)
    for result in results:
        if result.result == "pass" and (domain := _proves(result)) and aligned(domain, author.domain):
            return Proven(author.address, f"{result.method}=pass of {domain} by {authserv_id}")
    return Unproven(f"{authserv_id} tells of no aligned pass for {author.domain}")


def _proves(result: Result) -> str:
    """The domain that a pass of this method stands for; "" for methods that prove no domain."""
    if result.method == "spf":
        return result.domain("smtp.mailfrom", "smtp.mail")
    return result.domain("header.d", "header.i") if result.method == "dkim" else ""


def _topmost(fields: list[Field], authserv_id: str) -> tuple[Result, ...] | Unproven:
    received = 0
    for name, value in fields:
        received += name.lower() == b"received"
        if received > 1:
            break
        if name.lower() == b"authentication-results":
            found = read_results(unfold(value).decode("utf-8", "replace"))
            if found is None:
                return Unproven("its topmost Authentication-Results can't be read")
            if found[0].lower() != authserv_id.lower():
                return Unproven(f"its topmost Authentication-Results is not of {authserv_id}")
            return found[1]
    return Unproven(f"{authserv_id} wrote no Authentication-Results above the second Received line")


def read_results(value: str) -> tuple[str, tuple[Result, ...]] | None:
    """(authserv-id, results) of one unfolded field; None where it is not written as RFC 8601 has it."""
    text = _without_comments(value)
    if text is None:
        return None
    statements = []
    place = 0
    while place <= len(text):
        found = _STATEMENT.match(text, place)
        assert found is not None  # the pattern matches nothing at all, too
        if found.end() < len(text) and text[found.end()] != ";":
            return None
        statements.append(" ".join(found[0].split()))
        place = found.end() + 1
    service = _SERVICE.fullmatch(statements[0])
    if service is None or service[2] not in (None, "1") or len(statements) < 2:
        return None
    if not statements[-1]:  # a trailing semicolon, which some write
        statements.pop()
    if [each.lower() for each in statements[1:]] == ["none"]:
        return _unquote(service[1]), ()
    results = [_result(each) for each in statements[1:]]
    return None if None in results else (_unquote(service[1]), tuple(filter(None, results)))


def _result(statement: str) -> Result | None:
    found = _METHOD.match(statement)
    if found is None or found[2] not in (None, "1"):
        return None
    method, result, place = found[1].lower(), found[3].lower(), found.end()
    properties = []
    while place < len(statement):
        found = _PROPERTY.match(statement, place)
        if found is None:
            return None
        properties.append((found[1].replace(" ", "").lower(), _unquote(found[2])))
        place = found.end()
    return Result(method, result, tuple(properties))


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[:1] == '"' and text[-1:] == '"' else text


def _without_comments(value: str) -> str | None:
    """Comments become a blank; None where brackets or quotes don't match. A quote in a comment is a sign like any."""
    parts, depth, place = [], 0, 0
    while place < len(value):
        found = (_INSIDE if depth else _OUTSIDE).match(value, place)
        if found is None:
            return None
        place = found.end()
        if found[0] == "(":
            depth += 1
            parts.append(" ")
        elif found[0] == ")":
            depth -= 1
            if depth < 0:
                return None
        elif not depth:
            parts.append(found[0])
    return None if depth else "".join(parts)
