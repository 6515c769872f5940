"""The prompt formats of InvokeModel: where each has its prompt and its parameters, and how it words an answer.

Sources: the user guide's "Inference request parameters and response fields" for Amazon Titan text, Meta Llama, Mistral
AI and Cohere Command, Command R.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec import Struct

from asbru.model.names import Finish, Format

Json = dict[str, object]


class Answered(Struct, frozen=True):
    """An answer, or a piece of one; ``finish`` None while it goes on. Tokens are told with the last piece."""

    text: str
    finish: Finish | None = None
    input: int = 0
    output: int = 0
    id: str = ""


class Parameters(Struct, frozen=True):
    """Names of members; "" for what a format lacks. ``config``: the member that holds them; "": the top level."""

    max_tokens: str
    top_p: str
    stop: str = ""
    top_k: str = ""
    config: str = ""


class PromptShape(Struct, frozen=True, kw_only=True):
    """``prompt``: the member with what is asked; ``system``, ``history``: those with what came before (Command R).

    ``whole`` and ``piece`` write an answer and a piece of its stream. ``counts``: the members that count tokens.
    """

    format: Format
    prompt: str
    parameters: Parameters
    whole: Callable[[Answered], Json]
    piece: Callable[[Answered], Json]
    counts: tuple[str, str] = ("", "")
    system: str = ""
    history: str = ""


def _word(words: Mapping[Finish, str], finish: Finish | None, usual: str) -> str | None:
    return None if finish is None else words.get(finish, usual)


_TITAN = {
    Finish.LENGTH: "LENGTH",
    Finish.STOP_SEQUENCE: "STOP_CRITERIA_MET",
    Finish.CONTENT_FILTER: "CONTENT_FILTERED",
    Finish.REFUSAL: "CONTENT_FILTERED",
}


def _titan(said: Answered) -> Json:
    result = {
        "tokenCount": said.output,
        "outputText": said.text,
        "completionReason": _word(_TITAN, said.finish, "FINISH"),
    }
    return {"inputTextTokenCount": said.input, "results": [result]}


def _titan_piece(said: Answered) -> Json:
    return {
        "outputText": said.text,
        "index": 0,
        "totalOutputTextTokenCount": said.output if said.finish else None,
        "completionReason": _word(_TITAN, said.finish, "FINISH"),
        "inputTextTokenCount": said.input if said.finish else None,
    }


def _llama(said: Answered) -> Json:
    return {
        "generation": said.text,
        "prompt_token_count": said.input if said.finish else None,
        "generation_token_count": said.output if said.finish else None,
        "stop_reason": _word({Finish.LENGTH: "length"}, said.finish, "stop"),
    }


def _mistral(said: Answered) -> Json:
    return {"outputs": [{"text": said.text, "stop_reason": _word({Finish.LENGTH: "length"}, said.finish, "stop")}]}


_COHERE = {Finish.LENGTH: "MAX_TOKENS", Finish.CONTENT_FILTER: "ERROR_TOXIC", Finish.REFUSAL: "ERROR_TOXIC"}


def _command(said: Answered) -> Json:
    generation = {"finish_reason": _word(_COHERE, said.finish, "COMPLETE"), "id": said.id, "text": said.text}
    return {"generations": [generation], "id": said.id, "prompt": ""}


def _command_piece(said: Answered) -> Json:
    if said.finish is None:
        return {"index": 0, "is_finished": False, "text": said.text}
    return {"finish_reason": _word(_COHERE, said.finish, "COMPLETE"), "is_finished": True, "text": said.text}


def _command_r(said: Answered) -> Json:
    reason = _word(_COHERE, said.finish, "COMPLETE")
    return {"response_id": said.id, "text": said.text, "generation_id": said.id, "finish_reason": reason}


def _command_r_piece(said: Answered) -> Json:
    if said.finish is None:
        return {"event_type": "text-generation", "text": said.text, "is_finished": False}
    reason = _word(_COHERE, said.finish, "COMPLETE")
    end = _command_r(Answered(text=said.text, finish=said.finish, id=said.id))
    return {"event_type": "stream-end", "finish_reason": reason, "is_finished": True, "response": end}


SHAPES: Mapping[Format, PromptShape] = MappingProxyType(
    {
        shape.format: shape
        for shape in (
            PromptShape(
                format=Format.BEDROCK_TITAN_TEXT,
                prompt="inputText",
                parameters=Parameters("maxTokenCount", "topP", "stopSequences", config="textGenerationConfig"),
                whole=_titan,
                piece=_titan_piece,
                counts=("inputTextTokenCount", "totalOutputTextTokenCount"),
            ),
            PromptShape(
                format=Format.BEDROCK_LLAMA,
                prompt="prompt",
                parameters=Parameters("max_gen_len", "top_p"),
                whole=_llama,
                piece=_llama,
                counts=("prompt_token_count", "generation_token_count"),
            ),
            PromptShape(
                format=Format.BEDROCK_MISTRAL,
                prompt="prompt",
                parameters=Parameters("max_tokens", "top_p", "stop", "top_k"),
                whole=_mistral,
                piece=_mistral,
            ),
            PromptShape(
                format=Format.BEDROCK_COMMAND,
                prompt="prompt",
                parameters=Parameters("max_tokens", "p", "stop_sequences", "k"),
                whole=_command,
                piece=_command_piece,
            ),
            PromptShape(
                format=Format.BEDROCK_COMMAND_R,
                prompt="message",
                parameters=Parameters("max_tokens", "p", "stop_sequences", "k"),
                whole=_command_r,
                piece=_command_r_piece,
                system="preamble",
                history="chat_history",
            ),
        )
    }
)
"""By format."""
