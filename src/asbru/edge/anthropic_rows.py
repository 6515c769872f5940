"""The routes of Anthropic's dialect."""

from asbru.edge.anthropic_files import AnthropicFiles
from asbru.edge.batch_control import ControlRoutes
from asbru.edge.batches import AnthropicBatches
from asbru.edge.failures import fail_anthropic
from asbru.edge.models import ModelRoutes
from asbru.edge.parts import Parts
from asbru.edge.routes import Mount
from asbru.model.names import Format
from asbru.wire.anthropic.batches import bare_id


def anthropic_rows(parts: Parts) -> list[Mount]:
    """Inference and models. A model without prefix is Anthropic's."""
    messages = parts.inference.route(Format.ANTHROPIC_MESSAGES, "anthropic", fail_anthropic)
    count = parts.inference.route(Format.ANTHROPIC_COUNT_TOKENS, "anthropic", fail_anthropic)
    complete = parts.inference.route(Format.ANTHROPIC_COMPLETE, "anthropic", fail_anthropic)
    many, one = ModelRoutes(parts.lists, "anthropic", fail_anthropic).anthropic()
    return [
        Mount("POST", "/v1/messages", messages),
        Mount("POST", "/v1/messages/count_tokens", count),
        Mount("POST", "/v1/complete", complete),
        Mount("GET", "/v1/models", many),
        Mount("GET", "/v1/models/{id}", one),
    ]


def anthropic_batch_rows(parts: Parts) -> list[Mount]:
    """Message batches, and files."""
    batches, base = AnthropicBatches(parts.batches, parts.public_url), "/v1/messages/batches"
    files = AnthropicFiles(parts.files)
    return [
        Mount("POST", base, batches.create),
        Mount("GET", base, batches.list),
        Mount("GET", f"{base}/{{id}}", batches.retrieve),
        Mount("DELETE", f"{base}/{{id}}", batches.delete),
        Mount("POST", f"{base}/{{id}}/cancel", batches.cancel),
        Mount("GET", f"{base}/{{id}}/results", batches.results),
        *ControlRoutes(parts.control, fail_anthropic, bare_id, batches.answer).rows(base),
        Mount("POST", "/v1/files", files.create),
        Mount("GET", "/v1/files", files.list),
        Mount("GET", "/v1/files/{id}", files.retrieve),
        Mount("DELETE", "/v1/files/{id}", files.delete),
        Mount("GET", "/v1/files/{id}/content", files.content),
    ]
