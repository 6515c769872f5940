# One case per line, as in a table.
"""A good body of every format, for breaking: out of the corpus, and for what has none there, out of these tables."""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from wire_kit import HERE, told

from asbru.model.names import Format, Framing
from asbru.wire import CODECS, AnyCodec, Codec, Envelope
from asbru.wire.framing import CUTTERS
from asbru.wire.multipart import Form
from asbru.wire.sse import Frame

Json = dict[str, Any]

PNG = "iVBORw0KGgo="
TALK: Json = {
    "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
    "systemInstruction": {"parts": [{"text": "Be brief"}]},
}
CONVERSED: Json = {"messages": [{"role": "user", "content": [{"text": "a"}]}], "system": [{"text": "b"}]}
TITAN: Json = {"inputText": "a", "textGenerationConfig": {"maxTokenCount": 5, "topP": 0.5, "stopSequences": ["a"]}}
NOVA: Json = {"schemaVersion": "messages-v1", **CONVERSED, "inferenceConfig": {"maxTokens": 5, "topK": 5}}
RANKED: Json = {
    "results": [{"index": 1, "relevance_score": 0.5, "document": {"text": "b"}}, {"index": 0, "relevance_score": 0}],
    "id": "x",
}
EMBED: Json = {
    "content": {"parts": [{"text": "a"}]},
    "taskType": "RETRIEVAL_DOCUMENT",
    "title": "t",
    "outputDimensionality": 8,
}
PREDICT: Json = {
    "instances": [{"prompt": "A"}],
    "parameters": {"sampleCount": 2, "aspectRatio": "3:4", "seed": 7, "outputOptions": {"mimeType": "image/png"}},
}
PREDICTED: Json = {
    "predictions": [{"bytesBase64Encoded": "AA==", "mimeType": "image/png", "prompt": "p"}, {"raiFilteredReason": "no"}]
}
USAGE: Json = {
    "input_tokens": 9,
    "input_tokens_details": {"image_tokens": 4, "text_tokens": 5},
    "output_tokens": 7,
    "total_tokens": 16,
}
RERANK_AGENT: Json = {
    "queries": [{"type": "TEXT", "textQuery": {"text": "q"}}],
    "sources": [
        {"type": "INLINE", "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": "a"}}},
        {"type": "INLINE", "inlineDocumentSource": {"type": "JSON", "jsonDocument": {"b": 1}}},
    ],
    "rerankingConfiguration": {
        "type": "BEDROCK_RERANKING_MODEL",
        "bedrockRerankingConfiguration": {"modelConfiguration": {"modelArn": "m"}, "numberOfResults": 1},
    },
}

