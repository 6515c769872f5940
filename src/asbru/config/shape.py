"""``config.json`` in Bifrost's shape (features.md 1.2, 1.3, 2.2, 2.3), as far as it means something here.

Three kinds of members: the fields of a struct take effect. ``LATER`` names what a later version reads, with the value
that asks for nothing (anything else gives a notice; ``ALWAYS``: any value does). ``IDLE`` names what is accepted and
needs no meaning here: read-only members of API answers, and tuning of a Go program's object pools.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

ALWAYS = object()
"""For ``LATER``: every value is worth a notice."""

GUARDS = frozenset({"guardrails_config", "saml_config"})
"""Those of ``LATER`` that would keep someone out: their notices say that they do not."""

Share = Annotated[float, Meta(ge=0, le=1_000_000)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Milliseconds = Annotated[float, Meta(ge=0, le=1_000_000)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
AtLeastOne = Annotated[int, Meta(ge=1, le=1_000_000)]


class Shape(Struct, frozen=True, kw_only=True):
    """A JSON object of the file."""

    LATER: ClassVar[Mapping[str, object]] = {}
    IDLE: ClassVar[frozenset[str]] = frozenset()


class EnvText(Shape, frozen=True, kw_only=True):
    """A text that may stand in the environment: ``{"value": …}`` or ``{"env_var": "env.NAME", "from_env": true}``."""

    value: str = ""
    env_var: str = ""
    from_env: bool = False


Text = str | EnvText
"""A text, ``env.NAME``, or the object form that Bifrost's API writes."""


class KeyConfigShape(Shape, frozen=True, kw_only=True):
    """What keys of one provider have beside their value. ``SECRETS``: members that are credentials."""

    SECRETS: ClassVar[frozenset[str]] = frozenset()

    deployments: dict[str, str] = {}


class AzureShape(KeyConfigShape, frozen=True, kw_only=True):
    SECRETS = frozenset({"client_secret"})

    endpoint: Text = ""
    api_version: Text = ""
    client_id: Text = ""
    client_secret: Text = ""
    tenant_id: Text = ""
    scopes: tuple[str, ...] = ()


class BatchGcsShape(Shape, frozen=True, kw_only=True):
    """A bucket of Google's for batches; Asbru's own. ``endpoint``: another server than Google's."""

    bucket_name: Text = ""
    prefix: Text = ""
    endpoint: Text = ""


class VertexShape(KeyConfigShape, frozen=True, kw_only=True):
    """``auth_credentials``: the JSON of a service account, or of another kind of Google's credentials."""

    IDLE = frozenset({"project_number"})
    SECRETS = frozenset({"auth_credentials"})

    project_id: Text = ""
    region: Text = ""
    auth_credentials: Text = ""
    batch_gcs_config: BatchGcsShape | None = None


class BucketShape(Shape, frozen=True, kw_only=True):
    """A bucket for batches. ``prefix``: before the keys of all that is put there."""

    bucket_name: Text = ""
    prefix: Text = ""
    is_default: bool = False


class BatchS3Shape(Shape, frozen=True, kw_only=True):
    """``endpoint`` and ``role_arn`` are Asbru's own: another server than Amazon's, and the role that Bedrock takes to
    open the bucket ("": the key's ``role_arn``).
    """

    buckets: tuple[BucketShape, ...] = ()
    endpoint: Text = ""
    role_arn: Text = ""


class BedrockShape(KeyConfigShape, frozen=True, kw_only=True):
    """``arn``: what deployments are appended to, when they are not ARNs themselves."""

    SECRETS = frozenset({"access_key", "secret_key", "session_token"})

    access_key: Text = ""
    secret_key: Text = ""
    session_token: Text = ""
    region: Text = ""
    arn: Text = ""
    role_arn: Text = ""
    external_id: Text = ""
    session_name: Text = ""
    batch_s3_config: BatchS3Shape | None = None


class ServerShape(KeyConfigShape, frozen=True, kw_only=True):
    """A server of the operator's own: vLLM, SGLang, Ollama. ``model_name``: the one model that it serves."""

    url: Text = ""
    model_name: Text = ""


class FireworksShape(KeyConfigShape, frozen=True, kw_only=True):
    """``account_id``: whose datasets and batch jobs they are."""

    account_id: Text = ""


KEY_CONFIGS: Mapping[str, type[KeyConfigShape]] = {
    "azure_key_config": AzureShape,
    "vertex_key_config": VertexShape,
    "bedrock_key_config": BedrockShape,
    "fireworks_key_config": FireworksShape,
    "vllm_key_config": ServerShape,
    "ollama_key_config": ServerShape,
    "sgl_key_config": ServerShape,
    "huggingface_key_config": KeyConfigShape,
}
"""Members of ``KeyShape`` that hold what keys of some providers have beside their value."""


class KeyShape(Shape, frozen=True, kw_only=True):
    LATER = {"replicate_key_config": None}
    IDLE = frozenset({"status", "description"})

    id: str = ""
    name: str = ""
    value: Text = ""
    weight: Share = 1.0
    models: tuple[str, ...] = ()
    blacklisted_models: tuple[str, ...] = ()
    enabled: bool = True
    use_for_batch_api: bool = True
    azure_key_config: AzureShape | None = None
    vertex_key_config: VertexShape | None = None
    bedrock_key_config: BedrockShape | None = None
    fireworks_key_config: FireworksShape | None = None
    vllm_key_config: ServerShape | None = None
    ollama_key_config: ServerShape | None = None
    sgl_key_config: ServerShape | None = None
    huggingface_key_config: KeyConfigShape | None = None


