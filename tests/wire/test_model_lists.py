# One case per line, as in a table.
"""Lists of models are read in every vendor's shape."""

import json

import pytest

from asbru.model.failure import Broken
from asbru.wire.models import read_models

LISTS: list[tuple[object, list[tuple[str, str]], str]] = [
    ({"object": "list", "data": [{"id": "m", "created": 1, "owned_by": "x"}]}, [("m", "m")], ""),
    ({"data": [{"id": "m", "display_name": "M"}], "has_more": True, "last_id": "m"}, [("m", "M")], "limit=1000&after_id=m"),
    ([{"id": "m", "object": "model", "display_name": "M", "organization": "x"}, {"object": "?"}], [("m", "M")], ""),
    ([{"model_id": "eleven", "name": "Eleven", "can_do_text_to_speech": True}], [("eleven", "Eleven")], ""),
    ([{"model_id": "eleven", "name": {"en": "Eleven"}}], [("eleven", "eleven")], ""),
    ({"models": [{"name": "models/g", "displayName": "G"}], "nextPageToken": "a b"}, [("g", "G")], "pageSize=1000&pageToken=a%20b"),
    ({"models": [{"name": "tunedModels/t"}]}, [("tunedModels/t", "tunedModels/t")], ""),
    ({"publisherModels": [{"name": "publishers/google/models/g"}]}, [("g", "publishers/google/models/g")], ""),
    ({"models": [{"name": "command"}], "next_page_token": "n"}, [("command", "command")], "page_token=n"),
    ({"modelSummaries": [{"modelId": "amazon.nova", "modelName": "Nova"}]}, [("amazon.nova", "Nova")], ""),
    ({"inferenceProfileSummaries": [{"inferenceProfileId": "us.x", "inferenceProfileName": "X"}], "nextToken": "a/b"}, [("us.x", "X")], "nextToken=a%2Fb"),
    ({"inferenceProfileSummaries": [{"inferenceProfileId": "us.x"}]}, [("us.x", "us.x")], ""),
    ([], [], ""),
]  # fmt: skip


@pytest.mark.parametrize(("told", "models", "after"), LISTS)
def test_a_list(told: object, models: list[tuple[str, str]], after: str) -> None:
    page = read_models(json.dumps(told).encode(), "p")
    assert ([(model.id, model.name) for model in page.models], page.after) == (models, after)
    assert {model.provider for model in page.models} <= {"p"}


@pytest.mark.parametrize(
    "body", [b"", b"[", b"[1]", b"{}", b'{"data": 3}', b'{"models": [{}]}', b'{"publisherModels": [1]}']
)
def test_what_is_no_list(body: bytes) -> None:
    with pytest.raises(Broken, match="p's list of models"):
        read_models(body, "p")
