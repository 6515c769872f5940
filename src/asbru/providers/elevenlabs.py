"""ElevenLabs: speech from text and text from speech."""

from asbru.model.names import Format, Framing
from asbru.providers._kinds import Endpoint, InHeader, Provider

_SPEECH = "/text-to-speech/{{voice}}"
_ENCODING = "?output_format={{encoding}}"

PROVIDER = Provider(
    name="elevenlabs",
    base_url="https://api.elevenlabs.io/v1",
    serves=(
        Endpoint(Format.ELEVENLABS_SPEECH, _SPEECH + _ENCODING, f"{_SPEECH}/stream{_ENCODING}", framing=Framing.BYTES),
        Endpoint(Format.ELEVENLABS_TRANSCRIPTS, "/speech-to-text"),
    ),
    auth=InHeader("xi-api-key"),
    env=("ELEVENLABS_API_KEY",),
    base_url_env=("ELEVENLABS_BASE_URL",),
    docs="https://elevenlabs.io/docs/api-reference",
)
