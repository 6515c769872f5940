"""xAI: OpenAI's API. Models that reason refuse penalties and stop sequences.

Source: docs.x.ai, "Reasoning" (``presencePenalty``, ``frequencyPenalty`` and ``stop`` are errors) and "Image
Generation" (``quality``, ``size``, ``style`` are).
"""

from asbru.model.names import Format
from asbru.providers._compatible import chat, images, responses
from asbru.providers._kinds import BatchApi, Provider, Quirks

_REASON = ("grok-4*", "grok-3-mini*", "grok-code*", "!*non-reasoning*")

PROVIDER = Provider(
    name="xai",
    base_url="https://api.x.ai/v1",
    serves=(
        chat(models=_REASON, quirks=Quirks(drop=frozenset({"frequency_penalty", "presence_penalty", "stop"}))),
        chat(),
        responses(),
        images(quirks=Quirks(drop=frozenset({"quality", "size", "style"}))),
    ),
    env=("XAI_API_KEY",),
    # Results name no other body than chat's. Files of xAI's may have 48 MB.
    batch=BatchApi(kind="xai", formats=(Format.OPENAI_CHAT,), max_items=50_000, max_bytes=48_000_000),
    docs="https://docs.x.ai/docs/api-reference",
)
