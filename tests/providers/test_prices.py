"""The prices that we ship are those of genai-prices, and ``cost`` makes the same of them."""

import importlib.util
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
from genai_prices import types
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from asbru.model.usage import NANO, Price, Usage, cost
from asbru.providers import CATALOG, PriceBook, Provider, batch_price_of, bundled, price_of

ROOT = Path(__file__).parents[2]
FILE = ROOT / "src" / "asbru" / "providers" / "prices.json"
BOOK = bundled()
AS_OF = date.fromisoformat(BOOK.as_of())
NOON = datetime(AS_OF.year, AS_OF.month, AS_OF.day, 12, tzinfo=UTC)

MODELS = [
    ("openai", "gpt-3.5-turbo"),
    ("openai", "gpt-4"),
    ("openai", "gpt-4-turbo"),
    ("openai", "gpt-4.1"),
    ("openai", "gpt-4.1-mini"),
    ("openai", "gpt-4o"),
    ("openai", "gpt-4o-2024-08-06"),
    ("openai", "gpt-4o-mini"),
    ("openai", "gpt-4o-audio-preview"),
    ("openai", "gpt-5"),
    ("openai", "gpt-5-mini"),
    ("openai", "gpt-5.2"),
    ("openai", "gpt-5.2-20251211"),
    ("openai", "gpt-5.4"),
    ("openai", "o1"),
    ("openai", "o3"),
    ("openai", "o4-mini"),
    ("openai", "ft:gpt-4o-mini-2024-07-18:acme::abc"),
    ("anthropic", "claude-3-haiku-20240307"),
    ("anthropic", "claude-3-5-haiku-latest"),
    ("anthropic", "claude-haiku-4-5"),
    ("anthropic", "claude-haiku-5-5"),
    ("anthropic", "claude-sonnet-4-5"),
    ("anthropic", "claude-sonnet-4-5-20250929"),
    ("anthropic", "claude-opus-4-1"),
    ("anthropic", "claude-opus-4-5-20251101"),
    ("google", "gemini-2.5-pro"),
    ("google", "gemini-2.5-flash"),
    ("google", "claude-sonnet-4-5"),
    ("azure", "gpt-4o"),
    ("mistral", "mistral-large-latest"),
    ("groq", "llama-3.3-70b-versatile"),
    ("x-ai", "grok-4"),
    ("openrouter", "anthropic/claude-sonnet-4.5"),
]

