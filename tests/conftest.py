"""What many tests need: a scripted provider and a gateway in front of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asbru.store import SqliteTarget, Target
from mock_thread import mock, shared_mock
from postgres_server import PostgresServer
from running import Process, gateway, scripted_provider

__all__ = ["mock", "shared_mock"]


def config_for(mock_url: str) -> dict[str, Any]:
    """OpenAI, Anthropic, and a compatible provider of either kind, all played by one scripted provider."""
    network = {"base_url": mock_url, "retry_backoff_initial": 100, "retry_backoff_max": 400}
    aws = {"access_key": "AKIAMOCK", "secret_key": "mock-secret", "region": "eu-north-1"}
    return {
        "client": {"allowed_origins": ["https://*.Pages.example", "http://pages.example:8443"]},
        "providers": {
            "openai": {"keys": [{"name": "o1", "value": "sk-mock-openai", "weight": 1}], "network_config": network},
            "anthropic": {"keys": [{"name": "a1", "value": "sk-mock-ant", "weight": 1}], "network_config": network},
            "bedrock": {"keys": [{"name": "b1", "bedrock_key_config": aws}], "network_config": network},
            "gemini": {"keys": [{"name": "g1", "value": "AIza-mock", "weight": 1}], "network_config": network},
            "elevenlabs": {"keys": [{"name": "e1", "value": "xi-mock", "weight": 1}], "network_config": network},
            "cohere": {"keys": [{"name": "co1", "value": "sk-mock-cohere", "weight": 1}], "network_config": network},
            "together": {
                "keys": [{"name": "t1", "value": "sk-mock-together", "weight": 1}],
                "network_config": {**network, "base_url": f"{mock_url}/jina/v1"},
            },
            "acme": {
                "keys": [{"name": "c1", "value": "sk-mock-acme", "weight": 1}],
                "network_config": network,
                "custom_provider_config": {"base_provider_type": "openai"},
            },
            "claudish": {
                "keys": [{"name": "d1", "value": "sk-mock-claudish", "weight": 1}],
                "network_config": network,
                "custom_provider_config": {"base_provider_type": "anthropic"},
            },
        },
    }


@pytest.fixture(scope="session")
def mock_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A scripted provider that speaks both dialects."""
    process = scripted_provider(tmp_path_factory.mktemp("mock"))
    process.start()
    yield process
    process.stop()


@pytest.fixture(scope="session")
def running_gateway(mock_provider: Process, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A gateway in front of the scripted provider."""
    process = gateway(tmp_path_factory.mktemp("gateway"), config_for(mock_provider.url))
    process.start()
    yield process
    process.stop()


@pytest.fixture
def app_dir(tmp_path: Path) -> Path:
    """An empty app dir."""
    return tmp_path / "app"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server; tests make databases of their own in it."""
    server = PostgresServer()
    server.start()
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    """An empty place for a store: every test that asks for it runs on both databases."""
    if request.param == "sqlite":
        return SqliteTarget(str(tmp_path))
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.emptied(tmp_path)
