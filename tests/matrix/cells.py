"""The compatibility matrix as data: which client does what with which provider, and what is lost where.

``test_matrix.py`` runs every cell; ``scripts/compatibility.py`` writes ``docs/compatibility.md`` from it.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

CHATS = ("openai", "anthropic", "bedrock", "cohere", "gemini")
"""Providers that are talked to; each is played by the scripted provider in its own dialect."""

EMBEDDERS = ("openai", "cohere", "bedrock", "gemini")

PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "chat": CHATS,
    "stream": CHATS,
    "tools": CHATS,
    "structured": CHATS,
    "vision": CHATS,
    "responses": CHATS,
    "embeddings": EMBEDDERS,
    "count": CHATS,
    "rerank": ("cohere", "bedrock", "together"),
    "images": ("openai", "gemini", "bedrock"),
    "speech": ("openai", "elevenlabs", "gemini"),
    "transcription": ("openai", "elevenlabs", "gemini"),
}
"""Feature -> the providers that have it."""

FEATURES = tuple(PROVIDERS)
TALK = ("chat", "stream", "tools", "structured", "vision")
PYTHONS: Mapping[str, str] = {"newest": ".venv", "era": ".envs/era", "frameworks": ".envs/frameworks"}
"""Generation -> the environment, from the root of the project, whose Python runs the client."""


class Client(Struct, frozen=True, kw_only=True):
    """``script``: in ``clients/`` or, for Node, in ``node/``. ``own``: the provider of its dialect.

    ``losses``: (feature, provider) -> what cannot work there, in words that the failure holds; ``reasons``: why, for
    people.
    """

    name: str
    script: str
    own: str
    generations: tuple[str, ...]
    features: tuple[str, ...] = TALK
    losses: Mapping[tuple[str, str], str] = {}
    reasons: Mapping[tuple[str, str], str] = {}

    def cells(self) -> Iterator[tuple[str, str]]:
        """(feature, provider), its own provider first."""
        for feature in self.features:
            for provider in sorted(PROVIDERS[feature], key=lambda name: name != self.own):
                yield feature, provider


SDKS = ("newest", "era")
FRAMEWORKS = ("frameworks", "era")
NODE = ("node",)

CLIENTS = (
    Client(
        name="openai",
        script="openai_client.py",
        own="openai",
        generations=SDKS,
        features=(*TALK, "responses", "embeddings", "count", "images", "speech", "transcription"),
    ),
    Client(
        name="anthropic", script="anthropic_client.py", own="anthropic", generations=SDKS, features=(*TALK, "count")
    ),
    Client(
        name="google-genai",
        script="genai_client.py",
        own="gemini",
        generations=SDKS,
        features=(*TALK, "embeddings", "count"),
    ),
    Client(
        name="boto3",
        script="boto3_client.py",
        own="bedrock",
        generations=SDKS,
        features=("chat", "stream", "tools", "vision", "embeddings", "count", "rerank", "images"),
    ),
    Client(
        name="cohere",
        script="cohere_client.py",
        own="cohere",
        generations=SDKS,
        features=(*TALK, "embeddings", "rerank"),
    ),
    Client(
        name="mistralai",
        script="mistral_client.py",
        own="mistral",
        generations=SDKS,
        losses={("tools", "openai"): "tool_calls[0].index"},
        reasons={("tools", "openai"): "the SDK sends a member back that OpenAI's API refuses"},
    ),
    Client(
        name="litellm",
        script="litellm_client.py",
        own="openai",
        generations=FRAMEWORKS,
        features=(*TALK, "embeddings", "rerank", "images", "speech", "transcription"),
        losses={("transcription", "gemini"): "this provider tells no times"},
        reasons={("transcription", "gemini"): "the SDK asks for `verbose_json`, whose times Gemini does not tell"},
    ),
    Client(
        name="langchain-openai",
        script="langchain_openai_client.py",
        own="openai",
        generations=FRAMEWORKS,
        features=(*TALK, "embeddings"),
    ),
    Client(name="langchain-anthropic", script="langchain_anthropic_client.py", own="anthropic", generations=FRAMEWORKS),
    Client(
        name="langchain-google-genai",
        script="langchain_genai_client.py",
        own="gemini",
        generations=FRAMEWORKS,
        features=(*TALK, "embeddings"),
    ),
    Client(name="langchain-aws", script="langchain_aws_client.py", own="bedrock", generations=FRAMEWORKS),
    Client(
        name="langchain-cohere",
        script="langchain_cohere_client.py",
        own="cohere",
        generations=FRAMEWORKS,
        features=("chat", "stream", "tools", "embeddings"),
    ),
    Client(name="pydantic-ai", script="pydantic_ai_client.py", own="openai", generations=FRAMEWORKS),
    Client(
        name="instructor", script="instructor_client.py", own="openai", generations=FRAMEWORKS, features=("structured",)
    ),
    Client(
        name="openai (Node)",
        script="openai_client.mjs",
        own="openai",
        generations=NODE,
        features=(*TALK, "responses", "embeddings", "count", "images", "speech", "transcription"),
    ),
    Client(
        name="@anthropic-ai/sdk (Node)",
        script="anthropic_client.mjs",
        own="anthropic",
        generations=NODE,
        features=(*TALK, "count"),
    ),
    Client(
        name="@google/genai (Node)",
        script="genai_client.mjs",
        own="gemini",
        generations=NODE,
        features=(*TALK, "embeddings", "count"),
    ),
    Client(
        name="cohere-ai (Node)",
        script="cohere_client.mjs",
        own="cohere",
        generations=NODE,
        features=("chat", "stream", "tools", "structured", "embeddings", "rerank"),
    ),
    Client(
        name="ai, Vercel (Node)",
        script="vercel_client.mjs",
        own="openai",
        generations=NODE,
        features=(*TALK, "embeddings", "images", "speech", "transcription"),
    ),
)
