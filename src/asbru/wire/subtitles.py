"""Subtitles: SubRip (srt) and WebVTT, and captions made of single words."""

from collections.abc import Iterable, Sequence

from asbru.model.transcribe import Spoken

LONGEST = 80
"""Characters of a caption after which the next word begins another."""
PAUSE = 1.0
"""Seconds of silence that end a caption."""


def captions(words: Iterable[Spoken]) -> list[Spoken]:
    """Words put together: a caption ends with a sentence, a pause, another speaker, or when it is long."""
    out: list[Spoken] = []
    for word in words:
        last = out[-1] if out else None
        if last is None or _ends(last, word):
            out.append(word)
        else:
            text = f"{last.text} {word.text}"
            out[-1] = Spoken(text=text, start=last.start, end=word.end, speaker=last.speaker)
    return out


def _ends(caption: Spoken, word: Spoken) -> bool:
    return (
        caption.text.endswith((".", "?", "!"))
        or word.start - caption.end > PAUSE
        or word.speaker != caption.speaker
        or len(caption.text) + len(word.text) > LONGEST
    )


def write_srt(spoken: Sequence[Spoken]) -> bytes:
    """SubRip."""
    blocks = [
        f"{n}\n{_clock(each.start, ',')} --> {_clock(each.end, ',')}\n{_line(each.text)}\n"
        for n, each in enumerate(spoken, 1)
    ]
    return "\n".join(blocks).encode()


def write_vtt(spoken: Sequence[Spoken]) -> bytes:
    """WebVTT."""
    blocks = [f"{_clock(each.start, '.')} --> {_clock(each.end, '.')}\n{_line(each.text)}\n" for each in spoken]
    return "\n".join(["WEBVTT\n", *blocks]).encode()


def _clock(seconds: float, point: str) -> str:
    whole = round(seconds * 1000)
    return f"{whole // 3_600_000:02}:{whole // 60_000 % 60:02}:{whole // 1000 % 60:02}{point}{whole % 1000:03}"


def _line(text: str) -> str:
    """An empty line would end the caption."""
    return " ".join(text.split())
