"""Every body format, read into the model and written from it. Bytes in, bytes out, no I/O."""

from asbru.model.names import Format
from asbru.wire.anthropic import complete as anthropic_complete
from asbru.wire.anthropic import count_tokens as anthropic_count_tokens
from asbru.wire.anthropic import messages
from asbru.wire.bedrock import cohere_embed as bedrock_cohere_embed
from asbru.wire.bedrock import converse, count_tokens, nova, titan_embed
from asbru.wire.bedrock import images as bedrock_images
from asbru.wire.bedrock import rerank as bedrock_rerank
from asbru.wire.bedrock.prompt_shapes import SHAPES
from asbru.wire.bedrock.prompts import prompt_codec
from asbru.wire.codec import AnyCodec, Codec, Peek, Reader, Stamp, Tap, Writer, Written
from asbru.wire.cohere import chat as cohere_chat
from asbru.wire.cohere import embed as cohere_embed
from asbru.wire.cohere import rerank as cohere_rerank
from asbru.wire.cohere import tokenize as cohere_tokenize
from asbru.wire.elevenlabs import speech as elevenlabs_speech
from asbru.wire.elevenlabs import transcripts as elevenlabs_transcripts
from asbru.wire.envelope import Envelope
from asbru.wire.gemini import count_tokens as gemini_count_tokens
from asbru.wire.gemini import embed as gemini_embed
from asbru.wire.gemini import generate, predict, vertex_embed
from asbru.wire.gemini import images as gemini_images
from asbru.wire.gemini import speech as gemini_speech
from asbru.wire.gemini import transcripts as gemini_transcripts
from asbru.wire.openai import (
    chat,
    completions,
    embeddings,
    forms,
    images,
    input_tokens,
    rerank,
    responses,
    speech,
    transcriptions,
)
from asbru.wire.sse import Frame, Framer, write_frame

CODECS: dict[Format, AnyCodec] = {
    Format.OPENAI_CHAT: chat.CODEC,
    Format.OPENAI_RESPONSES: responses.CODEC,
    Format.OPENAI_INPUT_TOKENS: input_tokens.CODEC,
    Format.OPENAI_EMBEDDINGS: embeddings.CODEC,
    Format.OPENAI_IMAGES: images.CODEC,
    Format.OPENAI_IMAGE_EDITS: forms.EDITS,
    Format.OPENAI_IMAGE_VARIATIONS: forms.VARIATIONS,
    Format.OPENAI_SPEECH: speech.CODEC,
    Format.OPENAI_SPEECH_EVENTS: speech.EVENTS,
    Format.OPENAI_TRANSCRIPTIONS: transcriptions.CODEC,
    Format.OPENAI_TRANSLATIONS: forms.TRANSLATIONS,
    Format.ANTHROPIC_MESSAGES: messages.CODEC,
    Format.ANTHROPIC_COUNT_TOKENS: anthropic_count_tokens.CODEC,
    Format.ANTHROPIC_COMPLETE: anthropic_complete.CODEC,
    Format.OPENAI_COMPLETIONS: completions.CODEC,
    Format.BEDROCK_CONVERSE: converse.CODEC,
    Format.BEDROCK_NOVA: nova.CODEC,
    Format.BEDROCK_COUNT_TOKENS: count_tokens.CODEC,
    Format.BEDROCK_TITAN_EMBED: titan_embed.CODEC,
    Format.BEDROCK_COHERE_EMBED: bedrock_cohere_embed.CODEC,
    Format.BEDROCK_CANVAS: bedrock_images.CANVAS_CODEC,
    Format.BEDROCK_STABILITY: bedrock_images.STABILITY_CODEC,
    Format.BEDROCK_RERANK: bedrock_rerank.CODEC,
    Format.BEDROCK_RERANK_INVOKE: bedrock_rerank.INVOKE_CODEC,
    **{format: prompt_codec(shape) for format, shape in SHAPES.items()},
    Format.ELEVENLABS_SPEECH: elevenlabs_speech.CODEC,
    Format.ELEVENLABS_TRANSCRIPTS: elevenlabs_transcripts.CODEC,
    Format.OPENAI_RERANK: rerank.CODEC,
    Format.COHERE_CHAT: cohere_chat.CODEC,
    Format.GEMINI_GENERATE: generate.CODEC,
    Format.COHERE_EMBED: cohere_embed.CODEC,
    Format.COHERE_EMBED_V1: cohere_embed.V1,
    Format.COHERE_RERANK: cohere_rerank.CODEC,
    Format.COHERE_RERANK_V1: cohere_rerank.V1,
    Format.COHERE_TOKENIZE: cohere_tokenize.TOKENIZE,
    Format.COHERE_DETOKENIZE: cohere_tokenize.DETOKENIZE,
    Format.GEMINI_EMBED: gemini_embed.EMBED,
    Format.GEMINI_EMBEDS: gemini_embed.EMBEDS,
    Format.GEMINI_COUNT_TOKENS: gemini_count_tokens.CODEC,
    Format.GEMINI_PREDICT: predict.CODEC,
    Format.VERTEX_PREDICT: predict.VERTEX,
    Format.GEMINI_IMAGES: gemini_images.CODEC,
    Format.GEMINI_SPEECH: gemini_speech.CODEC,
    Format.GEMINI_TRANSCRIPTS: gemini_transcripts.CODEC,
    Format.VERTEX_EMBED: vertex_embed.CODEC,
    Format.VERTEX_COUNT_TOKENS: gemini_count_tokens.VERTEX,
}
"""The explicit list: one codec for each format."""

__all__ = [
    "CODECS",
    "AnyCodec",
    "Codec",
    "Envelope",
    "Frame",
    "Framer",
    "Peek",
    "Reader",
    "Stamp",
    "Tap",
    "Writer",
    "Written",
    "write_frame",
]
