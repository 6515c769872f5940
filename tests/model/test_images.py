"""Sizes in pixels, and in Gemini's aspects."""

import pytest

from asbru.model.images import aspect_of, measures, resolution_of, size_of


@pytest.mark.parametrize(
    ("size", "aspect"),
    [
        ("1024x1024", ("1:1", True)),
        ("1024x1536", ("2:3", True)),
        ("1536x1024", ("3:2", True)),
        ("1792x1024", ("16:9", False)),
        ("1536x864", ("16:9", True)),
        ("3000x100", ("21:9", False)),
        ("auto", ("", True)),
        ("", ("", True)),
        ("0x5", ("", True)),
        ("12x", ("", True)),
        ("1024x1024x2", ("", True)),
    ],
)
def test_aspect_of(size: str, aspect: tuple[str, bool]) -> None:
    assert aspect_of(size) == aspect


def test_aspect_among_few() -> None:
    assert aspect_of("1024x1536", ("1:1", "3:4", "9:16")) == ("3:4", False)


@pytest.mark.parametrize(
    ("aspect", "size"),
    [
        ("1:1", ("1024x1024", True)),
        ("2:3", ("1024x1536", True)),
        ("16:9", ("1536x1024", False)),
        ("9:16", ("1024x1536", False)),
        ("", ("", True)),
        ("wide", ("", False)),
    ],
)
def test_size_of(aspect: str, size: tuple[str, bool]) -> None:
    assert size_of(aspect) == size


@pytest.mark.parametrize(
    ("size", "word"),
    [("", ""), ("auto", ""), ("1024x1024", ""), ("1792x1024", ""), ("2048x2048", "2K"), ("3840x2160", "4K")],
)
def test_resolution_of(size: str, word: str) -> None:
    assert resolution_of(size) == word


def test_measures_are_bounded() -> None:
    assert measures("99999x99999") == (99999, 99999)
    assert measures("9999999x99999") is None
