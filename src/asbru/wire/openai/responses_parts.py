"""Parts of a streamed response under way: what came of them, and the bytes that each of their deltas repeats."""

from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Citation, Part, Refusal, Text, Thinking
from asbru.wire.openai.responses_citations import write_annotations
from asbru.wire.openai.responses_object import reasoning_item
from asbru.wire.shapes import write_json

Json = dict[str, object]


class Place(Struct, frozen=True):
    """Where a part stands: in item ``id``, number ``n`` of the output; as part ``at`` of it when ``inner`` says so."""

    id: str
    n: int
    inner: str = ""
    at: int = 0

    def members(self) -> Json:
        """What its events tell of it."""
        told: Json = {"item_id": self.id, "output_index": self.n}
        return {**told, self.inner: self.at} if self.inner else told


class Growing:
    """One part. ``kind``: its events' name without ``.delta``; ``told``: the members that tell where it stands."""

    __slots__ = (
        "citations",
        "custom",
        "head",
        "kind",
        "logprobs",
        "part",
        "pieces",
        "place",
        "signature",
        "tail",
        "told",
    )

    def __init__(self, part: Part, kind: str, place: Place) -> None:
        self.part = part
        self.kind = kind
        self.place = place
        self.told = place.members()
        self.pieces: list[str] = []
        self.signature = ""
        self.custom: list[str] | None = None
        """The arguments of a call of a custom tool, which is told when it is whole."""
        self.citations: list[Citation] = []
        self.logprobs: list[Json] = []
        begun = write_json({"type": f"{kind}.delta", **self.told})
        self.head = b"event: " + kind.encode() + b".delta\ndata: " + begun[:-1] + b',"delta":'
        logprobs = b',"logprobs":[]' if isinstance(part, Text) else b""
        self.tail = logprobs + b',"sequence_number":'

    def text(self) -> str:
        """What has come of it."""
        return "".join(self.pieces)

    def content(self) -> Json:
        """Itself as content of a message."""
        text = self.text()
        if isinstance(self.part, Refusal):
            return {"type": "refusal", "refusal": text}
        annotations = write_annotations(self.citations, text)[0]
        return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": self.logprobs}

    def cite(self, citations: Sequence[Citation]) -> list[tuple[int, Raw]]:
        """Numbered annotations for citations of what has come so far; those without a URL have no place here."""
        before = len(write_annotations(self.citations, "")[0])
        self.citations += citations
        return list(enumerate(write_annotations(citations, self.text())[0], before))

    def thinking(self) -> Json:
        """Itself as a reasoning item that is whole."""
        assert isinstance(self.part, Thinking)
        signature = self.part.signature + self.signature
        return reasoning_item(msgspec.structs.replace(self.part, text=self.text(), signature=signature), self.place.id)