tokens = st.integers(0, 400_000)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Usages whose parts do not overlap and are within the whole."""
    read, five, hour, audio = draw(tokens), draw(tokens), draw(tokens), draw(st.sampled_from([0, 0, 1_000]))
    spoken, thought = draw(st.sampled_from([0, 0, 1_000])), draw(tokens)
    return Usage(
        input=draw(tokens) + read + five + hour + audio,
        output=draw(tokens) + spoken + thought,
        cache_read=read,
        cache_write_5m=five,
        cache_write_1h=hour,
        input_audio=audio,
        output_audio=spoken,
        reasoning=thought,
    )


def theirs(usage: Usage, provider: str, model: str, context: dict[str, str] | None = None) -> Decimal:
    """What genai-prices asks for ``usage``, in nano-dollars."""
    said = types.Usage(
        input_tokens=usage.input,
        output_tokens=usage.output,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write_5m + usage.cache_write_1h,
        cache_write_5m_tokens=usage.cache_write_5m,
        cache_write_1h_tokens=usage.cache_write_1h,
        input_audio_tokens=usage.input_audio,
        cache_audio_read_tokens=0,
        output_audio_tokens=usage.output_audio,
        output_reasoning_tokens=usage.reasoning,
    )
    found = get_snapshot().calc(said, model, provider, None, NOON, context)
    return found.total_price * NANO


def the_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("prices_script", ROOT / "scripts" / "prices.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_file_is_what_the_script_writes() -> None:
    assert f'"genai-prices {version("genai-prices")}"' in FILE.read_text()[:60], "run scripts/prices.py"
    assert the_script().render(AS_OF) == FILE.read_text()


@pytest.mark.parametrize(("provider", "model"), MODELS)
@given(usage=usages())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_cost_is_that_of_genai_prices(provider: str, model: str, usage: Usage) -> None:
    prices = BOOK.price(provider, model)
    assert prices
    assert abs(cost(usage, prices) - theirs(usage, provider, model)) <= Decimal("0.5")


BATCHED = [(provider, model) for provider, model in MODELS if provider in ("openai", "anthropic", "mistral")]


@pytest.mark.parametrize(("provider", "model"), BATCHED)
@given(usage=usages())
@settings(max_examples=10, deadline=None, derandomize=True)
def test_batch_cost_is_that_of_genai_prices_or_half(provider: str, model: str, usage: Usage) -> None:
    _, found = get_snapshot().find_provider_model(model, None, provider, None)
    stated = any(variant.when == {"processing": "batch"} for variant in found.price_variants or ())
    expected = theirs(usage, provider, model, {"processing": "batch"})
    if not stated:
        expected /= 2
    assert abs(cost(usage, BOOK.batch_price(provider, model)) - expected) <= Decimal("0.5")


def test_every_model_is_found_and_priced_as_genai_prices_does() -> None:
    """All their models by id, at noon; those apart whose price depends on the hour, and what is not paid by token."""
    usage, said = Usage(input=300_000, output=1_000_000), types.Usage(input_tokens=300_000, output_tokens=1_000_000)
    compared = 0
    for provider in get_snapshot().providers:
        for model in provider.models:
            ours = BOOK.price(provider.id, model.id)
            found = provider.find_model(model.id, all_providers=get_snapshot().providers)
            if found is None:
                assert ours == ()
            elif "TimeOfDate" not in repr(found.prices):
                prices = found.get_prices(NOON)
                paid = types.ModelPrice(input_mtok=prices.input_mtok, output_mtok=prices.output_mtok)
                assert abs(cost(usage, ours) - paid.calc_price(said)["total_price"] * NANO) <= 1, (
                    provider.id,
                    model.id,
                )
                compared += 1
    assert compared > 2_000


@pytest.mark.parametrize(
    ("provider", "model", "dollars"),
    [
        ("cohere", "rerank-v3.5", 2),
        ("cohere", "rerank-multilingual-v3.0", 2),
        ("cohere", "rerank-v4.0-fast", 2),
        ("cohere", "rerank-v4.0-pro", 2.5),
        ("bedrock", "cohere.rerank-v3-5:0", 2),
        ("bedrock", "arn:aws:bedrock:us-west-2::foundation-model/amazon.rerank-v1:0", 1),
    ],
)
def test_reranking_is_priced_by_the_search(provider: str, model: str, dollars: float) -> None:
    assert cost(Usage(searches=1000), BOOK.price(provider, model)) == dollars * NANO


def test_a_price_that_depends_on_the_hour_is_the_dearest() -> None:
    (model,) = (each for each in _theirs("deepseek").models if each.id == "deepseek-v4-pro")
    dearest = max(model.get_prices(NOON.replace(hour=hour, minute=30)).__dict__["input_mtok"] for hour in range(24))
    assert BOOK.price("deepseek", "deepseek-v4-pro")[0].input == dearest * NANO


def _theirs(name: str) -> types.Provider:
    return next(each for each in get_snapshot().providers if each.id == name)


def test_cached_input_is_not_halved_where_the_list_says_so() -> None:
    plain, batch = BOOK.price("openai", "gpt-4.1")[0], BOOK.batch_price("openai", "gpt-4.1")[0]
    assert (batch.input, batch.output) == (plain.input // 2, plain.output // 2)
    assert batch.cache_read == plain.cache_read


@pytest.mark.parametrize(
    ("provider", "same_as"),
    [("OpenAI", "openai"), ("my-openai", "openai"), ("vertex", "google"), ("gemini", "google"), ("xai", "x-ai")],
)
def test_other_names_of_a_provider(provider: str, same_as: str) -> None:
    model = {"openai": "gpt-4o", "google": "gemini-2.5-pro", "x-ai": "grok-4"}[same_as]
    assert BOOK.price(provider, model) == BOOK.price(same_as, model) != ()


@pytest.mark.parametrize(
    ("provider", "model"), [("openai", "nope"), ("nope", "gpt-4o"), ("anthropic", "gpt-4o"), ("", "")]
)
def test_unknown_models_have_no_price(provider: str, model: str) -> None:
    assert BOOK.price(provider, model) == ()
    assert BOOK.batch_price(provider, model) == ()
    assert cost(Usage(input=10**9), BOOK.price(provider, model)) == 0


def test_what_runs_here_is_free_and_known_to_be() -> None:
    assert BOOK.price("local", "smollm2-135m") == (Price(),)
    assert BOOK.batch_price("local", "anything") == (Price(),)


def test_a_custom_providers_models_cost_what_its_bases_do() -> None:
    mine = Provider(name="mine", base_url="", serves=(), priced_as="openai")
    rows = {"mine": mine, **CATALOG}
    assert price_of(BOOK, rows)("mine", "gpt-4o") == BOOK.price("openai", "gpt-4o")
    assert price_of(BOOK, rows)("openai", "gpt-4o") == BOOK.price("openai", "gpt-4o")
    assert price_of(BOOK, rows)("gone", "gpt-4o") == ()
    assert batch_price_of(BOOK, rows)("mine", "gpt-4o") == BOOK.batch_price("openai", "gpt-4o")
    assert batch_price_of(BOOK, rows)("gone", "gpt-4o") == ()


def test_matching() -> None:
    """Each way in which the file says which names are meant; the first model that matches counts."""
    models = [
        {"match": {"equals": ["a"]}, "prices": [{"input": 1}]},
        {"match": {"starts": ["b"]}, "prices": [{"input": 2}]},
        {"match": {"ends": ["c"]}, "prices": [{"input": 3}]},
        {"match": {"contains": ["-d-"]}, "prices": [{"input": 4}]},
        {"match": {"regex": ["^e[0-9]$"]}, "prices": [{"input": 5}]},
        {"match": {"and": [{"starts": ["f"]}, {"ends": ["g"]}]}, "prices": [{"input": 6}]},
        {"match": {"equals": ["h-2026-01-02"]}, "prices": [{"input": 7}]},
        {"match": {"equals": ["bad"]}, "prices": [{"input": 8}]},
    ]
    file = {
        "source": "",
        "as_of": "",
        "matches": {},
        "providers": {"p": {"models": models}, "q": {"fallback": ["p", "r"]}},
    }
    book = PriceBook(lambda: msgspec.json.encode(file))
    names = ["a", "A", "bad", "xc", "x-d-x", "e1", "e11", "fxg", "fx", "h-20260102", "h-20269902"]
    expected = [1, 1, 2, 3, 4, 5, 0, 6, 0, 7, 0]
    for provider in ("p", "q"):
        found = [book.price(provider, name) for name in names]
        assert [prices[0].input if prices else 0 for prices in found] == expected


def test_the_file_is_read_once_and_only_when_needed() -> None:
    reads = []

    def read() -> bytes:
        reads.append(1)
        return FILE.read_bytes()

    book = PriceBook(read)
    assert reads == []
    for _ in range(3):
        book.price("openai", "gpt-4o")
        book.price("anthropic", "claude-opus-4-5")
    assert reads == [1]


def test_the_first_price_comes_within_25_ms() -> None:
    def first() -> float:
        start = time.perf_counter()
        assert bundled().price("openai", "gpt-4o")
        return time.perf_counter() - start

    assert min(first() for _ in range(5)) < 0.025
