"""What a key has beside its value: the ``…_key_config`` of its provider, in the file or in the environment."""

import json
import re
from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from asbru.config.address import http_url, text_of, unversioned
from asbru.config.findings import Findings
from asbru.config.gcs import gcs_of
from asbru.config.s3 import depot_of
from asbru.config.shape import KEY_CONFIGS, AzureShape, BedrockShape, KeyConfigShape, KeyShape, VertexShape
from asbru.model.keys import Secret
from asbru.providers import Provider

_PLACE = re.compile(r"\{(\w+)\}")
_SAFE = re.compile(r"[\w.:/@+=,-]*", re.ASCII)
_GOOGLE = ("service_account", "authorized_user")
_RESOURCE = re.compile(r"/(openai|anthropic)(/.*)?$")
"""What people copy behind the address of an Azure resource."""
_ENTRA = ("client_id", "client_secret", "tenant_id")


class Extra(Struct, frozen=True, kw_only=True):
    """What a ``…_key_config`` says, in the words of ``model.keys.Key``. ``models``: those that it serves; (): all."""

    settings: Mapping[str, str] = {}
    secrets: Mapping[str, Secret] = {}
    deployments: Mapping[str, str] = {}
    models: tuple[str, ...] = ()
    ambient: bool = False


def extra_of(shape: KeyShape, row: Provider, path: str, findings: Findings) -> Extra:
    """What the key at ``path`` says beside its value; everything that ``row``'s addresses need is there, or refused."""
    for name in KEY_CONFIGS:
        if name != row.key_config and getattr(shape, name) is not None:
            whose = f", whose keys have {row.key_config}" if row.key_config else ""
            findings.refuse(f"{path}.{name}", f"is not for provider {row.name}{whose}")
    if not row.key_config or not shape.enabled:
        return Extra()
    path = f"{path}.{row.key_config}"
    said = getattr(shape, row.key_config) or KEY_CONFIGS[row.key_config]()
    extra = _read(said, row, path, findings)
    for name in missing(row, extra):
        findings.missing(f"{path}.{name}", f"is missing; provider {row.name} is asked at an address that holds it")
    return extra


def extra_from_env(row: Provider, findings: Findings) -> Extra:
    """What the variables of ``row`` say; empty when none is set."""
    found = {name: _first(variables, findings) for name, variables in row.settings_env.items()}
    texts = {name: value for name, value in found.items() if value}
    if not row.key_config or not texts:
        return Extra()
    said = msgspec.convert(texts, KEY_CONFIGS[row.key_config])
    return _read(said, row, ", ".join(row.settings_env[name][0] for name in texts), findings)


def _first(variables: tuple[str, ...], findings: Findings) -> str:
    return next((value for each in variables if (value := findings.env.get(each, "").strip())), "")


def missing(row: Provider, extra: Extra) -> list[str]:
    """The settings that the addresses of ``row`` ask for and that neither it nor a key has, those one can say."""
    places = {name for text in (row.base_url, *(each.path for each in row.serves)) for name in _PLACE.findall(text)}
    sayable = {field.name for field in msgspec.structs.fields(KEY_CONFIGS[row.key_config])} if row.key_config else set()
    return sorted((places & sayable) - row.settings.keys() - extra.settings.keys())


def _read(said: KeyConfigShape, row: Provider, path: str, findings: Findings) -> Extra:
    texts: dict[str, str] = {}
    for field in msgspec.structs.fields(said):
        if field.name not in ("deployments", "scopes", "batch_s3_config", "batch_gcs_config"):
            texts[field.name] = text_of(getattr(said, field.name), f"{path}.{field.name}", findings)
    texts = {name: text for name, text in texts.items() if text}
    secrets = {name: Secret(text) for name, text in texts.items() if name in said.SECRETS}
    settings = {name: text for name, text in texts.items() if name not in said.SECRETS}
    for name, text in settings.items():
        if not _SAFE.fullmatch(text):
            findings.refuse(f"{path}.{name}", "has a character that an address cannot hold")
    for name, value in said.deployments.items():
        if not name or not value or not value.isprintable():
            findings.refuse(f"{path}.deployments", "must map names of models to names of deployments")
    extra = Extra(settings=settings, secrets=secrets, deployments=said.deployments, models=tuple(said.deployments))
    return _MORE[row.key_config](said, extra, path, findings)


More = Callable[[KeyConfigShape, Extra, str, Findings], Extra]


