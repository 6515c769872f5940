"""Files at places as S3 has them, and deliveries, on both databases."""

from typing import Any

import pytest
from store_kit import database, fill, new_batch

from asbru.model.files import File
from asbru.store import Target, deliveries, files
from asbru.store.db import Db

NOW = 1_000_000.0
PLACES = ("b/B", "b/a", "b/a-1", "b/a/1", "b/a/é", "b/a0", "b/z", "b/日", "c/a")


def placed(place: str, id: str = "", owner: str = "", **members: Any) -> File:
    return File(id=id or place, owner=owner, name="n", size=1, created_at=NOW, place=place, **members)


def listed(db: Db, start: str, end: str, limit: int = 99, owner: str = "") -> list[str]:
    return [file.place for file in files.places(db, owner, (start, end), limit, NOW)]


def test_places_are_in_the_order_of_their_characters(where: Target) -> None:
    db = database(where)
    for place in reversed(PLACES):
        assert files.put(db, placed(place)) == ""
    files.put(db, placed("b/other", owner="bob"))
    files.add(db, placed("", "nowhere"))
    files.put(db, placed("b/gone", expires_at=NOW - 1))
    assert listed(db, "b/", "b/\U0010ffff") == list(PLACES[:-1])
    assert listed(db, "b/a/", "b/a/\U0010ffff") == ["b/a/1", "b/a/é"]
    assert listed(db, "b/a\x01", "b/\U0010ffff", 2) == ["b/a-1", "b/a/1"]
    assert listed(db, "/", "\U0010ffff", owner="bob") == ["b/other"]
    db.close()


def test_a_place_holds_one_file_of_an_owner(where: Target) -> None:
    db = database(where)
    assert files.put(db, placed("b/k", "one", metadata={"a": "é"})) == ""
    assert files.put(db, placed("b/k", "hers", owner="bob")) == ""
    found = files.placed(db, "", "b/k", NOW)
    assert found is not None
    assert (found.id, found.metadata) == ("one", {"a": "é"})
    assert files.put(db, placed("b/k", "two")) == "one"
    assert files.find(db, "", "one", NOW) is None
    assert files.placed(db, "", "", NOW) is None
    db.close()


def test_parts_of_uploads_are_in_no_list(where: Target) -> None:
    db = database(where)
    files.put(db, placed(f"{files.UPLOADS}u/00001", "part"))
    files.add(db, placed("", "file"))
    page = files.page(db, "", files.Wanted(limit=9), NOW)
    assert page is not None
    assert [file.id for file in page.files] == ["file"]
    db.close()


@pytest.mark.parametrize("failure", ["", "no"])
def test_a_delivery_is_held_by_one_and_ends_once(failure: str, where: Target) -> None:
    db = database(where)
    seq = fill(db, new_batch(total=1))
    deliveries.plan(db, seq, "s3://abc/", NOW)
    assert deliveries.hold(db, 7, NOW, 9) == [], "its batch has not ended"
    db.execute("UPDATE batches SET phase = 'ended', ended_at = 1.0")
    assert deliveries.hold(db, 7, NOW - 1, 9) == [], "it is not due"
    (held,) = deliveries.hold(db, 7, NOW, 9)
    assert (held.id, held.target, held.done) == ("b1", "s3://abc/", False)
    assert deliveries.hold(db, 8, NOW, 9) == []
    deliveries.finish(db, 8, seq, "", NOW)
    deliveries.postpone(db, 7, seq, "later", NOW + 5)
    assert deliveries.hold(db, 8, NOW, 9) == []
    (again,) = deliveries.hold(db, 8, NOW + 5, 9)
    assert (again.attempts, again.failure) == (1, "later")
    deliveries.finish(db, 8, seq, failure, NOW + 6)
    assert deliveries.hold(db, 8, NOW + 99, 9) == []
    found = deliveries.of(db, ["b1", "nothing"])
    assert {id: (each.done, each.failure) for id, each in found.items()} == {"b1": (True, failure)}
    db.close()
