"""Structured output of models that Converse's ``outputConfig.textFormat`` is not for: by a tool that must be called.

Source: the user guide's "Structured outputs" lists the models that have it: Claude from 4.5 on and open-weight ones.
Older Claudes and Amazon Nova refuse the member; both can be made to call a tool, whose input is then the output.

Rule 1. The tool has a name of ours, so that whoever reads the reply knows it for the output, without having seen the
request.
Rule 2. With tools of the caller's one of all must be called; with thinking, which forbids to force one, none need be.
"""

import re

from asbru.model.chat import Ask, Output, Part, Text, ToolCall
from asbru.model.names import Finish
from asbru.wire.bedrock.converse_parts import Json
from asbru.wire.shapes import BAD_JSON, read_members

OUTPUT_TOOL = "asbru_json_output"
"""A call of it is the output."""

_BY_TOOL = re.compile(
    r"nova|claude-(?:v?[123]|instant)|claude-(?:opus|sonnet|haiku)-4(?:-[01](?!\d)|-20\d{6}|$)|mistral-large-24"
)


def by_tool(ask: Ask) -> Output | None:
    """What the model must be made to write by a tool; None when it can be asked for it, or nothing is wanted."""
    output = ask.output
    if output is None or output.schema is None or not _BY_TOOL.search(ask.model.lower()):
        return None
    try:
        kind = read_members(output.schema).get("type")
    except BAD_JSON:
        return None
    return output if kind is None or bytes(kind) == b'"object"' else None


def output_tool(output: Output) -> Json:
    """The tool. Its description is the schema's, or says what the tool is for."""
    words = output.description or "Gives the answer. Call it exactly once, with the whole answer."
    return {"toolSpec": {"name": OUTPUT_TOOL, "description": words, "inputSchema": {"json": output.schema}}}


def forced(alone: bool, thinks: bool) -> Json:
    """``toolChoice`` beside the tool. ``alone``: there is no other tool."""
    if thinks:
        return {"auto": {}}
    return {"tool": {"name": OUTPUT_TOOL}} if alone else {"any": {}}


def as_output(part: Part) -> Part:
    """A call of the tool as the text that it stands for."""
    if isinstance(part, ToolCall) and part.name == OUTPUT_TOOL:
        return Text(bytes(part.arguments).decode())
    return part


def finished(finish: Finish | None, told: bool, calls: bool) -> Finish | None:
    """A reply that only gave its output has come to its end. ``told``: the output was; ``calls``: tools were called."""
    return Finish.STOP if finish is Finish.TOOL_CALLS and told and not calls else finish
