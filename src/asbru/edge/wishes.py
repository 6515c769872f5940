"""What headers of the gateway's own ask for beside the body (api-inventory.md, "Request headers").

Rule 1. A stored key by its name or id; the bodies as they went and came; members that only the provider knows; and,
when ``client.allow_direct_keys`` is on, credentials of the caller's own.
Rule 2. What cannot be done is refused and names the header. An address and a region become part of a host's name: they
are of the form that Azure's and AWS's have, or configured.
"""

import re
from collections.abc import Mapping

import msgspec
from msgspec import Raw

from asbru.gateway import Exchange, Snapshot
from asbru.gateway.direct import Direct, passing_key
from asbru.model.failure import Refused
from asbru.model.http import Headers
from asbru.model.keys import Key, Secret
from asbru.model.shown import Shown
from asbru.routing import Pin

_BY_ID = b"x-bf-api-key-id"
_PINS = (_BY_ID, b"x-bf-api-key")

_RAW_REQUEST, _RAW_RESPONSE = b"x-bf-send-back-raw-request", b"x-bf-send-back-raw-response"
_EXTRA = b"x-bf-passthrough-extra-params"

_AWS = b"x-bf-bedrock-"
_SECRETS = ("access_key", "secret_key", "session_token")
_ENDPOINT = b"x-bf-azure-endpoint"
_OWN = frozenset({*(_AWS + word for word in (b"api-key", b"access-key", b"secret-key", b"session-token", b"region"))})

RARE = _OWN | {*_PINS, _RAW_REQUEST, _RAW_RESPONSE, _EXTRA, _ENDPOINT}
"""The headers that tell of a wish."""

_KEYS = (b"authorization", b"x-api-key", b"x-goog-api-key", b"api-key")
"""Where clients put a key. ``api-key`` is what Azure's do."""
_VIRTUAL = b"sk-bf-"
_REGION = re.compile(r"[a-z]{2}(-[a-z]+){1,3}-\d{1,2}")
_AZURES = re.compile(
    r"https://[A-Za-z0-9-]+\.((openai|cognitiveservices)\.azure\.(com|us|cn)|services\.ai\.azure\.(com|us))/?"
)
_SAID_ELSEWHERE = ("model", "stream", "fallbacks")
_members = msgspec.json.Decoder(dict[str, Raw])


def wish(x: Exchange, headers: Headers, snapshot: Snapshot) -> None:
    """Add to ``x`` what ``headers`` ask for. Raises Refused for what cannot be done."""
    x.pin = pin_of(headers)
    x.shown = Shown(_flag(headers, _RAW_REQUEST), _flag(headers, _RAW_RESPONSE))
    if _flag(headers, _EXTRA):
        x.extra = _extra(x)
    x.direct = _direct(headers, snapshot)


def pin_of(headers: Headers) -> Pin | None:
    """The stored key that the caller names; the id wins. Both are names, not credentials."""
    for header in _PINS:
        word = headers.get(header)
        if word:
            return Pin(header.decode(), word.decode("latin-1"), header is _BY_ID)
    return None


def _flag(headers: Headers, name: bytes) -> bool | None:
    said = headers.get(name, b"").strip().lower()
    if said not in (b"", b"true", b"false"):
        raise _refused(name, "must be true or false")
    return said == b"true" if said else None


def _extra(x: Exchange) -> Mapping[str, Raw]:
    """``extra_params``, which is taken out of the body."""
    extra = x.envelope.get("extra_params", _members) or {}
    for name in _SAID_ELSEWHERE:
        if name in extra:
            at = f"extra_params.{name}"
            raise Refused(400, f"{at}: is said beside extra_params", code="invalid_request_error", param=at)
    x.envelope.members.pop("extra_params", None)
    return extra


def _direct(headers: Headers, snapshot: Snapshot) -> Direct | None:
    own = [name for name in headers if name in _OWN or name == _ENDPOINT]
    if not snapshot.direct_keys:
        if own:
            why = "callers may not bring credentials of their own (client.allow_direct_keys is off)"
            raise Refused(403, f"{own[0].decode()}: {why}", code="permission_denied", param=own[0].decode())
        return None
    aws = _aws_key(headers) if own else None
    endpoint = _endpoint(headers, snapshot)
    value = Secret(next(filter(None, (_bare(name, headers) for name in _KEYS)), ""))
    return Direct(value=value, aws=aws, endpoint=endpoint) if value or aws or endpoint else None


def _bare(name: bytes, headers: Headers) -> str:
    """The key in a header; "" for a virtual key, and for what is no key at all (AWS's signatures)."""
    value = headers.get(name, b"").strip()
    if name == b"authorization":
        scheme, _, value = value.partition(b" ")
        value = value.strip() if scheme.lower() == b"bearer" else b""
    return "" if value.startswith(_VIRTUAL) else _printable(name, value)


def _printable(name: bytes, value: bytes) -> str:
    if not (value.isascii() and value.decode().isprintable()):
        raise _refused(name, "must be printable ASCII")
    return value.decode()


def _aws_key(headers: Headers) -> Key | None:
    said = {name: _printable(name, headers.get(name, b"").strip()) for name in _OWN}
    region = said[_AWS + b"region"]
    if region and not _REGION.fullmatch(region):
        raise _refused(_AWS + b"region", "must be a region of AWS's, such as eu-north-1")
    settings = {"region": region} if region else {}
    token = said[_AWS + b"api-key"]
    if token:
        return passing_key(Secret(token), settings)
    secrets = {word: said[_AWS + word.replace("_", "-").encode()] for word in _SECRETS}
    if not any(secrets.values()):
        return None
    for word in ("access_key", "secret_key"):
        if not secrets[word]:
            raise _refused(_AWS + word.replace("_", "-").encode(), "is missing")
    held = {word: Secret(value) for word, value in secrets.items() if value}
    return passing_key(Secret(""), settings, held)


def _endpoint(headers: Headers, snapshot: Snapshot) -> str:
    said = _printable(_ENDPOINT, headers.get(_ENDPOINT, b"").strip()).rstrip("/")
    if not said or _AZURES.fullmatch(said):
        return said
    routes = snapshot.table.providers.values()
    if said in {key.settings.get("endpoint", "").rstrip("/") for route in routes for key in route.keys}:
        return said
    raise _refused(_ENDPOINT, "must be the https address of an Azure resource, or one that is configured")


def _refused(header: bytes, why: str) -> Refused:
    return Refused(400, f"{header.decode()}: {why}", code="invalid_request_error", param=header.decode())
