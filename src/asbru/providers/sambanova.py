"""SambaNova Cloud: OpenAI's API and Anthropic's Messages.

Source: sambanova 1.13, ``chat.completion_create_params`` (no role ``developer``), ``resources.messages``.
"""

from asbru.providers._compatible import chat, embeddings, messages, transcriptions, translations
from asbru.providers._kinds import Provider, Quirks
from asbru.providers._rewrites import NO_DEVELOPER

PROVIDER = Provider(
    name="sambanova",
    base_url="https://api.sambanova.ai/v1",
    serves=(
        chat(quirks=Quirks(rewrite=NO_DEVELOPER)),
        messages(),
        embeddings(),
        transcriptions(),
        translations(),
    ),
    env=("SAMBANOVA_API_KEY",),
    base_url_env=("SAMBA_NOVA_BASE_URL",),
    docs="https://docs.sambanova.ai/cloud/api-reference",
)
