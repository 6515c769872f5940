"""What every client script shares: the models it asks, and how it tells which cells work.

A script is run as ``python SCRIPT GATEWAY_URL`` with lines ``feature provider`` on its standard input, and prints one JSON
object a line: ``{"feature", "provider", "error"}`` with an empty error for a cell that works. It runs under several
generations of SDKs and knows nothing of the house.
"""

import json
import sys
import traceback

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
MODELS = {
    "openai": {
        "chat": "gpt-4o-mini",
        "embeddings": "text-embedding-3-small",
        "images": "gpt-image-1",
        "speech": "tts-1",
        "transcription": "whisper-1",
    },
    "anthropic": {"chat": "claude-sonnet-4-5"},
    "gemini": {
        "chat": "gemini-2.5-flash",
        "embeddings": "gemini-embedding-001",
        "images": "imagen-4.0-generate-001",
        "speech": "gemini-2.5-flash-preview-tts",
        "transcription": "gemini-2.5-flash",
    },
    "bedrock": {
        "chat": "amazon.nova-lite-v1:0",
        "embeddings": "cohere.embed-multilingual-v3",
        "rerank": "cohere.rerank-v3-5:0",
        "images": "amazon.nova-canvas-v1:0",
    },
    "cohere": {"chat": "command-a-03-2025", "embeddings": "embed-v4.0", "rerank": "rerank-v3.5"},
    "mistral": {"chat": "mistral-small-latest", "embeddings": "mistral-embed"},
    "elevenlabs": {"speech": "eleven_v3", "transcription": "scribe_v1"},
    "together": {"rerank": "some-ranker"},
}
VOICES = {"openai": "alloy", "elevenlabs": "21m00Tcm4TlvDq8ikWAM", "gemini": "Kore"}


def model(provider, own, kind="chat"):
    """The name to ask for: bare at the client's own provider (``own``), else with its prefix."""
    name = MODELS[provider][kind]
    return name if provider == own else f"{provider}/{name}"


def main(make):
    """``make(url)`` gives the features: name -> function of a provider, which raises when it does not work."""
    features = make(sys.argv[1])
    for line in sys.stdin:
        feature, provider = line.split()
        error = ""
        try:
            features[feature](provider)
        except Exception as failed:
            where = traceback.extract_tb(failed.__traceback__)[0]
            error = f"{type(failed).__name__}: {failed} (line {where.lineno}: {where.line})"[:600]
        print(json.dumps({"feature": feature, "provider": provider, "error": error}), flush=True)


def check(holds, *told):
    """Like ``assert``, with what was seen."""
    if not holds:
        raise AssertionError(" ".join(repr(one)[:300] for one in told))
