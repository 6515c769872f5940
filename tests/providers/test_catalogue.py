"""Every provider row can be used and can be read about."""

import importlib.util
from pathlib import Path

import pytest

from asbru.model.failure import Refused
from asbru.model.keys import Key, Secret
from asbru.model.names import Format
from asbru.providers import CATALOG, Endpoint, Provider
from asbru.routing import Table, split_model

ROOT = Path(__file__).parents[2]
ROWS = list(CATALOG.values())


def test_the_catalogue_holds_one_row_per_module() -> None:
    folder = ROOT / "src" / "asbru" / "providers"
    modules = {path.stem for path in folder.glob("*.py") if "PROVIDER = Provider(" in path.read_text()}
    assert set(CATALOG) == modules
    assert set(CATALOG) >= {"anthropic", "local", "openai"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_has_docs_and_a_way_in(row: Provider) -> None:
    assert row.docs.startswith(("https://", "docs/"))
    assert row.env or row.keyless
    assert row.serves


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_names_itself_and_its_address_as_the_rest_of_the_house_expects(row: Provider) -> None:
    assert split_model(f"{row.name}/m", "", Table({}, frozenset(CATALOG))) == (row.name, "m")
    assert not row.base_url.endswith("/")
    assert not row.base_url or row.base_url.startswith(("https://", "{"))
    assert all(endpoint.path.startswith("/") for endpoint in row.serves)
    assert not row.models_path or row.models_path.startswith("/")


def test_a_catalogue_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        CATALOG["mine"] = ROWS[0]  # type: ignore[index]


BOTH = (Endpoint(Format.OPENAI_CHAT, "/o"), Endpoint(Format.ANTHROPIC_MESSAGES, "/a"))


@pytest.mark.parametrize(
    ("serves", "inbound", "path"),
    [
        (BOTH, Format.OPENAI_CHAT, "/o"),
        (BOTH, Format.ANTHROPIC_MESSAGES, "/a"),
        (BOTH[:1], Format.ANTHROPIC_MESSAGES, "/o"),
    ],
)
def test_the_clients_own_format_first(serves: tuple[Endpoint, ...], inbound: Format, path: str) -> None:
    assert Provider(name="p", base_url="", serves=serves).endpoint_for(inbound).path == path


def test_a_provider_that_serves_nothing() -> None:
    with pytest.raises(Refused) as caught:
        Provider(name="p", base_url="", serves=()).endpoint_for(Format.OPENAI_CHAT)
    assert (caught.value.status, caught.value.code) == (400, "unsupported_operation")
    assert caught.value.message == "chat is not supported by p provider"


CLAUDE = Endpoint(Format.ANTHROPIC_MESSAGES, "/claude", models=("*claude*",))
NO_CLAUDE = Endpoint(Format.OPENAI_CHAT, "/gpt", models=("*", "!*claude*"))
DATED = Endpoint(Format.OPENAI_CHAT, "/dated", when={"version": "20*"})


@pytest.mark.parametrize(
    ("serves", "model", "settings", "path"),
    [
        ((NO_CLAUDE, CLAUDE), "gpt-5", {}, "/gpt"),
        ((NO_CLAUDE, CLAUDE), "claude-x", {}, "/claude"),
        ((DATED, NO_CLAUDE), "gpt-5", {"version": "2024"}, "/dated"),
        ((DATED, NO_CLAUDE), "gpt-5", {"version": "v1"}, "/gpt"),
        ((DATED, NO_CLAUDE), "gpt-5", {}, "/gpt"),
    ],
)
def test_the_endpoint_for_a_model_and_a_key(
    serves: tuple[Endpoint, ...], model: str, settings: dict[str, str], path: str
) -> None:
    key = Key(id="k", name="k", value=Secret("v"), settings=settings)
    assert Provider(name="p", base_url="", serves=serves).endpoint_for(Format.OPENAI_CHAT, model, key).path == path


def test_the_documented_tables_are_those_of_the_rows() -> None:
    spec = importlib.util.spec_from_file_location("providers_script", ROOT / "scripts" / "providers.py")
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    text = script.TARGET.read_text()
    assert script.render(text) == text, "run scripts/providers.py"
