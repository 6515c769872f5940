"""Fireworks: open models behind OpenAI's API and Anthropic's Messages.

Source: fireworks-ai 1.2 (``/inference/v1/messages``, ``chat.completion_create_params``).
"""

from asbru.model.names import Format
from asbru.providers._compatible import chat, completions, embeddings, messages, responses
from asbru.providers._kinds import BatchApi, Provider, Quirks
from asbru.providers._rewrites import NO_DEVELOPER

PROVIDER = Provider(
    name="fireworks",
    base_url="https://api.fireworks.ai/inference/v1",
    serves=(chat(quirks=Quirks(rewrite=NO_DEVELOPER)), responses(), messages(), completions(), embeddings()),
    key_config="fireworks_key_config",
    settings_env={"account_id": ("FIREWORKS_ACCOUNT_ID",)},
    # One upload may have 150 MB; the endpoint is chat alone.
    batch=BatchApi(
        kind="fireworks",
        path="/v1/accounts/{account_id}/batchInferenceJobs",
        files="/v1/accounts/{account_id}/datasets",
        without="/inference/v1",
        formats=(Format.OPENAI_CHAT,),
        max_items=50_000,
        max_bytes=150_000_000,
        one_model=True,
    ),
    env=("FIREWORKS_API_KEY",),
    docs="https://docs.fireworks.ai/api-reference",
)
