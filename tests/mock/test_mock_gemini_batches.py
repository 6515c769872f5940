"""The official SDK's files and batches, pointed at the mock, which refuses what Google refuses."""

import io
import json
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from mock_thread import RunningMock

MODEL = "gemini-2.5-flash"


@pytest.fixture
def google(mock: RunningMock) -> Iterator[genai.Client]:
    with genai.Client(api_key="k", http_options=types.HttpOptions(base_url=mock.url, api_version="v1beta")) as client:
        yield client


def upload(google: genai.Client, *lines: object) -> str:
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
    name = google.files.upload(file=io.BytesIO(content), config={"mime_type": "application/jsonl"}).name
    assert name is not None
    return name


def ended(google: genai.Client, batch: types.BatchJob) -> types.BatchJob:
    until = time.monotonic() + 10
    while not (found := google.batches.get(name=str(batch.name))).done:
        assert time.monotonic() < until
        time.sleep(0.005)
    return found


def ask(text: str) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}]}


def test_files(google: genai.Client) -> None:
    big = b"x" * (9 << 20)
    made = google.files.upload(file=io.BytesIO(big), config={"mime_type": "text/plain", "name": "mine"})
    assert (made.name, made.size_bytes, made.source) == ("files/mine", len(big), types.FileSource.UPLOADED)
    assert google.files.get(name="files/mine").state is types.FileState.ACTIVE
    with pytest.raises(errors.ClientError, match="already exists"):
        google.files.upload(file=io.BytesIO(b"x"), config={"mime_type": "text/plain", "name": "mine"})
    with pytest.raises(errors.ClientError, match="Only generated files"):
        google.files.download(file="files/mine")
    names = [upload(google, n) for n in range(3)]
    assert [each.name for each in google.files.list(config={"page_size": 2})] == [*names[::-1], "files/mine"]
    google.files.delete(name="files/mine")
    with pytest.raises(errors.ClientError, match="PERMISSION_DENIED"):
        google.files.get(name="files/mine")


def test_inlined_requests(google: genai.Client) -> None:
    batch = google.batches.create(
        model=MODEL,
        src=[
            types.InlinedRequest(
                contents=[types.Content(role="user", parts=[types.Part(text="hello")])],
                metadata={"key": "a"},
                config=types.GenerateContentConfig(temperature=0.1),
            ),
            types.InlinedRequest(contents=[types.Content(parts=[types.Part(text="[[mock:status=429;error=slow]]")])]),
        ],
        config={"display_name": "mine"},
    )
    found = ended(google, batch)
    assert (found.state, found.display_name) == (types.JobState.JOB_STATE_SUCCEEDED, "mine")
    assert found.dest is not None
    assert found.dest.inlined_responses is not None
    first, second = found.dest.inlined_responses
    assert first.response is not None
    assert (first.response.text, first.metadata) == ("echo: hello", {"key": "a"})
    assert second.error is not None
    assert (second.error.code, second.error.message) == (8, "slow")


def test_a_file_of_requests(google: genai.Client) -> None:
    lines = [{"key": f"k{n}", "request": ask(f"text {n}")} for n in range(3)]
    found = ended(google, google.batches.create(model=MODEL, src=upload(google, *lines), config={"display_name": "d"}))
    assert found.dest is not None
    content = google.files.download(file=str(found.dest.file_name)).splitlines()
    assert [json.loads(row)["key"] for row in content] == ["k0", "k1", "k2"]
    assert [each.name for each in google.batches.list()] == [found.name]
    google.batches.delete(name=str(found.name))
    with pytest.raises(errors.ClientError, match="NOT_FOUND"):
        google.batches.get(name=str(found.name))


def test_vectors(google: genai.Client) -> None:
    source = types.EmbeddingsBatchJobSource(inlined_requests=types.EmbedContentBatch(contents=["one", "two"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        batch = google.batches.create_embeddings(model="gemini-embedding-001", src=source, config={"display_name": "d"})
    found = ended(google, batch)
    assert found.dest is not None
    assert found.dest.inlined_embed_content_responses is not None
    assert len(found.dest.inlined_embed_content_responses) == 2


def test_a_cancelled_batch_has_no_results(google: genai.Client, mock: RunningMock) -> None:
    mock.script(batches={"in_progress": 60})
    batch = google.batches.create(model=MODEL, src=upload(google, {"key": "a", "request": ask("x")}),
                                  config={"display_name": "d"})  # fmt: skip
    google.batches.cancel(name=str(batch.name))
    found = ended(google, batch)
    assert (found.state, found.dest) == (types.JobState.JOB_STATE_CANCELLED, None)
    with pytest.raises(errors.ClientError, match="has ended"):
        google.batches.cancel(name=str(batch.name))


def test_what_is_refused(google: genai.Client) -> None:
    sources: tuple[Any, ...] = ("files/nothing", [])
    for source in sources:
        with pytest.raises(errors.ClientError):
            google.batches.create(model=MODEL, src=source, config={"display_name": "d"})
    with pytest.raises(errors.ClientError, match="display"):
        google.batches.create(model=MODEL, src=[types.InlinedRequest(contents="x")])
    broken = ended(google, google.batches.create(model=MODEL, src=upload(google, "no object"),
                                                 config={"display_name": "d"}))  # fmt: skip
    assert broken.state is types.JobState.JOB_STATE_FAILED
