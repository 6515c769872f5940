"""Failures in, the next step out: each case is a story told in one line.

``targets``: legs separated by spaces, each a provider and its keys (``p:ab``). ``story``: failures separated by spaces,
as status, optionally ``@retry-after``. ``steps``: the targets asked (``pa``), each with its wait if it has one, then
``end``.
"""

import random

import pytest

from asbru.model.failure import (
    Broken,
    Failure,
    Overloaded,
    Refused,
    Rejected,
    TimedOut,
    Unreachable,
)
from asbru.model.keys import Key, Secret
from asbru.routing import GiveUp, Leg, Plan, Target, Try, next_step
from asbru.routing.retry import MOST_ATTEMPTS


def plan_of(targets: str, max_retries: int = 2) -> Plan:
    return Plan(tuple(_leg(each, max_retries) for each in targets.split()))


def _leg(target: str, max_retries: int) -> Leg:
    provider, keys = target.split(":")
    made = tuple(Target(provider, "m", Key(id=k, name=k, value=Secret("v"))) for k in keys)
    return Leg(made or (Target(provider, "m", None),), max_retries, 1.0, 4.0)


def failure(word: str) -> Failure:
    status, _, after = word.partition("@")
    retry_after = float(after) if after else None
    match status:
        case "reset":
            return Unreachable(502, word)
        case "silent":
            return TimedOut(504, word)
        case "refused":
            return Refused(400, word)
        case "429" | "503" | "529":
            return Overloaded(int(status), word, retry_after=retry_after)
        case _ if int(status) >= 500:
            return Broken(int(status), word, retry_after=retry_after)
        case _:
            return Rejected(int(status), word)


def tell(plan: Plan, story: str) -> tuple[str, str]:
    """The steps taken, and the message of the failure given up with (or "")."""
    told: list[str] = []
    failures: list[Failure] = []
    words = story.split()
    while True:
        step = next_step(plan, failures, lambda: 0.5)
        if isinstance(step, GiveUp):
            return " ".join([*told, "end"]), step.failure.message
        target = step.target
        wait = f"+{step.wait:g}" if step.wait else ""
        told.append(f"{target.provider}{target.key.name if target.key else ''}{wait}")
        if len(failures) == len(words):
            return " ".join(told), ""
        failures.append(failure(words[len(failures)]))


