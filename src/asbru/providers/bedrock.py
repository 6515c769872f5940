"""Amazon Bedrock: Converse for every model, InvokeModel in the makers' own formats."""

from asbru.model.names import Format, Framing
from asbru.providers._kinds import BatchApi, Endpoint, Provider, Quirks, SigV4

_INVOKE = "/model/{model}/invoke"
_INVOKE_STREAM = "/model/{model}/invoke-with-response-stream"


def _invoked(format: Format, *models: str) -> Endpoint:
    """A format of a maker's own."""
    return Endpoint(format, _INVOKE, _INVOKE_STREAM, Framing.AWS_CHUNKS, models=models)


_TEXTS = (
    Format.BEDROCK_NOVA,
    Format.BEDROCK_TITAN_TEXT,
    Format.BEDROCK_LLAMA,
    Format.BEDROCK_MISTRAL,
    Format.BEDROCK_COMMAND,
    Format.BEDROCK_COMMAND_R,
)
_EMBEDS = (Format.BEDROCK_COHERE_EMBED, Format.BEDROCK_TITAN_EMBED)

PROVIDER = Provider(
    name="bedrock",
    base_url="https://bedrock-runtime.{region}.amazonaws.com",
    serves=(
        Endpoint(
            Format.BEDROCK_CONVERSE,
            "/model/{model}/converse",
            "/model/{model}/converse-stream",
            Framing.AWS,
            flex={"serviceTier": {"type": "flex"}},
        ),
        Endpoint(
            Format.ANTHROPIC_MESSAGES,
            _INVOKE,
            _INVOKE_STREAM,
            Framing.AWS_CHUNKS,
            models=("*anthropic.*", "*claude*"),
            quirks=Quirks(
                put={"anthropic_version": "bedrock-2023-05-31"},
                drop=frozenset({"model", "stream"}),
                lift={"anthropic-beta": "anthropic_beta"},
            ),
        ),
        _invoked(Format.BEDROCK_NOVA, "*nova*"),
        _invoked(Format.BEDROCK_TITAN_TEXT, "*titan*"),
        _invoked(Format.BEDROCK_LLAMA, "*llama*"),
        _invoked(Format.BEDROCK_MISTRAL, "*mistral*"),
        _invoked(Format.BEDROCK_COMMAND, "*cohere.command-*", "!*cohere.command-r*"),
        _invoked(Format.BEDROCK_COMMAND_R, "*cohere.command-r*"),
        Endpoint(Format.BEDROCK_COUNT_TOKENS, "/model/{model}/count-tokens"),
        _invoked(Format.BEDROCK_COHERE_EMBED, "*cohere*"),
        _invoked(Format.BEDROCK_TITAN_EMBED, "*"),
        _invoked(Format.BEDROCK_RERANK_INVOKE, "*"),
        _invoked(Format.BEDROCK_STABILITY, "*stability.*", "*stable-*"),
        _invoked(Format.BEDROCK_CANVAS, "*", "!*stability.*", "!*stable-*"),
    ),
    auth=SigV4("bedrock"),
    # docs.aws.amazon.com, "Service tiers for optimizing performance and cost".
    flex=(
        *("*amazon.nova-premier*", "*amazon.nova-pro*", "*amazon.nova-2-*", "*openai.gpt-oss*", "*qwen.qwen3*"),
        "*deepseek.v3*",
    ),
    models_path="/foundation-models",
    more_models_paths=("/inference-profiles?maxResults=1000",),
    models_base_url="https://bedrock.{region}.amazonaws.com",
    batch=BatchApi(
        kind="bedrock",
        path="/model-invocation-job",
        formats=(Format.BEDROCK_CONVERSE, Format.ANTHROPIC_MESSAGES, *_TEXTS, *_EMBEDS),
        max_items=50_000,
        max_bytes=1 << 30,
        one_model=True,
        min_items=100,
        needs=("batch_bucket", "batch_role"),
        at_models=True,
    ),
    settings={"region": "us-east-1"},
    env=("AWS_BEARER_TOKEN_BEDROCK",),
    base_url_env=("AWS_ENDPOINT_URL_BEDROCK_RUNTIME",),
    key_config="bedrock_key_config",
    settings_env={
        "access_key": ("AWS_ACCESS_KEY_ID",),
        "secret_key": ("AWS_SECRET_ACCESS_KEY",),
        "session_token": ("AWS_SESSION_TOKEN",),
        "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    },
    docs="https://docs.aws.amazon.com/bedrock/latest/APIReference/",
)
