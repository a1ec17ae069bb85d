"""The folder of a sandbox: what a kill leaves behind is removed, what was accepted stays."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from mailfax.sandbox.store import Draft, Store


@pytest.fixture
def draft() -> Draft:
    return Draft(
        account="5557152222",
        direction="Outbound",
        number="15552010001",
        subject="Invoice 12",
        cover="",
        sender="5557152222",
        recipient="15552010001",
        filename="a.txt",
        family="text",
        content_type="",
        document="",
        size=5,
        sha256="0" * 64,
        created=1000.0,
        started=0.0,
        visible_from=1000.0,
        code="",
        pages=None,
        status="In Queue",
        folder="Outbox",
        next_at=8.0,
        completed=None,
        delivered=0,
        downloaded=False,
    )


def opened(state: Path) -> Store:
    store = Store(state)
    store.meet(["5557152222", "5557153333"])
    return store


def written(store: Store, draft: Draft) -> Draft:
    document = store.new_document()
    document.write_bytes(b"Hello")
    store.make_durable(document)
    return replace(draft, document=document.name)


def test_ids_have_twelve_digits_rise_and_tell_accounts_apart(tmp_path: Path, draft: Draft) -> None:
    store = opened(tmp_path)
    mine = written(store, draft)
    ids = store.add([mine, replace(mine, account="5557153333"), mine], guid=False)
    store.close()
    assert all(len(id) == 12 and id.isdigit() for id in ids)
    assert ids[0] < ids[2] and {id[:3] for id in ids} == {"208", "209"}


def test_uploads_that_were_never_accepted_are_swept_at_the_start(tmp_path: Path, draft: Draft) -> None:
    store = opened(tmp_path)
    kept = written(store, draft)
    store.add([kept], guid=False)
    written(store, draft)
    (store.drawn / "99.tif").write_bytes(b"of a fax that is gone")
    (store.drawn / "1.part").write_bytes(b"half a drawing")
    (store.drawn / "1.tif").write_bytes(b"whole")
    store.close()
    store = opened(tmp_path)
    store.close()
    assert [path.name for path in store.documents.iterdir()] == [kept.document]
    assert [path.name for path in store.drawn.iterdir()] == ["1.tif"]


def test_a_shared_document_goes_with_its_last_fax(tmp_path: Path, draft: Draft) -> None:
    store = opened(tmp_path)
    shared = written(store, draft)
    first, second = (store.fax(id) for id in store.add([shared, shared], guid=False))
    assert first and second
    store.destroy(first)
    assert (store.documents / shared.document).exists()
    store.destroy(second)
    assert not (store.documents / shared.document).exists()
    store.close()


def test_faxes_added_together_are_all_there_or_none(tmp_path: Path, draft: Draft) -> None:
    store = opened(tmp_path)
    with pytest.raises(sqlite3.IntegrityError):
        store.add([draft, replace(draft, status=None)], guid=False)  # type: ignore[arg-type]
    assert store.faxes("", "", limit=10) == []
    store.close()


def test_a_call_is_the_first_only_once(tmp_path: Path) -> None:
    store = opened(tmp_path)
    assert [store.first_call("a"), store.first_call("a"), store.first_call("b")] == [True, False, True]
    store.close()


def test_a_fax_read_back_is_the_fax_stored(tmp_path: Path, draft: Draft) -> None:
    store = opened(tmp_path)
    (id,) = store.add([draft], guid=True)
    fax = store.fax(id)
    store.close()
    assert fax is not None
    for name in Draft.__dataclass_fields__:
        assert getattr(fax, name) == getattr(draft, name)
