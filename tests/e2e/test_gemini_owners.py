"""Google's batches and files belong to the virtual key that made them; the address of an upload is a credential."""

import io
import json
import time
from pathlib import Path

import pytest
from google import genai
from google.genai import errors, types

from conftest import config_for
from people_kit import key, register
from running import Process, gateway

BIG = bytes(range(256)) * 80_000
"""More than one piece of an upload."""


def client(url: str, owner: str) -> genai.Client:
    return genai.Client(api_key=f"sk-bf-{owner}", http_options=types.HttpOptions(base_url=f"{url}/genai"))


def test_what_is_anothers_does_not_exist(mock_provider: Process, tmp_path: Path) -> None:
    """Two workers: pieces of one upload come to either."""
    process = gateway(tmp_path, config_for(mock_provider.url), "--workers", "2")
    register(tmp_path / "app", key("ann"), key("bob"))
    process.start()
    try:
        ann, bob = client(process.url, "ann"), client(process.url, "bob")
        file = ann.files.upload(file=io.BytesIO(BIG), config={"mime_type": "application/jsonl"})
        assert file.name is not None
        assert ann.files.download(file=file) == BIG
        line = {"key": "a", "request": {"contents": [{"parts": [{"text": "ann's"}]}]}}
        source = ann.files.upload(file=io.BytesIO(json.dumps(line).encode()), config={"mime_type": "application/jsonl"})
        assert source.name is not None
        batch = ann.batches.create(model="acme/m", src=source.name)
        assert batch.name is not None
        until = time.monotonic() + 30
        while not (found := ann.batches.get(name=batch.name)).done:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert found.dest is not None
        result = found.dest.file_name
        assert result is not None
        assert b"ann's" in ann.files.download(file=result)
        for call in (
            lambda: bob.files.get(name=str(file.name)),
            lambda: bob.files.download(file=str(source.name)),
            lambda: bob.files.download(file=result),
            lambda: bob.batches.get(name=str(batch.name)),
            lambda: bob.batches.cancel(name=str(batch.name)),
        ):
            with pytest.raises(errors.ClientError, match="NOT_FOUND"):
                call()
        with pytest.raises(errors.ClientError, match="there is no such file"):
            bob.batches.create(model="acme/m", src=str(source.name))
        assert not [*bob.files.list(), *bob.batches.list()]
        nobody = client(process.url, "eve")
        with pytest.raises(errors.ClientError, match="403"):
            nobody.files.upload(file=io.BytesIO(b"x"), config={"mime_type": "text/plain"})
    finally:
        process.stop()