@pytest.mark.parametrize(
    ("targets", "story", "steps", "end"),
    [
        # The first step needs no failure.
        ("p:a", "", "pa", ""),
        ("p:", "", "p", ""),
        # 5xx and resets: the same key again, later and later, then the next target.
        ("p:a", "500", "pa pa+1", ""),
        ("p:a", "500 502", "pa pa+1 pa+2", ""),
        ("p:a", "500 502 reset", "pa pa+1 pa+2 end", "reset"),
        ("p:ab", "500 500 500", "pa pa+1 pa+2 end", "500"),
        ("p: q:b", "reset 529 503", "p p+1 p+2 qb", ""),
        ("p:a q:b", "500 500 500 500 500 500", "pa pa+1 pa+2 qb qb+1 qb+2 end", "500"),
        # What the provider asks for is obeyed (and spread), unless it is too long.
        ("p:a", "503@10", "pa pa+11", ""),
        ("p:a", "503@60", "pa pa+66", ""),
        ("p:a", "503@61", "pa end", "503@61"),
        ("p:a q:b", "503@61", "pa qb", ""),
        ("p:a", "503@0", "pa pa", ""),
        # A key's own trouble: the next key at once, then the next target.
        ("p:abc", "401 403 402", "pa pb pc end", "402"),
        ("p:abc q:x", "429 401 429", "pa pb pc qx", ""),
        ("p:ab", "500 401", "pa pa+1 pb", ""),
        ("p:ab", "500 401 500", "pa pa+1 pb pb+2", ""),
        # All keys limited and nowhere else to go: wait for the one that is free first.
        ("p:a", "429", "pa pa+1", ""),
        ("p:a", "429 429", "pa pa+1 pa+2", ""),
        ("p:a", "429 429 429", "pa pa+1 pa+2 end", "429"),
        ("p:a", "429@20", "pa pa+22", ""),
        ("p:a", "429@100", "pa end", "429@100"),
        ("p:ab", "429@30 429@10", "pa pb pb+11", ""),
        ("p:ab", "429@10 429@30", "pa pb pa+11", ""),
        ("p:ab", "429@10 401", "pa pb pa+11", ""),
        ("p:ab", "429@10 429@30 429@40", "pa pb pa+11 pb+33", ""),
        ("p:ab q:x", "500 500 500 429@5", "pa pa+1 pa+2 qx qx+5.5", ""),
        # A silent target is not asked again; another may be.
        ("p:ab", "silent", "pa end", "silent"),
        ("p:ab q:x", "silent", "pa qx", ""),
        # The request is not liked: another target may like it.
        ("p:ab", "400", "pa end", "400"),
        ("p:ab q:x r:y", "404 422", "pa qx ry", ""),
        ("p:a q:x", "413 413", "pa qx end", "413"),
        # Our caller's fault is final.
        ("p:ab q:x", "refused", "pa end", "refused"),
        ("p:ab q:x", "503 refused", "pa pa+1 end", "refused"),
        # When all fail, the first target's last failure is told.
        ("p:ab q:x", "401 403 500 500 500", "pa pb qx qx+1 qx+2 end", "403"),
        ("p:a q:x r:y", "404 silent 400", "pa qx ry end", "404"),
        ("p:a q:x", "503 400 refused", "pa pa+1 qx end", "400"),
        # At most six attempts; each fallback keeps one.
        ("p:abcdefgh", "401 401 401 401 401 401", "pa pb pc pd pe pf end", "401"),
        ("p:abcdefgh q:x", "401 401 401 401 401", "pa pb pc pd pe qx", ""),
        ("p:abcdefgh q:x", "401 401 401 401 401 500", "pa pb pc pd pe qx end", "401"),
        ("p:a q:b r:c", "500 500 500 500 500 500", "pa pa+1 pa+2 qb qb+1 rc end", "500"),
        ("p:a q:b r:c s:d t:e u:f v:g", "500 400 400 400 400 400", "pa qb rc sd te uf end", "500"),
    ],
)
def test_story(targets: str, story: str, steps: str, end: str) -> None:
    assert tell(plan_of(targets), story) == (steps, end)


@pytest.mark.parametrize(
    ("max_retries", "story", "steps"),
    [
        (0, "500", "pa end"),
        (0, "429", "pa end"),
        (1, "500 500", "pa pa+1 end"),
        (9, "500 " * 6, "pa pa+1 pa+2 pa+4 pa+4 pa+4 end"),
    ],
)
def test_max_retries(max_retries: int, story: str, steps: str) -> None:
    assert tell(plan_of("p:a", max_retries), story)[0] == steps


def test_the_primary_answers_for_all_with_its_status_and_retry_after() -> None:
    failures = [failure("429@100"), failure("500"), failure("500"), failure("500")]
    step = next_step(plan_of("p:a q:b"), failures, lambda: 0.0)
    assert isinstance(step, GiveUp)
    assert (step.failure.status, step.failure.retry_after) == (429, 100.0)


def test_the_same_failures_give_the_same_step() -> None:
    plan, failures = plan_of("p:ab q:x"), [failure("429"), failure("500")]
    first = next_step(plan, failures, lambda: 0.25)
    assert first == next_step(plan, failures, lambda: 0.25)
    assert isinstance(first, Try)
    assert first.wait == pytest.approx(0.9)


def test_every_story_ends_within_the_bound() -> None:
    """Random plans and failures: never more attempts than allowed, and each fallback in the bound is asked."""
    dice = random.Random(11)
    words = ["500", "429", "429@5", "503@70", "401", "404", "silent", "reset", "400"]
    for _ in range(2_000):
        legs = dice.randint(1, 8)
        plan = plan_of(" ".join(f"{'pqrstuvw'[n]}:{'abcdefgh'[: dice.randint(0, 8)]}" for n in range(legs)))
        story = " ".join(dice.choice(words) for _ in range(MOST_ATTEMPTS + 1))
        steps = tell(plan, story)[0].split()
        assert steps[-1] == "end"
        assert len(steps) - 1 <= MOST_ATTEMPTS
        asked = {step[0] for step in steps[:-1]}
        assert asked == set("pqrstuvw"[: min(legs, MOST_ATTEMPTS)])
