"""Replies that are kept: by owner, for a while, one after another."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from store_kit import database

from asbru.store import Target, replies
from asbru.store.db import Db
from asbru.store.replies import Kept, TooLong

NOW = 1_000.0


def kept(id: str, previous: str = "", owner: str = "ada", life: float = 50.0) -> Kept:
    return Kept(id=id, owner=owner, previous=previous, asked=b"[1]", reply=b"{}", created_at=NOW, expires_at=NOW + life)


@pytest.fixture
def db(where: Target) -> Db:
    return database(where)


def test_a_reply_is_found_by_its_owner_until_its_time_is_over(db: Db) -> None:
    one = kept("a")
    replies.add(db, one)
    replies.add(db, replace(one, reply=b"[]"))
    assert replies.find(db, "ada", "a", NOW) == one
    assert replies.find(db, "bo", "a", NOW) is None
    assert replies.find(db, "ada", "b", NOW) is None
    assert replies.find(db, "ada", "a", NOW + 50) is None


def test_a_conversation_is_whole_or_gone(db: Db) -> None:
    first, second, third = kept("a"), kept("b", "a"), kept("c", "b")
    for each in (first, second, third):
        replies.add(db, each)
    assert replies.conversation(db, third, NOW, 100) == [first, second, third]
    with pytest.raises(TooLong):
        replies.conversation(db, third, NOW, 9)
    assert not replies.delete(db, "bo", "b", NOW)
    assert replies.delete(db, "ada", "b", NOW)
    assert not replies.delete(db, "ada", "b", NOW)
    assert replies.conversation(db, third, NOW, 100) is None


def test_others_replies_are_not_part_of_a_conversation(db: Db) -> None:
    replies.add(db, kept("a", owner="bo"))
    mine = kept("b", "a")
    replies.add(db, mine)
    assert replies.conversation(db, mine, NOW, 100) is None


def test_what_is_over_is_removed_in_steps(db: Db) -> None:
    for n in range(250):
        replies.add(db, kept(f"r{n}"))
    replies.add(db, kept("later", life=500))
    assert replies.expire(db, NOW + 100)
    assert not replies.expire(db, NOW + 100)
    assert db.execute("SELECT id FROM replies").fetchall() == [("later",)]


@pytest.mark.parametrize(("statement", "values"), [(replies.FIND, 2), (replies.EXPIRED, 2)])
def test_no_statement_reads_the_whole_table(tmp_path: Path, statement: str, values: int) -> None:
    db = database(tmp_path)
    plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}", [1] * values)]
    assert all("INDEX" in step for step in plan), plan
