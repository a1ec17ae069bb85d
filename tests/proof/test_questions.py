"""Questions are few, end in time, and are asked in the real DNS as in the tests."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from mailfax.proof import Prover
from mailfax.proof.questions import MOST, NoResolver, Questions, Temporary, TooMany, by_resolver
from tests.proof.conftest import ALICE, BODY, HEADER, LISTENERS, OUTSIDE, Backend, Zones, config, sign

pytestmark = pytest.mark.anyio


class Server:
    """A name server on loopback with the zones of a test. Names in ``broken`` are answered SERVFAIL."""

    def __init__(self, zones: Zones) -> None:
        self._zones = zones
        self.broken: set[str] = set()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def resolver(self) -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = self._socket.getsockname()[1]
        return resolver

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            packet, client = self._socket.recvfrom(4096)
            if not packet:
                return
            self._socket.sendto(self._answer(dns.message.from_wire(packet)).to_wire(), client)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        [question] = query.question
        name = question.name.to_text(omit_final_dot=True)
        kind = dns.rdatatype.to_text(question.rdtype)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        records = self._zones.records.get((name, kind), [])
        assert isinstance(records, list)
        if name in self.broken:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif records:
            written = [_quoted(text) if kind == "TXT" else text for text in records]
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *written))
        elif not any(known == name for known, _ in self._zones.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


def _quoted(text: str) -> str:
    """As several strings: one has at most 255 octets (RFC 1035 3.3)."""
    return " ".join(f'"{text[start : start + 200]}"' for start in range(0, len(text), 200))


@pytest.fixture
def server(zones: Zones) -> Iterator[Server]:
    server = Server(zones)
    yield server
    server.close()


def test_records_come_as_text(server: Server, zones: Zones) -> None:
    zones.records["example.com", "MX"] = ["10 mx1.example.com.", "20 mx2.example.com."]
    zones.records["example.com", "A"] = ["192.0.2.1"]
    zones.records["example.com", "AAAA"] = ["2001:db8::1"]
    zones.records["1.2.0.192.in-addr.arpa", "PTR"] = ["example.com."]
    lookup = by_resolver(server.resolver())
    assert sorted(lookup("example.com", "MX", 5)) == ["10 mx1.example.com", "20 mx2.example.com"]
    assert lookup("example.com", "A", 5) == ["192.0.2.1"]
    assert lookup("example.com", "AAAA", 5) == ["2001:db8::1"]
    assert lookup("1.2.0.192.in-addr.arpa", "PTR", 5) == ["example.com"]
    assert lookup("_dmarc.example.com", "TXT", 5) == ["v=DMARC1; p=reject"]
    assert lookup("s1._domainkey.example.com", "TXT", 5) == zones.records["s1._domainkey.example.com", "TXT"]


def test_no_such_name_and_no_such_record_are_no_records(server: Server) -> None:
    lookup = by_resolver(server.resolver())
    for name in ("nobody.example", "_dmarc.example.com", f"{'x' * 64}.example", "a..example", f"{'x.' * 130}example"):
        assert lookup(name, "A", 5) == []


def test_a_server_that_fails_or_is_silent_gives_no_answer_now(server: Server) -> None:
    server.broken.add("example.com")
    with pytest.raises(Temporary, match=r"example\.com"):
        by_resolver(server.resolver())("example.com", "TXT", 2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], silent.getsockname()[1]
        with pytest.raises(Temporary):
            by_resolver(resolver)("example.com", "TXT", 0.2)


async def test_a_mail_is_proven_over_the_real_wire(server: Server, tmp_path: Path) -> None:
    prover = Prover(config(*LISTENERS), lookup=by_resolver(server.resolver()))
    backend = Backend(prover, tmp_path)
    try:
        assert (await backend.prove(sign(HEADER + b"\r\n" + BODY))).address == ALICE
        assert (await backend.prove(HEADER + b"\r\n" + BODY, sender=ALICE, ip=OUTSIDE)).address == ALICE
        assert (await backend.prove(HEADER + b"\r\n" + BODY, sender=ALICE)).address == ""
        server.broken.add("s2._domainkey.example.com")
        found = await backend.prove(sign(HEADER + b"\r\n" + BODY, selector="s2"))
        assert found.address == "" and found.temporary
    finally:
        prover.close()


def test_one_question_is_asked_once(zones: Zones) -> None:
    questions = Questions(zones.lookup, time.monotonic() + 5)
    assert questions.ask("Example.com.", "TXT") == questions.ask("example.com", "TXT") != []
    assert zones.asked == [("example.com", "TXT")]


def test_there_is_an_end_to_questions_and_to_time(zones: Zones) -> None:
    questions = Questions(zones.lookup, time.monotonic() + 5)
    for number in range(MOST):
        questions.ask(f"{number}.example", "A")
    with pytest.raises(TooMany):
        questions.ask("one.more.example", "A")
    with pytest.raises(Temporary):
        Questions(zones.lookup, time.monotonic()).ask("example.com", "TXT")
    assert len(zones.asked) == MOST


def test_a_record_made_to_hurt_is_passed_over(server: Server, zones: Zones) -> None:
    zones.records["long.example", "TXT"] = ["x" * 4097, "short"]
    # Too long for a datagram, which the server here does not truncate; loopback takes it.
    assert by_resolver(server.resolver())("long.example", "TXT", 5) == ["short"]


def test_a_machine_without_resolver_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object, **__: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver.Resolver, "read_resolv_conf", none)
    with pytest.raises(NoResolver, match=r"/etc/resolv\.conf"):
        by_resolver()
