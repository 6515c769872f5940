"""The routes of OpenAI's dialect, below its version."""

from asbru.edge.batch_control import ControlRoutes
from asbru.edge.failures import fail_openai
from asbru.edge.models import ModelRoutes
from asbru.edge.openai_batches import OpenAIBatches
from asbru.edge.openai_files import OpenAIFiles
from asbru.edge.openai_media import openai_media_rows
from asbru.edge.parts import Parts
from asbru.edge.passthrough import CONTAINERS, OTHERS
from asbru.edge.routes import Mount
from asbru.model.names import Format
from asbru.wire.openai.batches import bare_id


def openai_rows(parts: Parts, default: str) -> list[Mount]:
    """What the unified API and OpenAI's own have in common.

    ``default``: the provider of a model without prefix, "" to demand one.
    """
    chat = parts.inference.route(Format.OPENAI_CHAT, default, fail_openai)
    completions = parts.inference.route(Format.OPENAI_COMPLETIONS, default, fail_openai)
    embeddings = parts.inference.route(Format.OPENAI_EMBEDDINGS, default, fail_openai)
    many, one = ModelRoutes(parts.lists, default, fail_openai).openai()
    return [
        *parts.passed.operations(CONTAINERS + OTHERS, default, fail_openai),
        *openai_media_rows(parts.inference, default),
        Mount("POST", "/chat/completions", chat),
        Mount("POST", "/completions", completions),
        *parts.responses.rows(default),
        Mount("POST", "/embeddings", embeddings),
        Mount("GET", "/models", many),
        Mount("GET", "/models/{id}", one),
    ]


def unified_rows(parts: Parts) -> list[Mount]:
    """What the unified API has beyond OpenAI's."""
    inference = parts.inference
    return [
        Mount("POST", "/rerank", inference.route(Format.OPENAI_RERANK, "", fail_openai)),
        Mount("POST", "/count_tokens", parts.responses.count("")),
    ]


def openai_batch_rows(parts: Parts, default: str) -> list[Mount]:
    """Batches and files. ``default``: the provider of models without a prefix, "" to demand one."""
    batches = OpenAIBatches(parts.batches, parts.files, default)
    files = OpenAIFiles(parts.files, parts.batches)
    return [
        Mount("POST", "/batches", batches.create),
        Mount("GET", "/batches", batches.list),
        Mount("GET", "/batches/{id}", batches.retrieve),
        Mount("POST", "/batches/{id}/cancel", batches.cancel),
        Mount("GET", "/batches/{id}/results", batches.results),
        *ControlRoutes(parts.control, fail_openai, bare_id, batches.answer).rows("/batches"),
        Mount("POST", "/files", files.create),
        Mount("GET", "/files", files.list),
        Mount("GET", "/files/{id}", files.retrieve),
        Mount("DELETE", "/files/{id}", files.delete),
        Mount("GET", "/files/{id}/content", files.content),
    ]
