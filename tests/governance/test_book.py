"""Slices in memory and meters in the store: together they never give out more than a limit has."""

from hypothesis import given, settings
from hypothesis import strategies as st

from asbru.governance import Book, Hold, Need, Shortage, window_of
from asbru.model.people import Allowance, Measure, Spend
from asbru.store import SqliteTarget, Target, backend_of, meters
from asbru.store.db import Db, transaction

MOST = 100


def _allowance(most: int = MOST, measure: Measure = Measure.MONEY, window: str = "1h") -> Allowance:
    return Allowance(id="m1", level="VK", measure=measure, most=most, window=window_of(window))


def _store(where: Target) -> Db:
    backend = backend_of(where)
    backend.prepare()
    return backend.connect()


def _more(db: Db, book: Book, short: Shortage, holder: int, now: float, ahead: int = 0) -> None:
    with transaction(db):
        need = Need(short.need.of, short.lack)
        for got in meters.grant(db, [(need, ahead)], holder, now):
            book.granted(short.need, got, now)


def _take(db: Db, book: Book, amount: int, holder: int = 1, now: float = 0.0) -> Hold | Shortage:
    needs = [Need(_allowance(), amount)]
    held = book.take(needs, now)
    if isinstance(held, Shortage) and not held.empty:
        _more(db, book, held, holder, now)
        held = book.take(needs, now)
    return held


def test_what_is_held_is_free_again_but_for_what_was_spent(where: Target) -> None:
    db, book = _store(where), Book()
    held = _take(db, book, 60)
    assert not isinstance(held, Shortage)
    short = _take(db, book, 60)
    assert isinstance(short, Shortage)
    assert (short.empty, short.used) == (True, 60)
    spends = book.settle(held, 10, 0, 1)
    with transaction(db):
        meters.spend(db, [(each, 0.0) for each in spends])
    assert not isinstance(_take(db, book, 60, now=1.0), Shortage)
    assert isinstance(_take(db, book, 60, now=1.0), Shortage)


def test_an_empty_limit_is_not_asked_for_again_at_once(where: Target) -> None:
    db, book = _store(where), Book()
    assert not isinstance(_take(db, book, MOST), Shortage)
    first = _take(db, book, 1)
    assert isinstance(first, Shortage)
    assert first.empty
    assert first.until == 3_600.0
    later = book.take([Need(_allowance(), 1)], 0.3)
    assert isinstance(later, Shortage)
    assert not later.empty


def test_a_new_period_begins_with_nothing_spent(where: Target) -> None:
    db, book = _store(where), Book()
    held = _take(db, book, MOST)
    assert not isinstance(held, Shortage)
    assert not isinstance(_take(db, book, MOST, now=3_601.0), Shortage)
    book.give_back(held)
    assert isinstance(_take(db, book, 1, now=3_602.0), Shortage), (
        "what comes back from the old period is no longer worth anything"
    )


def test_several_limits_are_held_together_or_not_at_all(where: Target) -> None:
    db, book = _store(where), Book()
    wide = Need(Allowance(id="m2", level="Team", measure=Measure.TOKENS, most=1_000, window=window_of("1h")), 5)
    _take(db, book, MOST - 5)
    _more(db, book, Shortage(wide, False, 5), 1, 0.0)
    short = book.take([wide, Need(_allowance(), 50)], 0.0)
    assert isinstance(short, Shortage)
    assert short.need.of.id == "m1"
    assert not isinstance(book.take([wide], 0.0), Shortage), "the first was given back when the second was short"


def test_what_was_not_held_is_spent_all_the_same_in_its_period(where: Target) -> None:
    db, book = _store(where), Book()
    late = Spend("m1", 30, 0, _allowance())
    with transaction(db):
        meters.spend(db, [(late, 0.0), (late, 0.0)])
    assert meters.readings(db, [_allowance()], 1.0)["m1"].spent == 60
    assert isinstance(_take(db, book, 50, now=1.0), Shortage)
    with transaction(db):
        meters.spend(db, [(late, 4_000.0)])
    assert meters.readings(db, [_allowance()], 4_001.0)["m1"].spent == 30, "a period that was over has begun anew"


def test_slices_of_the_dead_are_free(where: Target) -> None:
    from asbru.store import sessions

    db, book = _store(where), Book()
    with transaction(db):
        dead = sessions.begin(db, "w", 30.0)
    assert not isinstance(_take(db, book, MOST, holder=dead), Shortage)
    other = Book()
    assert isinstance(_take(db, other, 1, holder=99), Shortage)
    with transaction(db):
        sessions.end(db, [dead], 31.0)
    assert not isinstance(_take(db, other, MOST, holder=99, now=31.0), Shortage)


_CALL = st.tuples(st.sampled_from([1, 2, 3]), st.integers(1, 40), st.integers(0, 60), st.integers(0, 30))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(_CALL, max_size=40))
def test_three_workers_never_hold_or_spend_more_than_there_is(calls: list[tuple[int, int, int, int]]) -> None:
    """``calls``: worker, held, how much of it is spent, how much is asked for ahead."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        db = _store(SqliteTarget(folder))
        books = {worker: Book() for worker in (1, 2, 3)}
        open_: list[tuple[int, Hold, int]] = []
        spent = 0
        for worker, amount, used, ahead in calls:
            book = books[worker]
            needs = [Need(_allowance(), amount)]
            held = book.take(needs, 0.0)
            if isinstance(held, Shortage) and not held.empty:
                _more(db, book, held, worker, 0.0, ahead)
                held = book.take(needs, 0.0)
            if isinstance(held, Shortage):
                continue
            open_.append((worker, held, min(used, amount)))
            if len(open_) > 3:
                who, done, cost = open_.pop(0)
                with transaction(db):
                    meters.spend(db, [(each, 0.0) for each in books[who].settle(done, cost, 0, 1)])
                spent += cost
            held_now = sum(amount for _, hold, _ in open_ for _, _, amount in hold)
            reading = meters.readings(db, [_allowance()], 0.0)["m1"]
            assert reading.spent == spent
            assert spent + held_now <= MOST
            assert reading.spent + reading.held <= MOST
        db.close()
