"""Cohere: chat, embed and rerank of API v2, and what of v1 its SDKs still ask for."""

from asbru.model.names import Format
from asbru.providers._kinds import Endpoint, Provider

PROVIDER = Provider(
    name="cohere",
    base_url="https://api.cohere.com",
    serves=(
        Endpoint(Format.COHERE_CHAT, "/v2/chat"),
        Endpoint(Format.COHERE_EMBED, "/v2/embed"),
        Endpoint(Format.COHERE_EMBED_V1, "/v1/embed"),
        Endpoint(Format.COHERE_RERANK, "/v2/rerank"),
        Endpoint(Format.COHERE_RERANK_V1, "/v1/rerank"),
        Endpoint(Format.COHERE_TOKENIZE, "/v1/tokenize"),
        Endpoint(Format.COHERE_DETOKENIZE, "/v1/detokenize"),
    ),
    env=("COHERE_API_KEY", "CO_API_KEY"),
    base_url_env=("CO_API_URL",),
    docs="https://docs.cohere.com/reference",
    models_path="/v1/models?page_size=1000",
)