def _azure(said: KeyConfigShape, extra: Extra, path: str, findings: Findings) -> Extra:
    """An application of Entra's is known by three things; its tokens come from an authority."""
    assert isinstance(said, AzureShape)
    known = {**extra.settings, **extra.secrets}
    lacking = [name for name in _ENTRA if name not in known]
    if lacking and len(lacking) < len(_ENTRA):
        findings.missing(f"{path}.{lacking[0]}", f"is missing; {', '.join(_ENTRA)} go together")
    settings = dict(extra.settings)
    if "endpoint" in settings:
        url = http_url(settings["endpoint"], f"{path}.endpoint", findings)
        settings["endpoint"] = _RESOURCE.sub("", url)
    if said.scopes:
        settings["scope"] = " ".join(said.scopes)
    authority = findings.env.get("AZURE_AUTHORITY_HOST", "").strip()
    if authority and not lacking:
        url = authority if "://" in authority else f"https://{authority}"
        settings["authority"] = http_url(url, "AZURE_AUTHORITY_HOST", findings)
    return replace(extra, settings=settings, ambient=not lacking)


def _vertex(said: KeyConfigShape, extra: Extra, path: str, findings: Findings) -> Extra:
    """Regions have hosts of their own, groups of them have others, and the whole world has one."""
    settings = dict(extra.settings)
    region = settings.get("region", "")
    if region == "global":
        settings["host"] = "aiplatform.googleapis.com"
    elif region in ("us", "eu"):
        settings["host"] = f"aiplatform.{region}.rep.googleapis.com"
    else:
        settings["host"] = f"{region}-aiplatform.googleapis.com"
    assert isinstance(said, VertexShape)
    settings |= gcs_of(said, f"{path}.batch_gcs_config", findings)
    credentials = extra.secrets.get("auth_credentials")
    if credentials and not _is_google(credentials.reveal()):
        reason = f"must be the JSON of Google's credentials, of type {' or '.join(_GOOGLE)}; others are found by ADC"
        findings.refuse(f"{path}.auth_credentials", reason)
    return replace(extra, settings=settings, ambient=True)


def _is_google(text: str) -> bool:
    try:
        told = json.loads(text)
    except ValueError:
        return False
    return isinstance(told, dict) and told.get("type") in _GOOGLE


def _bedrock(said: KeyConfigShape, extra: Extra, path: str, findings: Findings) -> Extra:
    """Without an access key the credentials are those of AWS's chain; a role needs some to begin with."""
    settings = dict(extra.settings)
    pair = [name for name in ("access_key", "secret_key") if name in extra.secrets]
    if len(pair) == 1 or ("session_token" in extra.secrets and not pair):
        lacking = "access_key" if pair != ["access_key"] else "secret_key"
        findings.missing(f"{path}.{lacking}", "is missing; access_key and secret_key go together")
    for name, secret in extra.secrets.items():
        if not re.fullmatch(r"[\x21-\x7e]+", secret.reveal()):
            findings.refuse(f"{path}.{name}", "must be printable ASCII without blanks")
    for name in ("external_id", "session_name"):
        if name in settings and "role_arn" not in settings:
            findings.refuse(f"{path}.{name}", "is for a role, and there is no role_arn")
    for name in ("arn", "role_arn"):
        if not settings.get(name, "arn:").startswith("arn:"):
            findings.refuse(f"{path}.{name}", "must begin with arn:")
    if not re.fullmatch(r"[a-z0-9-]*", settings.get("region", "")):
        findings.refuse(f"{path}.region", "must be a region such as us-east-1")
    if "region" not in settings and (region := _first(("AWS_REGION", "AWS_DEFAULT_REGION"), findings)):
        settings["region"] = region
    assert isinstance(said, BedrockShape)
    settings |= depot_of(said, f"{path}.batch_s3_config", findings)
    start = settings.pop("arn", "")
    deployments = {
        model: name if not start or name.startswith("arn:") else f"{start.rstrip('/')}/{name}"
        for model, name in extra.deployments.items()
    }
    # In the environment, a region alone does not ask for Bedrock.
    return replace(
        extra, settings=settings, deployments=deployments, ambient=bool(pair) or path.endswith("bedrock_key_config")
    )


def _server(said: KeyConfigShape, extra: Extra, path: str, findings: Findings) -> Extra:
    """A server's address, with or without its version, and the one model that it serves."""
    settings = {name: value for name, value in extra.settings.items() if name != "model_name"}
    if "url" in settings:
        settings["url"] = unversioned(http_url(settings["url"], f"{path}.url", findings))
    name = extra.settings.get("model_name", "")
    return replace(extra, settings=settings, models=(name,) if name else extra.models, ambient=True)


def _plain(said: KeyConfigShape, extra: Extra, path: str, findings: Findings) -> Extra:
    return extra


_MORE: Mapping[str, More] = {
    "azure_key_config": _azure,
    "vertex_key_config": _vertex,
    "bedrock_key_config": _bedrock,
    "fireworks_key_config": _plain,
    "vllm_key_config": _server,
    "ollama_key_config": _server,
    "sgl_key_config": _server,
    "huggingface_key_config": _plain,
}
