"""Our own OpenAPI document, and what a fuzzer does with it: no operation answers 500, whatever it is sent."""

import json
import re
import urllib.request
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.core.result import Ok

from asbru.edge.mounts import FRAMEWORKS
from asbru.edge.openapi import schema_of
from asbru.wire.openai.chat_shapes import Body
from running import Process

BOUNDED = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
AGAIN = re.compile("|".join((*FRAMEWORKS, r"/openai/(?!v1/|openai/deployments/)", r"/openai/v1/.*\{rest\}")))
ERRORS = ("application/json", "application/xml")
"""How mistakes are told; S3's clients read XML."""
UNREACHED = (502, 503)
"""What a provider's nonsense, or one that is not there, is answered with."""


@pytest.fixture(scope="module")
def document(running_gateway: Process) -> dict[str, Any]:
    with urllib.request.urlopen(f"{running_gateway.url}/openapi.json", timeout=5) as answer:
        told: dict[str, Any] = json.load(answer)
    return told


def test_nothing_that_is_sent_makes_a_500(document: dict[str, Any], running_gateway: Process) -> None:
    """Prefixes that hold the same routes once more are left out."""
    paths = {path: item for path, item in document["paths"].items() if not AGAIN.match(path)}
    schema = schemathesis.openapi.from_dict({**document, "paths": paths})
    found = list(schema.get_all_operations())
    operations = [each.ok() for each in found if isinstance(each, Ok)]
    assert len(operations) == len(found) > 20
    for operation in operations:

        @BOUNDED
        @given(case=operation.as_strategy())
        def survives(case: Case[Any]) -> None:
            answer = case.call(base_url=running_gateway.url, timeout=20)
            assert answer.status_code < 500 or answer.status_code in UNREACHED, answer.text
            assert answer.status_code < 400 or answer.headers["content-type"][0].startswith(ERRORS)

        survives()


def test_a_body_is_described_as_it_is_read() -> None:
    schema = schema_of(Body)
    assert schema["required"] == ["model", "messages"]
    assert schema["properties"]["temperature"] == {"anyOf": [{"type": "number"}, {"type": "null"}]}
    assert schema["properties"]["messages"] == {"type": "array", "items": {}}


def test_every_route_is_described(document: dict[str, Any]) -> None:
    assert document["paths"]["/v1/chat/completions"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert document["paths"]["/anthropic/v1/messages/batches/{id}"].keys() == {"get", "delete"}