class NetworkShape(Shape, frozen=True, kw_only=True):
    """Waits are in milliseconds, time-outs in seconds. ``connect_timeout_in_seconds`` is Asbru's own."""

    LATER = {"beta_header_overrides": {}}

    base_url: Text = ""
    extra_headers: dict[str, Text] = {}
    connect_timeout_in_seconds: Seconds | None = None
    default_request_timeout_in_seconds: Seconds | None = None
    stream_idle_timeout_in_seconds: Seconds | None = None
    max_retries: Count | None = None
    retry_backoff_initial: Milliseconds | None = None
    retry_backoff_initial_ms: Milliseconds | None = None
    retry_backoff_max: Milliseconds | None = None
    retry_backoff_max_ms: Milliseconds | None = None
    insecure_skip_verify: bool = False
    ca_cert_pem: Text = ""
    max_conns_per_host: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    enforce_http2: bool = False


class ProxyShape(Shape, frozen=True, kw_only=True):
    type: str = "none"
    url: Text = ""
    username: Text = ""
    password: Text = ""
    ca_cert_pem: Text = ""


class ConcurrencyShape(Shape, frozen=True, kw_only=True):
    concurrency: AtLeastOne | None = None
    buffer_size: AtLeastOne | None = None


class CustomShape(Shape, frozen=True, kw_only=True):
    """From ``serves`` on Asbru's own: a row in the words of rows (``asbru.providers``)."""

    IDLE = frozenset({"custom_provider_key"})

    base_provider_type: str = ""
    is_key_less: bool = False
    allowed_requests: dict[str, bool] | None = None
    request_path_overrides: dict[str, str] = {}
    serves: Any = None
    auth: Any = None
    quirks: Any = None
    headers: dict[str, Text] = {}
    models_path: str | None = None


class OpenAIShape(Shape, frozen=True, kw_only=True):
    disable_store: bool = False


class ProviderShape(Shape, frozen=True, kw_only=True):
    LATER = {
        "store_raw_request_response": False,
        "pricing_overrides": [],
    }
    IDLE = frozenset({"name", "provider", "status", "provider_status", "description", "config_hash"})

    keys: tuple[KeyShape, ...] = ()
    network_config: NetworkShape | None = None
    proxy_config: ProxyShape | None = None
    concurrency_and_buffer_size: ConcurrencyShape | None = None
    custom_provider_config: CustomShape | None = None
    openai_config: OpenAIShape | None = None
    send_back_raw_request: bool = False
    send_back_raw_response: bool = False


class ClientShape(Shape, frozen=True, kw_only=True):
    LATER = {
        "async_job_result_ttl": ALWAYS,
        "compat": {},
        "disable_content_logging": True,
        "drop_excess_requests": False,
        "enable_litellm_fallbacks": False,
        "enable_logging": True,
        "header_filter_config": {},
        "hide_deleted_virtual_keys_in_filters": False,
        "log_retention_days": ALWAYS,
        "logging_headers": [],
        "mcp_agent_depth": ALWAYS,
        "mcp_code_mode_binding_level": ALWAYS,
        "mcp_tool_execution_timeout": ALWAYS,
        "mcp_tool_sync_interval": ALWAYS,
        "prometheus_labels": [],
        "whitelisted_routes": [],
    }
    IDLE = frozenset({"allowed_headers", "initial_pool_size", "disable_db_pings_in_health"})

    allow_direct_keys: bool = False
    required_headers: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    max_request_body_size_mb: AtLeastOne = 100
    enforce_auth_on_inference: bool = False
    enforce_governance_header: bool = False
    enforce_scim_auth: bool = False


class BatchShape(Shape, frozen=True, kw_only=True):
    concurrency: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    expiry_in_seconds: Annotated[float, Meta(gt=0, le=2_592_000)] | None = None


class S3Shape(Shape, frozen=True, kw_only=True):
    """``endpoint`` "": Amazon's own. Without an access key the credentials are those of AWS's chain."""

    endpoint: Text = ""
    region: Text = ""
    access_key: Text = ""
    secret_key: Text = ""
    session_token: Text = ""
    role_arn: Text = ""
    buckets: tuple[str, ...] = ()


class WebhookShape(Shape, frozen=True, kw_only=True):
    """``url``: told of every batch that names none of its own."""

    url: Text = ""
    secret: Text = ""
    allow_private_addresses: bool = False


class AsbruShape(Shape, frozen=True, kw_only=True):
    """What Bifrost does not have."""

    public_url: str = ""
    webhook: WebhookShape | None = None
    batch: BatchShape | None = None
    s3: S3Shape | None = None


_REQUESTS = """
    list_models text_completion text_completion_stream chat_completion chat_completion_stream responses responses_stream
    count_tokens embedding rerank speech speech_stream transcription transcription_stream
    image_generation image_generation_stream image_edit image_edit_stream image_variation
    video_generation video_retrieve video_download video_delete video_list video_remix
    batch_create batch_list batch_retrieve batch_cancel batch_results batch_delete
    file_upload file_list file_retrieve file_delete file_content
    container_create container_list container_retrieve container_delete
    container_file_create container_file_list container_file_retrieve container_file_content container_file_delete
    mcp_tool_execution passthrough passthrough_stream websocket_responses realtime
"""
REQUESTS = frozenset(_REQUESTS.split())
"""The names of operations in ``allowed_requests`` and ``request_path_overrides`` (features.md 2.7)."""
