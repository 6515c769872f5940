"""What a create or an input file holds, read into entries: one shape for each way to write a list of requests.

Rule 1. Nothing inside a request is decoded here; an entry is a custom id and the bytes of what is asked.
Rule 2. A file's first line says in which shape it is written; a line of another shape is a mistake.
Rule 3. Shapes, and where they come from: Anthropic's ``requests`` (MessageBatch create), OpenAI's input file lines
(``custom_id, method, url, body``; batch guide), Gemini's (``key, request``; ai.google.dev/gemini-api/docs/batch-api),
Bedrock's (``recordId, modelInput``; ``wire.bedrock.job_lines``), and each of them in another's place.
Rule 4. Gemini's inlined requests have no key of their own: it is ``metadata.key``, else ``request-<n>``.
"""

import mmap
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import TypeVar, cast

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from asbru.model.failure import Refused
from asbru.model.names import Format
from asbru.wire.bedrock.job_lines import CONVERSE, INVOKE, RecordReader
from asbru.wire.openai.batches import ENDPOINTS
from asbru.wire.shapes import BAD_JSON

_T = TypeVar("_T")

URLS: Mapping[str, Format] = {url: format for format, url in ENDPOINTS.items()}
"""OpenAI's ``endpoint`` of a batch, and ``url`` of its lines -> the format of the bodies."""
_AZURES = {url.removeprefix("/v1"): format for url, format in URLS.items()}
"""The same as Azure writes them."""


class Source(StrEnum):
    """How a body holds its requests: ``requests`` as Anthropic has them, ``requests`` with OpenAI's members,
    ``batch.inputConfig.requests.requests`` as Gemini has them, a line each.
    """

    REQUESTS = "requests"
    BODIES = "bodies"
    INLINED = "inlined"
    LINES = "lines"


class Entry(Struct):
    """One request. ``ask``: what is asked, UNSET when it is not there. ``note``: what its result is to carry."""

    custom_id: Raw | UnsetType
    ask: Raw | UnsetType
    note: Raw | UnsetType = UNSET


class Listing(Struct, frozen=True):
    """``entries``: a text instead of each that cannot be read. ``place``: how the n-th one is called in messages.

    ``member``: what holds the ask (``params``, ``body``). ``strict_ids``: custom ids must be Anthropic's. ``id``: what
    the custom id is called. ``headers``: what the requests said that goes upstream in headers.
    """

    entries: list[Entry | str]
    format: Format
    member: str
    place: Callable[[int], str]
    strict_ids: bool
    id: str = "custom_id"
    headers: Mapping[str, str] = {}


class _Anthropic(Struct):
    custom_id: Raw | UnsetType = UNSET
    params: Raw | UnsetType = UNSET


class _OpenAI(Struct):
    custom_id: Raw | UnsetType = UNSET
    method: Raw | UnsetType = UNSET
    url: Raw | UnsetType = UNSET
    body: Raw | UnsetType = UNSET


class _Gemini(Struct):
    key: Raw | UnsetType = UNSET
    metadata: Raw | UnsetType = UNSET
    request: Raw | UnsetType = UNSET


class _Key(Struct):
    key: Raw | UnsetType = UNSET


class _Content(Struct):
    """What Gemini's embedContent has, and generateContent has not."""

    content: Raw | UnsetType = UNSET
    contents: Raw | UnsetType = UNSET


class _Names(Struct):
    """Which members an entry has, to tell the shapes apart."""

    params: Raw | UnsetType = UNSET
    body: Raw | UnsetType = UNSET
    url: Raw | UnsetType = UNSET
    request: Raw | UnsetType = UNSET
    modelInput: Raw | UnsetType = UNSET  # noqa: N815  AWS's spelling.


class _Body(Struct):
    requests: Raw | UnsetType = UNSET


_read_body = msgspec.json.Decoder(_Body).decode
_read_raws = msgspec.json.Decoder(list[Raw]).decode
_read_many = msgspec.json.Decoder(list[_Anthropic]).decode
_read_anthropic = msgspec.json.Decoder(_Anthropic).decode
_read_openai = msgspec.json.Decoder(_OpenAI).decode
_read_gemini = msgspec.json.Decoder(_Gemini).decode
_read_key = msgspec.json.Decoder(_Key).decode
_read_content = msgspec.json.Decoder(_Content).decode
_read_names = msgspec.json.Decoder(_Names).decode
_read_string = msgspec.json.Decoder(str).decode
_SHAPELESS = "must have custom_id and body (OpenAI), custom_id and params (Anthropic), or key and request (Gemini)"
_NOT_AN_OBJECT = "Input should be an object"


