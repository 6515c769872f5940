"""Conversations told in every format: read alike, written alike, losses declared."""

from typing import Any

import msgspec
import pytest
from wire_kit import STAMP, Section, Told, asked, meaning, replied, told

from asbru.model.chat import Ask
from asbru.wire.places import Places

CHAT_ASKS = told("corpus")
CHAT_REPLIES = told("replies")
EMBED_ASKS = told("embeddings/asks")
EMBED_REPLIES = told("embeddings/replies")
RERANK_ASKS = told("rerank/asks")
RERANK_REPLIES = told("rerank/replies")
STAMPED = ("id", "created", "created_at")
"""Members of a reply that say when it was written, and which one it is."""
ASKS = CHAT_ASKS + EMBED_ASKS + RERANK_ASKS
REPLIES = CHAT_REPLIES + EMBED_REPLIES + RERANK_REPLIES


def decoded(body: bytes, *apart: str) -> Any:
    members = msgspec.json.decode(body)
    return {name: value for name, value in members.items() if name not in apart}


def named(reply: Any) -> Any:
    """Cohere does not say which model answers: the stamp does."""
    return msgspec.structs.replace(reply, model=reply.model or STAMP.model)


def targets(file: Told, source: Section) -> list[Section]:
    """What is written of a section: itself, and the sections of other formats; of its own format only the full ones."""
    return [
        section
        for section in file.sections
        if section.writes and (section.codec is not source.codec or section is source or not section.kind)
    ]


def expected_lost(file: Told, source: Section, target: Section) -> set[str]:
    return set() if source.codec is target.codec else file.lost.get(target.codec.format, set())


def in_words_of(source: Section, file: Told, names: set[str]) -> set[str]:
    """Declared names with their places as the source numbers them: ``messages.1`` is an item of ``input`` there."""
    first = next(section for section in file.sections if section.reads)
    if first.codec is source.codec or not isinstance(asked(source), Ask):
        return names
    told, here = asked(first), asked(source)
    pairs = dict(zip(paths_of(told), paths_of(here), strict=True))
    return {_renamed(name, pairs) for name in names}


def paths_of(ask: Ask) -> list[str]:
    places = Places(ask)
    return [
        path
        for n, turn in enumerate(ask.turns)
        for path in (places.turn(n), *(places.part(n, turn, i) for i in range(len(turn.parts))))
    ]


def _renamed(name: str, pairs: dict[str, str]) -> str:
    begun = [path for path in pairs if name == path or name.startswith((f"{path}.", f"{path}:"))]
    longest = max(begun, key=len, default="")
    return pairs[longest] + name[len(longest) :] if longest else name


def test_there_is_a_corpus() -> None:
    assert len(CHAT_ASKS) >= 30
    assert len(CHAT_REPLIES) >= 10
    assert len(EMBED_ASKS) >= 5
    assert len(EMBED_REPLIES) >= 3
    assert len(RERANK_ASKS) >= 5
    assert len(RERANK_REPLIES) >= 3


@pytest.mark.parametrize("file", ASKS, ids=lambda file: file.name)
def test_every_section_reads_as_the_same_ask(file: Told) -> None:
    read = [meaning(asked(section)) for section in file.sections if section.reads]
    assert read
    for one in read[1:]:
        assert one == read[0]


@pytest.mark.parametrize("file", ASKS, ids=lambda file: file.name)
def test_every_section_is_what_is_written(file: Told) -> None:
    for source in (section for section in file.sections if section.reads):
        for target in targets(file, source):
            out = target.codec.write_ask(asked(source))
            assert decoded(out.body) == decoded(target.body)
            assert set(out.lost) == in_words_of(source, file, expected_lost(file, source, target))


@pytest.mark.parametrize("file", ASKS, ids=lambda file: file.name)
def test_what_was_written_stays_what_it_is(file: Told) -> None:
    for section in (section for section in file.sections if section.kind == "written"):
        out = section.codec.write_ask(asked(section))
        assert decoded(out.body) == decoded(section.body)
        assert out.lost == ()


@pytest.mark.parametrize("file", REPLIES, ids=lambda file: file.name)
def test_every_section_reads_as_the_same_reply(file: Told) -> None:
    read = [meaning(named(replied(section)), "id", "created") for section in file.sections if section.reads]
    assert read
    for one in read[1:]:
        assert one == read[0]


@pytest.mark.parametrize("file", REPLIES, ids=lambda file: file.name)
def test_every_section_is_the_reply_that_is_written(file: Told) -> None:
    for source in (section for section in file.sections if section.reads):
        for target in targets(file, source):
            out = target.codec.write_reply(replied(source), STAMP)
            assert decoded(out.body, *STAMPED) == decoded(target.body, *STAMPED)
            assert set(out.lost) == expected_lost(file, source, target)
