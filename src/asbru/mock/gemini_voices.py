"""What Google refuses of speech (``gemini-…-tts``), after its documentation of speech generation."""

from collections.abc import Iterator

from asbru.mock import gemini_shapes as shape
from asbru.model.failure import Refused

VOICES = frozenset(
    (
        *("zephyr", "puck", "charon", "kore", "fenrir", "leda", "orus", "aoede", "callirrhoe", "autonoe", "enceladus"),
        *("iapetus", "umbriel", "algieba", "despina", "erinome", "algenib", "rasalgethi", "laomedeia", "achernar"),
        *("alnilam", "schedar", "gacrux", "pulcherrima", "achird", "zubenelgenubi", "vindemiatrix", "sadachbia"),
        *("sadaltager", "sulafat"),
    )
)
_CONFIG = "generation_config"


def speaks(request: shape.GenerateRequest) -> bool:
    """Whether sound is wanted."""
    config = request.generation_config
    return "AUDIO" in ((config.response_modalities if config else None) or ())


def check_speech(request: shape.GenerateRequest, model: str) -> None:
    """Raises Refused(400)."""
    config = request.generation_config or shape.GenerationConfig()
    modalities = config.response_modalities or ["TEXT"]
    if ("tts" in model and modalities != ["AUDIO"]) or ("tts" not in model and "AUDIO" in modalities):
        told = (
            f"The requested combination of response modalities ({', '.join(modalities)}) is not supported by the model."
        )
        raise _refused(told)
    if config.speech_config is not None and "AUDIO" not in modalities:
        raise _refused("Speech config is set, but the response modality is not AUDIO.")
    if "tts" not in model:
        return
    if request.system_instruction is not None:
        raise _refused(f"Developer instruction is not enabled for models/{model}")
    if config.speech_config is None:
        raise _refused("Speech config is required.")
    voices = list(_voices(config.speech_config))
    if not voices or any(voice.lower() not in VOICES for voice in voices):
        told = f"Voice name {', '.join(voices)} is not supported. Allowed voice names are: {', '.join(sorted(VOICES))}"
        raise _refused(told)


def _voices(config: shape.SpeechConfig) -> Iterator[str]:
    if config.voice_config is not None and config.multi_speaker_voice_config is not None:
        raise _refused("voice_config and multi_speaker_voice_config must not both be set.")
    several = config.multi_speaker_voice_config
    for each in (
        [config.voice_config] if several is None else [one.voice_config for one in several.speaker_voice_configs]
    ):
        if each is not None and each.prebuilt_voice_config is not None:
            yield each.prebuilt_voice_config.voice_name


def _refused(words: str) -> Refused:
    return Refused(400, words, code="INVALID_ARGUMENT", param=_CONFIG)