def listing_of(source: Source, body: bytes | memoryview, url: str = "", model: str = "") -> Listing:
    """The entries in ``body``. ``url``: OpenAI's endpoint, or Bedrock's kind of invocation, "" when it is not said.

    ``model``: that of requests which name none.

    Raises Refused(400) when there is no such list, or its endpoint is unknown.
    """
    match source:
        case Source.REQUESTS:
            return Listing(_anthropic(_requests(body)), Format.ANTHROPIC_MESSAGES, "params", _by_index, True)
        case Source.BODIES:
            return _listed(_raws(_requests(body)), (url, model), _by_index)
        case Source.INLINED:
            return _inlined(_raws(inlined(body)))
        case Source.LINES:
            return _listed(list(_lines(body)), (url, model), _by_line)


def _listed(raws: "list[bytes | memoryview]", said: tuple[str, str], place: Callable[[int], str]) -> Listing:
    invoked = said[0] in (INVOKE, CONVERSE)
    url = "" if invoked else said[0]
    names = _try(_read_names, raws[0]) if raws else None
    if isinstance(names, _Names) and names.params is not UNSET and names.body is UNSET:
        entries: list[Entry | str] = [_of_anthropic(_try(_read_anthropic, raw)) for raw in raws]
        return Listing(entries, Format.ANTHROPIC_MESSAGES, "params", place, False)
    if isinstance(names, _Names) and names.request is not UNSET and names.body is UNSET:
        entries = [_of_gemini(_try(_read_gemini, raw)) for raw in raws]
        return Listing(entries, _gemini_format(names.request), "request", place, False, "key")
    members = names if isinstance(names, _Names) else _Names()
    if members.body is UNSET and (invoked or members.modelInput is not UNSET):
        return _records(raws, said, place)
    if not url and (not isinstance(names, _Names) or names.body is names.url is UNSET):
        return Listing([_SHAPELESS for _ in raws], Format.OPENAI_CHAT, "body", place, False)
    endpoint = url or (_text(names.url) if isinstance(names, _Names) else "")
    read = _OpenAIReader(endpoint)
    return Listing([read(raw) for raw in raws], format_of(endpoint), "body", place, False)


def format_of(endpoint: str) -> Format:
    """The format of the bodies that are asked at ``endpoint``. Raises Refused(400)."""
    found = URLS.get(endpoint) or _AZURES.get(endpoint)
    if found is None:
        known = ", ".join(sorted(URLS))
        message = f"endpoint: must be one of {known}, this is {endpoint!r}"
        raise Refused(400, message, code="invalid_request_error", param="endpoint")
    return found


