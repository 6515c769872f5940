"""The official SDKs against a running gateway: the newest; those of Bifrost's time are in test_sdks_era.py."""

import subprocess
import sys
from pathlib import Path

import pytest

from running import Process

HERE = Path(__file__).parent
GENERATIONS = {"newest": Path(sys.executable), "era": HERE.parents[1] / ".envs" / "era" / "bin" / "python"}
ANTHROPIC = (
    "messages", "stream", "tools", "vision", "thinking", "count_tokens", "complete", "betas", "errors", "models",
    "batch", "native", "cancel", "listing", "mistakes", "early", "beta_batches", "idempotent",
)  # fmt: skip
OPENAI = (
    "chat", "stream", "tools", "vision", "structured", "errors", "fallbacks", "retries", "models",
    "reads_anthropic_batch",
    "embeddings", "embedding_errors", "many_embeddings", "rerank", "completions",
)  # fmt: skip
OPENAI_BATCHES = (
    "files", "batch", "native", "foreign", "anthropic_lines", "embeddings", "responses", "completions", "azure",
    "inline", "mistakes", "cancel",
)  # fmt: skip
CASES = [("anthropic", name) for name in ANTHROPIC] + [("openai", name) for name in OPENAI]
CASES += [("openai_batches", name) for name in OPENAI_BATCHES] + [("anthropic_files", "files")]
BOTO3 = (
    "converse", "stream", "tools", "vision", "thinking", "cache", "structured", "invoke", "invoke_stream", "errors",
    "broken_streams", "prefixes", "prompts", "embeddings", "images", "count_tokens", "rerank", "models",
)  # fmt: skip
CASES += [("boto3", name) for name in BOTO3]
RESPONSES = (
    "create", "stream", "tools", "structured", "vision", "reasoning", "errors", "broken_streams", "fallbacks",
    "only_there", "codex", "previous", "previous_tools", "previous_elsewhere", "references", "kept", "replayed",
    "input_tokens",
)  # fmt: skip
CASES += [("responses", name) for name in RESPONSES]
OPENAI_MEDIA = (
    "generate",
    "amazons",
    "edit",
    "variation",
    "speech",
    "transcription",
    "translation",
    "large",
    "containers",
    "azure",
)
CASES += [("openai_media", name) for name in OPENAI_MEDIA]
COHERE = (
    "chat", "stream", "tools", "structured", "vision", "documents", "thinking", "embed", "rerank", "tokens", "models",
    "errors", "embed_jobs",
)  # fmt: skip
CASES += [("cohere", name) for name in COHERE]
GENAI = (
    "generate", "stream", "chat", "tools", "automatic_functions", "structured", "vision", "thinking", "signatures",
    "embeddings", "count", "models", "errors", "foreign", "foreign_embeddings", "sampling", "vertex", "frameworks",
    "arrays", "pictures", "speech", "videos",
)  # fmt: skip
CASES += [("genai", name) for name in GENAI]
GENAI_BATCHES = (
    "files", "named_files", "protocols", "inlined", "by_file", "native", "by_header", "embeddings", "paging", "cancel",
    "prefixes", "mistakes", "across",
)  # fmt: skip
CASES += [("genai_batches", name) for name in GENAI_BATCHES]
TO_GEMINI = (
    "openai_chat", "openai_stream", "openai_tools", "openai_structured", "openai_vision", "openai_thinking",
    "openai_embeddings", "openai_images", "openai_speech",
    "openai_responses", "openai_errors", "anthropic_messages", "anthropic_tools",
    "anthropic_vision", "anthropic_errors",
)  # fmt: skip
CASES += [("to_gemini", name) for name in TO_GEMINI]


def run(generation: str, sdk: str, scenario: str, url: str) -> None:
    """One scenario in the Python of one generation."""
    command: list[str | Path] = [GENERATIONS[generation], HERE / f"{sdk}_scenarios.py", scenario, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    assert f'"scenario": "{scenario}"' in done.stdout


@pytest.mark.parametrize(("sdk", "scenario"), CASES)
def test_newest_sdk(sdk: str, scenario: str, running_gateway: Process) -> None:
    run("newest", sdk, scenario, running_gateway.url)
