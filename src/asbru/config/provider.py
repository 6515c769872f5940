"""One provider's settings, read from its object in ``providers`` and its row in the catalogue."""

from msgspec.structs import replace

from asbru.config.address import http_url, rebased, text_of
from asbru.config.custom import custom_row
from asbru.config.findings import Findings
from asbru.config.key_settings import Extra, missing
from asbru.config.keys import detected_keys, keys_of
from asbru.config.network import is_unencrypted, network_of
from asbru.config.settings import ProviderSettings
from asbru.config.shape import NetworkShape, ProviderShape
from asbru.config.walk import nearest
from asbru.model.shown import Shown
from asbru.providers import CATALOG, Provider

_NAMES = frozenset({"azure", "bedrock", "elevenlabs", "gemini", "replicate", "runway", "vertex"})
_LATER = _NAMES - CATALOG.keys()
"""Bifrost's built-in providers (features.md 2.1) whose rows come with later versions."""


def provider_of(name: str, shape: ProviderShape, findings: Findings) -> ProviderSettings | None:
    """The settings of provider ``name``; None when there is nothing that could be asked."""
    path = f"providers.{name}"
    row = _row(name, shape, path, findings)
    if row is None:
        return None
    keys = keys_of(shape.keys, row, f"{path}.keys", findings)
    if not keys and row.keyless and (lacking := missing(row, Extra())):
        where = f"or keys with {row.key_config}.{lacking[0]}"
        findings.missing(f"{path}.network_config.base_url", f"is missing: write the server's address, {where}")
    if not row.keyless and not any(key.enabled for key in keys):
        findings.notice(f"`{path}` has no enabled key: requests to it will be refused")
    custom = shape.custom_provider_config
    allowed = custom.allowed_requests if custom else None
    return ProviderSettings(
        provider=row,
        keys=keys,
        network=network_of(shape, row.base_url, path, findings),
        allowed_requests=None if allowed is None else frozenset(each for each, yes in allowed.items() if yes),
        base=custom.base_provider_type if custom else "",
        shown=Shown(shape.send_back_raw_request, shape.send_back_raw_response),
    )


def _row(name: str, shape: ProviderShape, path: str, findings: Findings) -> Provider | None:
    said = (shape.network_config or NetworkShape()).base_url
    at = f"{path}.network_config.base_url"
    written = text_of(said, at, findings)
    base_url = http_url(written, at, findings) if written else ""
    if is_unencrypted(base_url):
        findings.notice(f"`{at}` is not https: keys and prompts travel in the clear")
    if shape.custom_provider_config is not None:
        return _custom(name, shape, base_url, path, findings)
    if name not in CATALOG:
        _unknown(name, path, findings)
        return None
    row = CATALOG[name]
    if base_url:
        row = rebased(row, base_url)
    return _unstored(row, shape)


def _custom(name: str, shape: ProviderShape, base_url: str, path: str, findings: Findings) -> Provider | None:
    assert shape.custom_provider_config is not None
    row = custom_row(name, shape.custom_provider_config, base_url, path, findings)
    if row is not None and not base_url:
        findings.missing(f"{path}.network_config.base_url", "is missing; a custom provider needs its address")
    return None if row is None else _unstored(row, shape)


def _unstored(row: Provider, shape: ProviderShape) -> Provider:
    """``openai_config.disable_store``: OpenAI is told to keep no copy of the conversation."""
    if shape.openai_config is None or not shape.openai_config.disable_store:
        return row
    quirks = replace(row.quirks, put={**row.quirks.put, "store": False})
    return replace(row, quirks=quirks)


def _unknown(name: str, path: str, findings: Findings) -> None:
    if name in _LATER:
        findings.notice(f"`{path}` is read by a later version; requests to {name} will be refused")
        return
    names = ", ".join(CATALOG)
    near = nearest(name, CATALOG)
    findings.refuse(
        path, f"unknown provider{near or f' (built in: {names})'}; one of your own needs custom_provider_config"
    )


def detected(findings: Findings) -> dict[str, ProviderSettings]:
    """The providers that the environment has keys for, and those that need none and whose address is known."""
    found: dict[str, ProviderSettings] = {}
    for name, usual in CATALOG.items():
        row, notice = _redirected(usual, findings)
        keys = detected_keys(row, findings)
        if notice or not row.base_url_env if row.keyless else keys:
            findings.notices += notice
            found[name] = ProviderSettings(provider=row, keys=keys)
    return found


def _redirected(row: Provider, findings: Findings) -> tuple[Provider, list[str]]:
    """The row at the address that a variable says, and what is to be told of it."""
    for variable in row.base_url_env:
        url = findings.env.get(variable, "").strip()
        if url:
            base_url = http_url(url, variable, findings)
            clear = ", where keys and prompts travel in the clear" if is_unencrypted(base_url) else ""
            notice = f"{row.name} is asked at {base_url}{clear}, because {variable} is set"
            return (rebased(row, base_url) if base_url else row), [notice]
    return row, []