class _OpenAIReader:
    """Reads OpenAI's entries, all of which go to one endpoint."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._urls = {endpoint, f"/v1{endpoint}", endpoint.removeprefix("/v1")}

    def __call__(self, raw: bytes | memoryview) -> Entry | str:
        entry = _try(_read_openai, raw)
        if isinstance(entry, str):
            return entry
        if entry.url is not UNSET and _text(entry.url) not in self._urls:
            return f"url: must be {self._endpoint}, as the batch's endpoint is"
        if entry.method is not UNSET and _text(entry.method).upper() != "POST":
            return "method: must be POST"
        return Entry(entry.custom_id, entry.body)


def _text(raw: Raw | UnsetType) -> str:
    if raw is UNSET:
        return ""
    try:
        return _read_string(raw)
    except BAD_JSON:
        return ""


def _anthropic(requests: Raw) -> list[Entry | str]:
    """All at once when they are well formed, else one by one."""
    try:
        return [Entry(one.custom_id, one.params) for one in _read_many(requests)]
    except msgspec.ValidationError:
        return [_of_anthropic(_try(_read_anthropic, raw)) for raw in _raws(requests)]


def _of_anthropic(found: _Anthropic | str) -> Entry | str:
    return found if isinstance(found, str) else Entry(found.custom_id, found.params)


def _records(raws: "list[bytes | memoryview]", said: tuple[str, str], place: Callable[[int], str]) -> Listing:
    reader = RecordReader(raws, *said)
    entries: list[Entry | str] = []
    for n, raw in enumerate(raws):
        found = reader.read(n, raw)
        entries.append(found if isinstance(found, str) else Entry(*found))
    headers = {"anthropic-beta": ",".join(reader.betas)} if reader.betas else {}
    return Listing(entries, reader.format, "modelInput", place, False, "recordId", headers)


def _inlined(raws: "list[bytes | memoryview]") -> Listing:
    first = _try(_read_gemini, raws[0]) if raws else None
    entries = [_keyed(n, _try(_read_gemini, raw)) for n, raw in enumerate(raws)]
    format = _gemini_format(first.request if isinstance(first, _Gemini) else UNSET)
    return Listing(entries, format, "request", _by_index, False, "metadata.key")


def _gemini_format(request: Raw | UnsetType) -> Format:
    """Both kinds of requests stand in the same place: what they hold tells them apart."""
    found = UNSET if request is UNSET else _try(_read_content, request)
    embeds = isinstance(found, _Content) and found.content is not UNSET and found.contents is UNSET
    return Format.GEMINI_EMBED if embeds else Format.GEMINI_GENERATE


def _of_gemini(found: _Gemini | str) -> Entry | str:
    return found if isinstance(found, str) else Entry(found.key, found.request, found.metadata)


def _keyed(n: int, found: _Gemini | str) -> Entry | str:
    """An inlined request, under a name that its results can be told apart by."""
    if isinstance(found, str):
        return found
    key: Raw | UnsetType = UNSET
    if found.metadata is not UNSET:
        metadata = _try(_read_key, found.metadata)
        if isinstance(metadata, str):
            return f"metadata: {metadata}"
        key = metadata.key
    return Entry(Raw(b'"request-%d"' % n) if key is UNSET else key, found.request, found.metadata)


def _try(read: Callable[[bytes | memoryview], _T], raw: bytes | memoryview) -> _T | str:
    try:
        return read(raw)
    except msgspec.ValidationError:
        return _NOT_AN_OBJECT
    except BAD_JSON as error:
        return f"is not valid JSON: {error}"


def _requests(body: bytes | memoryview) -> Raw:
    try:
        requests = _read_body(body).requests
    except msgspec.ValidationError:
        raise _refused("The body must be a JSON object.") from None
    except BAD_JSON as error:
        raise _refused(f"The body is not valid JSON: {error}") from None
    if requests is UNSET:
        raise _refused("requests: Field required", "requests")
    return requests


class _Inlined(Struct):
    requests: Raw | UnsetType = UNSET


class _Input(Struct):
    requests: _Inlined | UnsetType = UNSET


class _Batch(Struct):
    camel: _Input | UnsetType = msgspec.field(default=UNSET, name="inputConfig")
    snake: _Input | UnsetType = msgspec.field(default=UNSET, name="input_config")


class _Create(Struct):
    batch: _Batch


_read_inlined = msgspec.json.Decoder(_Create).decode


def inlined(body: bytes | memoryview) -> Raw:
    """The requests in a create of Gemini's. Raises Refused(400) when there are none."""
    try:
        batch = _read_inlined(body).batch
    except BAD_JSON as error:
        raise _refused(f"The body is no batch: {error}") from None
    config = batch.snake if batch.camel is UNSET else batch.camel
    if config is UNSET or config.requests is UNSET or config.requests.requests is UNSET:
        raise _refused("batch.inputConfig.requests.requests: Field required", "batch.inputConfig.requests.requests")
    return config.requests.requests


def _raws(requests: Raw) -> "list[bytes | memoryview]":
    try:
        return [memoryview(raw) for raw in _read_raws(requests)]
    except msgspec.ValidationError:
        raise _refused("requests: Input should be a valid array", "requests") from None


def _lines(body: bytes | memoryview) -> Iterator[memoryview]:
    """Lines that are not empty, without their ends; nothing is copied."""
    view = memoryview(body)
    # A memory map is searched itself: a view of it cannot be.
    find = cast("bytes | mmap.mmap", view.obj).find
    start = 0
    while start < len(view):
        end = find(b"\n", start)
        end = len(view) if end < 0 else end
        line = view[start:end]
        if bytes(line[:64]).strip() or bytes(line[64:]).strip():
            yield line
        start = end + 1


def _by_index(n: int) -> str:
    return f"requests.{n}"


def _by_line(n: int) -> str:
    return f"line {n + 1}"


def _refused(message: str, param: str = "") -> Refused:
    return Refused(400, message, code="invalid_request_error", param=param)
