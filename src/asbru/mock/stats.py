"""What the mock saw, for tests: ``GET /mock/stats``."""

from collections import Counter
from typing import Any

from asbru.mock.directives import marked
from asbru.mock.script import digest
from asbru.model.http import Headers


class Stats:
    """Counters since the start or the last reset.

    ``record``: bodies and headers of the last request of each path are kept.
    """

    def __init__(self, record: bool) -> None:
        self._record = record
        self.reset()

    def reset(self) -> None:
        """Begin again; requests under way stay counted as running."""
        self.requests: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.models: Counter[str] = Counter()
        self.keys: Counter[str] = Counter()
        self.marks: Counter[str] = Counter()
        self.prompts: Counter[str] = Counter()
        self.bill: dict[str, Counter[str]] = {}
        self._billed: set[tuple[str, str]] = set()
        self.last: dict[str, Any] = {}
        self.running: int = getattr(self, "running", 0)
        self.peak = self.running
        self.left = 0

    def enter(self, method: str, path: str) -> None:
        """A request came."""
        self.requests[f"{method} {path}"] += 1
        self.running += 1
        self.peak = max(self.peak, self.running)

    def leave(self, left: bool) -> None:
        """It is over; ``left``: the client went away before its end."""
        self.running -= 1
        self.left += left

    def asked(self, model: str, text: str, key: str) -> None:
        """A prompt was read, live or in a batch."""
        self.models[model] += 1
        self.keys[key if self._record else f"…{key[-4:]}"] += 1
        self.prompts[digest(text)] += 1
        if (mark := marked(text)) and mark.id:
            self.marks[mark.id] += 1

    def served(self, how: str, model: str, text: str, tokens: tuple[int, int]) -> None:
        """An answer was made, so it is billed, whether it arrives or not. ``how``: ``live`` or ``batch``.

        What was answered the same way before is counted as ``again``: its sender lost the first answer.
        """
        key = (how, digest(text))
        again = " again" if key in self._billed else ""
        self._billed.add(key)
        self.bill.setdefault(f"{how} {model}{again}", Counter()).update(calls=1, input=tokens[0], output=tokens[1])

    def keep(self, path: str, headers: Headers, body: bytes) -> None:
        """Keep the request, secrets and all, when recording."""
        if self._record:
            named = {name.decode(): value.decode("latin-1") for name, value in headers.items()}
            self.last[path] = {"headers": named, "body": body[: 1 << 20].decode("utf-8", "replace")}

    def show(self, prompt: str = "", every: bool = False) -> dict[str, Any]:
        """All of it. ``prompt``: how often this text was asked. ``every``: each prompt's digest with its count."""
        counts = self.prompts.values()
        prompts: dict[str, Any] = {"total": sum(counts), "distinct": len(counts), "most": max(counts, default=0)}
        if prompt:
            prompts["this"] = self.prompts[digest(prompt)]
        if every:
            prompts["every"] = dict(self.prompts)
        return {
            "requests": dict(self.requests),
            "statuses": dict(self.statuses),
            "models": dict(self.models),
            "keys": dict(self.keys),
            "marks": dict(self.marks),
            "bill": {name: dict(sums) for name, sums in self.bill.items()},
            "prompts": prompts,
            "running": self.running,
            "peak": self.peak,
            "left": self.left,
            "last": self.last,
        }
