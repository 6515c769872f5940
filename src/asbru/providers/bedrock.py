"""Amazon Bedrock: Converse for every model, InvokeModel in the makers' own formats."""

from asbru.model.names import Format, Framing
from asbru.providers._kinds import Endpoint, Provider, Quirks, SigV4

PROVIDER = Provider(
    name="bedrock",
    base_url="https://bedrock-runtime.{region}.amazonaws.com",
    serves=(
        Endpoint(Format.BEDROCK_CONVERSE, "/model/{model}/converse", "/model/{model}/converse-stream", Framing.AWS),
        Endpoint(
            Format.ANTHROPIC_MESSAGES,
            "/model/{model}/invoke",
            "/model/{model}/invoke-with-response-stream",
            Framing.AWS_CHUNKS,
            models=("*anthropic.*", "*claude*"),
            quirks=Quirks(
                put={"anthropic_version": "bedrock-2023-05-31"},
                drop=frozenset({"model", "stream"}),
                lift={"anthropic-beta": "anthropic_beta"},
            ),
        ),
    ),
    auth=SigV4("bedrock"),
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
