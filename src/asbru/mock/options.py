"""What ``asbru mock`` can be told on its command line."""

from collections.abc import Iterable

from msgspec import Struct

from asbru.model.failure import Refused


class MockOptions(Struct, frozen=True, kw_only=True):
    """``script``: path of a JSON script, or "". ``latency``: seconds before an answer; ``interval``: between streamed
    frames.

    ``tokens``: words of an answer (0: the echo). ``fail``: fault or status -> share of requests, by dice of ``seed``.
    ``keys``: the keys that exist, each with the status it is answered (200: it works); empty: any key works.
    ``port`` 0: a free one. ``record``: keep the last request of each path, secrets and all. ``s3``: where the buckets
    of Bedrock's batch jobs are (``http://…``).
    """

    host: str = "127.0.0.1"
    port: int = 8181
    script: str = ""
    latency: float = 0.0
    interval: float = 0.0
    tokens: int = 0
    fail: dict[str, float] = {}
    seed: int = 0
    keys: dict[str, int] = {}
    record: bool = False
    s3: str = ""


def shares(words: str) -> dict[str, float]:
    """``429=0.05,reset=0.01`` as a mapping. Raises Refused(400)."""
    pairs = [pair.partition("=") for pair in words.split(",") if pair.strip()]
    try:
        return {name.strip(): float(value) for name, _, value in pairs}
    except ValueError:
        raise Refused(400, f"--fail {words!r}: want NAME=SHARE pairs such as 429=0.05,reset=0.01") from None


def key_statuses(words: Iterable[str]) -> dict[str, int]:
    """``sk-good`` and ``sk-bad=401`` as a mapping. Raises Refused(400)."""
    pairs = [word.rpartition("=") if "=" in word else (word, "=", "200") for word in words]
    try:
        return {name: int(status) for name, _, status in pairs}
    except ValueError:
        raise Refused(400, "--key: want KEY or KEY=STATUS") from None
