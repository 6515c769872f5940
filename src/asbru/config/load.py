"""From a file and the environment to ``Settings``."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from asbru.config.address import http_url, text_of
from asbru.config.file_shape import FileShape
from asbru.config.findings import ConfigError, Findings, Offence
from asbru.config.people import admin_of, register_of
from asbru.config.people_shape import GovernanceShape
from asbru.config.provider import detected, provider_of
from asbru.config.s3 import s3_of
from asbru.config.settings import BatchSettings, Client, Documents, ProviderSettings, Settings, WebhookSettings
from asbru.config.shape import AsbruShape, BatchShape, ClientShape, WebhookShape
from asbru.config.stores import database_of
from asbru.config.walk import walk
from asbru.model.keys import Secret
from asbru.wire.openai.webhooks import signing_key

_ORIGIN = re.compile(
    r"\*|https?://(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?"
)

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

FILE_NAME = "config.json"
_SHORTEST_SECRET = 16


def find(path: Path | None, app_dir: Path) -> Path | None:
    """``path`` if one is said, else ``config.json`` in ``app_dir`` if there is one."""
    if path is not None:
        return path
    usual = app_dir / FILE_NAME
    return usual if usual.is_file() else None


def load(path: Path | None, env: Mapping[str, str]) -> Settings:
    """The settings in the file at ``path``, or those that the environment gives when there is none.

    Raises ConfigError with every offence.
    """
    if path is None:
        return settings_of({}, env)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError((Offence("", f"cannot be read: {error}"),), str(path)) from None
    return settings_of(decode(text, str(path)), env, str(path))


def decode(text: str, source: str = "") -> object:
    """The JSON value in ``text``. Raises ConfigError with line and column, or with the member that is there twice."""
    try:
        return json.loads(text, object_pairs_hook=_members, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        reason = f"is not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
    except RecursionError:
        reason = "is nested too deeply"
    except ValueError as error:
        reason = str(error)
    raise ConfigError((Offence("", reason),), source)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'is not clear: an object has the member "{twice}" twice')
    return members


def _no_constant(word: str) -> None:
    raise ValueError(f"is not JSON: {word} is not a number")


def settings_of(document: object, env: Mapping[str, str], source: str = "") -> Settings:
    """The settings in a decoded document. Raises ConfigError with every offence."""
    findings = Findings(env)
    shape = msgspec.convert(walk(document, FileShape, findings), FileShape)
    governance = shape.governance or GovernanceShape()
    settings = Settings(
        providers=_providers(shape, findings),
        client=_client(shape.client or ClientShape(), findings),
        batch=_batch((shape.asbru or AsbruShape()).batch or BatchShape()),
        s3=s3_of((shape.asbru or AsbruShape()).s3, findings),
        documents=_documents(document),
        register=register_of(governance, findings),
        admin=admin_of(shape.auth_config, "auth_config", findings)
        or admin_of(governance.auth_config, "governance.auth_config", findings),
        webhook=_webhook((shape.asbru or AsbruShape()).webhook or WebhookShape(), findings),
        public_url=_public_url(shape.asbru or AsbruShape(), findings),
        database=database_of(shape, findings),
        detected=not shape.providers,
    )
    if findings.offences:
        raise ConfigError(tuple(findings.offences), source)
    return msgspec.structs.replace(settings, notices=tuple(findings.notices))


def _documents(document: object) -> Documents:
    providers = document.get("providers") if isinstance(document, dict) else None
    return Documents(providers if isinstance(providers, dict) else {})


def _providers(shape: FileShape, findings: Findings) -> Mapping[str, ProviderSettings]:
    if not shape.providers:
        return detected(findings)
    read = {name: provider_of(name, each, findings) for name, each in shape.providers.items()}
    return {name: each for name, each in read.items() if each is not None}


def _client(said: ClientShape, findings: Findings) -> Client:
    for n, header in enumerate(said.required_headers):
        if not _TOKEN.fullmatch(header):
            findings.refuse(f"client.required_headers[{n}]", "is not a header's name")
    for n, origin in enumerate(said.allowed_origins):
        if not _ORIGIN.fullmatch(origin):
            wanted = "must be an origin such as https://app.example.com or https://*.example.com, or *"
            findings.refuse(f"client.allowed_origins[{n}]", wanted)
    return Client(
        max_request_body_size=said.max_request_body_size_mb << 20,
        allowed_origins=said.allowed_origins,
        allow_direct_keys=said.allow_direct_keys,
        enforce_auth_on_inference=(
            said.enforce_auth_on_inference or said.enforce_governance_header or said.enforce_scim_auth
        ),
        required_headers=tuple(name.lower() for name in said.required_headers),
    )


def _batch(said: BatchShape) -> BatchSettings:
    usual = BatchSettings()
    return BatchSettings(
        concurrency=said.concurrency or usual.concurrency, expiry=said.expiry_in_seconds or usual.expiry
    )


def _webhook(said: WebhookShape, findings: Findings) -> WebhookSettings:
    secret = text_of(said.secret, "asbru.webhook.secret", findings)
    try:
        short = len(signing_key(secret)) < _SHORTEST_SECRET
    except ValueError:
        findings.refuse("asbru.webhook.secret", "what follows whsec_ must be base64")
        short = False
    if short and (secret or said.url):
        reason = f"must be of {_SHORTEST_SECRET} bytes or more: webhooks are signed with it"
        findings.refuse("asbru.webhook.secret", reason)
    url = text_of(said.url, "asbru.webhook.url", findings)
    if url and http_url(url.partition("?")[0], "asbru.webhook.url", findings) == "":
        url = ""
    return WebhookSettings(url=url, secret=Secret(secret), anywhere=said.allow_private_addresses)


def _public_url(said: AsbruShape, findings: Findings) -> str:
    return http_url(said.public_url, "asbru.public_url", findings) if said.public_url else ""
