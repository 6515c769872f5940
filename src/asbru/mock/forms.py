"""Forms as the mock reads them: fields checked by name, as the real API does (``Unrecognized request argument``)."""

from collections.abc import Collection

from asbru.mock.files import Field, parts
from asbru.mock.openai import refusal
from asbru.mock.strict import Mistake
from asbru.model.failure import Refused


class Form:
    """``fields``: texts; ``files``: what was uploaded. Names that end in ``[]`` are known without them too."""

    def __init__(self, content_type: bytes, body: bytes, known: Collection[str]) -> None:
        self.fields: dict[str, list[str]] = {}
        self.files: dict[str, list[Field]] = {}
        for name, part in parts(content_type, body):
            bare = name.removesuffix("[]")
            if bare not in known:
                raise refusal(Mistake("unknown", [name], ""))
            if part.filename:
                self.files.setdefault(bare, []).append(part)
            else:
                self.fields.setdefault(bare, []).append(part.content.decode("utf-8", "strict"))

    def text(self, name: str, default: str = "") -> str:
        """One field."""
        return self.fields.get(name, [default])[0]

    def needs(self, *names: str) -> None:
        """Raises Refused(400) when one of them is missing."""
        for name in names:
            if name not in self.fields and name not in self.files:
                raise refusal(Mistake("missing", [name], ""))

    def word(self, name: str, among: Collection[str]) -> str:
        """One field, one of a few words; "" when it is not there. Raises Refused(400)."""
        word = self.text(name)
        if word and word not in among:
            raise Refused(400, f"Invalid value: '{word}'. Supported values are: {sorted(among)}.", param=name)
        return word