ASKS: dict[Format, list[Json]] = {
    Format.OPENAI_INPUT_TOKENS: [{"model": "m", "input": "Hi", "instructions": "b"}, {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": [{"type": "function", "name": "f", "parameters": {}}]}],
    Format.OPENAI_IMAGES: [{"model": "m", "prompt": "x", "n": 2, "size": "auto", "quality": "low", "response_format": "url", "output_format": "webp", "output_compression": 50, "stream": True, "partial_images": 2, "user": "u"}],
    Format.OPENAI_IMAGE_EDITS: [{"model": "m", "prompt": "x", "images": [{"image_url": "data:"}], "stream": False, "fallbacks": ["openai/y"]}],
    Format.OPENAI_SPEECH: [{"model": "m", "input": "x", "voice": "v", "speed": 1.5, "response_format": "pcm", "instructions": "softly"}, {"model": "m", "input": "x", "voice": {"id": "v"}}],
    Format.OPENAI_SPEECH_EVENTS: [{"model": "m", "input": "x", "voice": "v", "stream_format": "sse"}],
    Format.ANTHROPIC_COUNT_TOKENS: [{"model": "m", "system": "b", "messages": [{"role": "user", "content": "Hi"}], "tools": [{"name": "f", "input_schema": {}}]}],
    Format.BEDROCK_NOVA: [NOVA],
    Format.BEDROCK_COUNT_TOKENS: [{"input": {"converse": CONVERSED}}, {"input": {"invokeModel": {"body": "eyJpbnB1dFRleHQiOiJhIn0="}}}],
    Format.BEDROCK_CANVAS: [{"taskType": "TEXT_IMAGE", "textToImageParams": {"text": "a", "negativeText": "b"}, "imageGenerationConfig": {"numberOfImages": 2, "width": 1280, "height": 720, "cfgScale": 6.5, "seed": 7}}, {"taskType": "IMAGE_VARIATION", "imageVariationParams": {"text": "a", "images": [PNG]}}],
    Format.BEDROCK_STABILITY: [{"prompt": "a", "negative_prompt": "b", "aspect_ratio": "16:9", "output_format": "jpeg", "seed": 7, "strength": 0.5}, {"prompt": "a", "mode": "image-to-image", "image": "/9j/4AAQ"}],
    Format.BEDROCK_RERANK: [RERANK_AGENT],
    Format.BEDROCK_RERANK_INVOKE: [{"query": "a", "documents": ["a", {"b": 1}], "top_n": 1, "api_version": 2}],
    Format.BEDROCK_TITAN_TEXT: [TITAN],
    Format.BEDROCK_LLAMA: [{"prompt": "a", "max_gen_len": 5, "temperature": 0.5, "top_p": 0.5}],
    Format.BEDROCK_MISTRAL: [{"prompt": "a", "max_tokens": 5, "stop": ["a"], "top_k": 5}],
    Format.BEDROCK_COMMAND: [{"prompt": "a", "max_tokens": 5, "stop_sequences": ["a"], "p": 0.5, "k": 5}],
    Format.BEDROCK_COMMAND_R: [{"message": "a", "chat_history": [{"role": "USER", "message": "a"}, {"role": "CHATBOT", "message": "b"}], "preamble": "b"}],
    Format.ELEVENLABS_SPEECH: [{"model": "m", "text": "x", "voice_settings": {"speed": 1.1}}],
    Format.ELEVENLABS_TRANSCRIPTS: [{"model": "m", "model_id": "m", "diarize": True}],
    Format.COHERE_TOKENIZE: [{"model": "m", "text": "x"}],
    Format.COHERE_DETOKENIZE: [{"model": "m", "tokens": [1, 2]}],
    Format.GEMINI_EMBED: [EMBED, {"content": {"parts": [{"text": "a"}]}, "embedContentConfig": {"task_type": "RETRIEVAL_QUERY"}}],
    Format.GEMINI_EMBEDS: [{"requests": [{"model": "models/m", **EMBED}, {"model": "models/m", **EMBED, "title": "u"}]}],
    Format.GEMINI_COUNT_TOKENS: [TALK, {"generateContentRequest": {"model": "models/m", **TALK}}],
    Format.GEMINI_PREDICT: [PREDICT],
    Format.VERTEX_PREDICT: [{**PREDICT, "parameters": {**PREDICT["parameters"], "negativePrompt": "fog"}}],
    Format.GEMINI_IMAGES: [TALK],
    Format.VERTEX_EMBED: [{"instances": [{"content": "a", "task_type": "RETRIEVAL_QUERY", "title": "t"}], "parameters": {"outputDimensionality": 8, "autoTruncate": False}}],
    Format.GEMINI_TRANSCRIPTS: [TALK],
    Format.GEMINI_SPEECH: [{**TALK, "generationConfig": {"responseModalities": ["AUDIO"]}}],
    Format.VERTEX_COUNT_TOKENS: [TALK],
}  # fmt: skip
"""Requests in JSON."""

_FIELDS: dict[str, str] = {
    "model": "m",
    "language": "no",
    "prompt": "p",
    "response_format": "verbose_json",
    "temperature": "0.5",
    "timestamp_granularities[]": "word",
    "stream": "false",
}
FORMS = frozenset({Format.OPENAI_TRANSCRIPTIONS, Format.OPENAI_TRANSLATIONS, Format.OPENAI_IMAGE_VARIATIONS})
"""Formats whose requests are forms, and nothing but forms."""
FORM_KIND = "multipart/form-data; boundary=b"
FORM = b"".join(
    [f'--b\r\ncontent-disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in _FIELDS.items()]
    + [
        b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\ncontent-type: audio/wav\r\n\r\nRIFF\r\n--b--\r\n'
    ]
)

REPLIES: dict[Format, list[Json]] = {
    Format.OPENAI_INPUT_TOKENS: [{"object": "response.input_tokens", "input_tokens": 7}],
    Format.OPENAI_IMAGES: [{"created": 5, "data": [{"b64_json": "QQ==", "revised_prompt": "a"}, {"url": "https://x/y"}], "output_format": "webp", "quality": "low", "size": "1x1", "usage": USAGE}],
    Format.OPENAI_IMAGE_EDITS: [{"created": 5, "data": [{"b64_json": "QQ=="}], "usage": USAGE}],
    Format.OPENAI_IMAGE_VARIATIONS: [{"created": 5, "data": [{"url": "https://x/y"}]}],
    Format.OPENAI_SPEECH: [{"usage": {"input_tokens": 5, "output_tokens": 7}}],
    Format.OPENAI_SPEECH_EVENTS: [{"usage": {"input_tokens": 5, "output_tokens": 7}}],
    Format.OPENAI_TRANSCRIPTIONS: [{"text": "x", "usage": {"type": "tokens", "input_tokens": 14, "input_token_details": {"text_tokens": 0, "audio_tokens": 14}, "output_tokens": 2}}, {"text": "x", "usage": {"type": "duration", "seconds": 3}}],
    Format.OPENAI_TRANSLATIONS: [{"text": "x", "usage": {"type": "duration", "seconds": 3.5}}],
    Format.ANTHROPIC_COUNT_TOKENS: [{"input_tokens": 7, "context_management": None}],
    Format.BEDROCK_NOVA: [{"output": {"message": {"role": "assistant", "content": [{"text": "a"}, {"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}]}}, "stopReason": "end_turn", "usage": {"inputTokens": 1, "outputTokens": 2, "cacheReadInputTokenCount": 1}}],
    Format.BEDROCK_COUNT_TOKENS: [{"inputTokens": 7}],
    Format.BEDROCK_CANVAS: [{"images": [PNG], "error": None, "maskImage": "x"}, {"images": [], "error": "blocked"}],
    Format.BEDROCK_STABILITY: [{"seeds": [1], "finish_reasons": [None], "images": [PNG]}, {"finish_reasons": ["Filter reason: prompt"]}],
    Format.BEDROCK_RERANK: [{"results": [{"index": 0, "relevanceScore": 0.5}]}],
    Format.BEDROCK_RERANK_INVOKE: [RANKED],
    Format.BEDROCK_TITAN_TEXT: [{"inputTextTokenCount": 1, "results": [{"tokenCount": 2, "outputText": "a", "completionReason": "FINISH"}]}],
    Format.BEDROCK_LLAMA: [{"generation": "a", "prompt_token_count": 1, "generation_token_count": 2, "stop_reason": "stop"}],
    Format.BEDROCK_MISTRAL: [{"outputs": [{"text": "a", "stop_reason": "stop"}]}],
    Format.BEDROCK_COMMAND: [{"generations": [{"finish_reason": "COMPLETE", "id": "x", "text": "a"}], "id": "x", "prompt": ""}],
    Format.BEDROCK_COMMAND_R: [{"response_id": "x", "text": "a", "generation_id": "y", "finish_reason": "COMPLETE"}],
    Format.ELEVENLABS_SPEECH: [{}],
    Format.ELEVENLABS_TRANSCRIPTS: [{"language_code": "nor", "text": "Odin", "words": [{"text": "Odin", "start": 0.1, "end": 0.5, "type": "word", "speaker_id": "s"}, {"text": " ", "type": "spacing"}], "audio_duration_secs": 1.5}],
    Format.COHERE_TOKENIZE: [{"tokens": [1], "token_strings": ["x"]}],
    Format.COHERE_DETOKENIZE: [{"text": "x"}],
    Format.COHERE_RERANK_V1: [{**RANKED, "meta": {"billed_units": {"search_units": 1}}}],
    Format.GEMINI_EMBED: [{"embedding": {"values": [0.5, 1]}, "usageMetadata": {"promptTokenCount": 3}}],
    Format.GEMINI_EMBEDS: [{"embeddings": [{"values": [0.5]}, {"values": [1]}]}],
    Format.GEMINI_COUNT_TOKENS: [{"totalTokens": 7, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 7}]}],
    Format.GEMINI_PREDICT: [PREDICTED],
    Format.VERTEX_PREDICT: [PREDICTED],
    Format.GEMINI_IMAGES: [{"candidates": [{"content": {"parts": [{"text": "Here:"}, {"inlineData": {"mimeType": "image/png", "data": "AA=="}}]}, "finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1300, "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}]}, "modelVersion": "m"}, {"candidates": [{"finishReason": "IMAGE_SAFETY"}]}],
    Format.VERTEX_EMBED: [{"predictions": [{"embeddings": {"values": [0.5], "statistics": {"token_count": 3, "truncated": False}}}]}],
    Format.GEMINI_TRANSCRIPTS: [{"candidates": [{"content": {"parts": [{"text": "Odin rides."}]}, "finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 3, "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 3}], "candidatesTokenCount": 4}, "modelVersion": "m"}],
    Format.GEMINI_SPEECH: [{"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": "AAAA"}}]}, "finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 13}, "modelVersion": "m"}],
    Format.VERTEX_COUNT_TOKENS: [{"totalTokens": 7, "totalBillableCharacters": 20}],
}  # fmt: skip
"""Answers in JSON."""

PIECES: dict[Format, list[list[Json]]] = {
    Format.OPENAI_IMAGES: [[{"type": "image_generation.partial_image", "b64_json": "AA=="}, {"type": "image_generation.completed", "b64_json": "AA==", "usage": USAGE}]],
    Format.OPENAI_IMAGE_EDITS: [[{"type": "image_edit.completed", "b64_json": "AA==", "usage": USAGE}]],
    Format.OPENAI_SPEECH: [[{"any": "sound"}]],
    Format.ELEVENLABS_SPEECH: [[{"any": "sound"}]],
    Format.OPENAI_SPEECH_EVENTS: [[{"type": "speech.audio.delta", "audio": "AA=="}, {"type": "speech.audio.done", "usage": {"input_tokens": 5, "output_tokens": 7}}]],
    Format.OPENAI_TRANSCRIPTIONS: [[{"type": "transcript.text.delta", "delta": "x"}, {"type": "transcript.text.done", "text": "x", "usage": {"input_tokens": 5, "output_tokens": 7}}]],
    Format.ANTHROPIC_COMPLETE: [[{"type": "completion", "id": "c", "completion": " Hi", "stop_reason": None, "model": "m"}, {"type": "ping"}, {"type": "completion", "completion": "", "stop_reason": "stop_sequence", "stop": "x"}]],
    Format.OPENAI_COMPLETIONS: [[{"id": "c", "object": "text_completion", "created": 5, "model": "m", "choices": [{"index": 0, "text": "Hi", "logprobs": None, "finish_reason": None}]}, {"choices": [{"index": 0, "text": "", "finish_reason": "stop"}], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}]],
    Format.BEDROCK_TITAN_TEXT: [[{"outputText": "a", "index": 0, "completionReason": "FINISH", "totalOutputTextTokenCount": 2, "inputTextTokenCount": 1}]],
    Format.BEDROCK_LLAMA: [[{"generation": "a", "prompt_token_count": 1, "generation_token_count": 2, "stop_reason": "stop"}]],
    Format.BEDROCK_MISTRAL: [[{"outputs": [{"text": "a", "stop_reason": "stop"}]}]],
    Format.BEDROCK_COMMAND: [[{"index": 0, "is_finished": False, "text": "a"}, {"finish_reason": "COMPLETE", "is_finished": True}]],
    Format.BEDROCK_COMMAND_R: [[{"event_type": "text-generation", "text": "a", "is_finished": False}, {"event_type": "stream-end", "is_finished": True}]],
}  # fmt: skip
"""Streams, as what their frames hold."""

_FOLDERS = {
    "": ("corpus", "replies"),
    "embeddings": ("embeddings/asks", "embeddings/replies"),
    "rerank": ("rerank/asks", "rerank/replies"),
}


@cache
def _corpus(side: int) -> dict[Format, list[bytes]]:
    found: dict[Format, list[bytes]] = {}
    for folders in _FOLDERS.values():
        for section in (section for file in told(folders[side]) for section in file.sections if section.reads):
            found.setdefault(section.codec.format, []).append(section.body)
    return found


def _encoded(bodies: list[Json]) -> list[bytes]:
    return [msgspec.json.encode(body) for body in bodies]


def good_asks(format: Format) -> list[bytes]:
    """Requests that read well; a form is told by how it begins (envelope_of)."""
    told = _corpus(0).get(format, []) + _encoded(ASKS.get(format, []))
    return [FORM] if format in FORMS else told


def good_replies(format: Format) -> list[bytes]:
    """Whole answers that read well."""
    return _corpus(1).get(format, []) + _encoded(REPLIES.get(format, []))


def envelope_of(body: bytes) -> Envelope:
    """A body as the edge would take it. Raises Refused(400)."""
    return Form(body, FORM_KIND) if body.startswith(b"--") else Envelope(body)


_DIALECTS = {"anthropic": Format.ANTHROPIC_MESSAGES, "cohere": Format.COHERE_CHAT, "responses": Format.OPENAI_RESPONSES}
_STREAMS = HERE / "streams"


@cache
def _recorded() -> dict[Format, list[list[Frame]]]:
    found: dict[Format, list[list[Frame]]] = {}
    for path in sorted([*_STREAMS.glob("*.sse"), *_STREAMS.glob("failing/*.sse"), *_STREAMS.glob("gemini/**/*.sse")]):
        google = "gemini" in path.parts
        format = Format.GEMINI_GENERATE if google else _DIALECTS.get(path.name.split("-")[0], Format.OPENAI_CHAT)
        found.setdefault(format, []).append(_cut(path, format))
    for path in sorted(_STREAMS.glob("bedrock/*.json")):
        events = msgspec.json.decode(path.read_bytes())["events"]
        converse = [Frame(name, msgspec.json.encode(payload)) for name, payload in events]
        found.setdefault(Format.BEDROCK_CONVERSE, []).append(converse)
        nova = [Frame("", msgspec.json.encode({name: payload})) for name, payload in events]
        found.setdefault(Format.BEDROCK_NOVA, []).append(nova)
    return found


def _cut(path: Path, format: Format) -> list[Frame]:
    cutter = CUTTERS[Framing.SSE]()
    return cutter.feed(path.read_bytes()) + cutter.flush()


def good_streams(format: Format) -> list[list[Frame]]:
    """Streams, as their frames; some end with a failure."""
    return _recorded().get(format, []) + [
        [Frame("", msgspec.json.encode(piece)) for piece in pieces] for pieces in PIECES.get(format, [])
    ]


_DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Codec)}


def does(codec: AnyCodec, name: str) -> bool:
    """Whether a codec has this function of its own."""
    return getattr(codec, name) is not _DEFAULTS[name]


def lacking(format: Format) -> list[str]:
    """Of what kinds of body nothing is here: a new codec brings its own."""
    codec = CODECS[format]
    kinds = {"a request": bool(good_asks(format)), "a reply": bool(good_replies(format))}
    if codec.framing is not Framing.SSE or codec.streams or codec.unread:
        kinds["a stream"] = bool(good_streams(format))
    return [kind for kind, there in kinds.items() if not there]
