"""What the gateway will do with its settings, in words."""

from collections.abc import Mapping

from asbru.config.settings import ProviderSettings, Settings
from asbru.model.keys import Key, Network
from asbru.providers import Provider, SigV4


def describe(settings: Settings) -> list[str]:
    """Lines for a reader. Names keys, never their values."""
    lines = ["No provider is configured; those found in the environment are used."] if settings.detected else []
    for name in sorted(settings.providers):
        lines += _provider(name, settings.providers[name])
    if not settings.providers:
        lines.append("No provider can be asked.")
    lines += _service(settings)
    return lines + [f"warning: {notice}" for notice in settings.notices]


def _service(settings: Settings) -> list[str]:
    client, batch = settings.client, settings.batch
    place = f"PostgreSQL, {settings.database!r}" if settings.database else "SQLite in the app dir"
    pages = ", ".join(client.allowed_origins)
    return [
        f"Everything is kept in {place}.",
        *(["Callers may bring keys of their own."] if client.allow_direct_keys else []),
        *([f"Pages in browsers may ask from: this machine, {pages}."] if pages else []),
        f"Requests may have {client.max_request_body_size >> 20} MB.",
        f"Batches run up to {batch.concurrency} items at once per worker and expire after {_time(batch.expiry)}.",
        f"Clients are told to come back to {settings.public_url or 'the address they used'}.",
    ]


def _provider(name: str, each: ProviderSettings) -> list[str]:
    kind = f", a custom provider that speaks {each.base}'s format" if each.base else ""
    lines = [f"Provider {name}{kind}: {_address(each)}."]
    lines += [f"  {line}" for line in _keys(each)]
    lines += [f"  {line}" for line in _network(each.network)]
    if each.allowed_requests is not None:
        lines.append(f"  Used only for: {', '.join(sorted(each.allowed_requests)) or 'nothing'}.")
    bodies = [name for name in ("request", "response") if getattr(each.shown, name)]
    if bodies:
        lines.append(f"  Callers see each {' and '.join(bodies)} as it is, beside the unified API's answers.")
    return lines


def _address(each: ProviderSettings) -> str:
    row = each.provider
    if not row.base_url:
        return "served on this machine"
    return f"asked at {_at(row, {}) or 'the addresses of its keys'}"


def _at(row: Provider, settings: Mapping[str, str]) -> str:
    """The address with these settings; "" when they do not say all of it."""
    try:
        return row.base_url.format_map({**row.settings, **settings})
    except KeyError:
        return ""


def _keys(each: ProviderSettings) -> list[str]:
    enabled = [key for key in each.keys if key.enabled]
    lines = [_key(key, enabled, each.provider) for key in each.keys]
    if not enabled:
        lines.append("Needs no key." if each.provider.keyless else "Cannot be asked: no key is enabled.")
    return lines


def _key(key: Key, enabled: list[Key], row: Provider) -> str:
    if not key.enabled:
        return f"Key {key.name}: disabled."
    batch = "" if key.use_for_batch_api else ", not for batches"
    where = f", at {_at(row, key.settings)}" if "{" in row.base_url and key.settings else ""
    return f"Key {key.name}: {_share(key, enabled)}, {_models(key)}{batch}{where}{_signature(key, row)}."


def _signature(key: Key, row: Provider) -> str:
    """With what the requests of a key without a value are signed at Amazon's."""
    if not isinstance(row.auth, SigV4) or key.value:
        return ""
    whose = "its access key" if key.secrets else "what AWS's credential chain finds"
    role = key.settings.get("role_arn")
    return f", signed with {whose}{f' as {role}' if role else ''}"


def _share(key: Key, enabled: list[Key]) -> str:
    total = sum(each.weight for each in enabled)
    if total <= 0:
        return f"{100 / len(enabled):.3g} % of requests"
    if key.weight <= 0:
        return "a reserve, used when the others fail"
    return f"{100 * key.weight / total:.3g} % of requests"


def _models(key: Key) -> str:
    said = "all models" if not key.models or "*" in key.models else "models " + ", ".join(key.models)
    return f"{said} but {', '.join(key.blacklisted_models)}" if key.blacklisted_models else said


def _network(network: Network) -> list[str]:
    lines = [
        f"Answers within {_time(network.request_timeout)}; streams may pause for {_time(network.stream_idle_timeout)}.",
        _retries(network),
        f"At most {network.max_conns_per_host} requests at once per worker.",
    ]
    if network.proxy:
        user = f" as {network.proxy_username}" if network.proxy_username else ""
        lines.append(f"Through the proxy {network.proxy}{user}.")
    if network.insecure_skip_verify:
        lines.append("Its certificate is not checked.")
    elif network.ca_cert_pem:
        lines.append("Its certificate may also be signed by the given authority.")
    if network.extra_headers:
        lines.append(f"With the headers {', '.join(sorted(network.extra_headers))}.")
    return lines


def _retries(network: Network) -> str:
    if not network.max_retries:
        return "A failed request is not tried again on the same key."
    times = f"up to {network.max_retries} more times" if network.max_retries > 1 else "once more"
    waits = f"{_time(network.backoff_initial)} at first and {_time(network.backoff_max)} at most"
    return f"A failed request is tried {times}, after {waits}."


def _time(seconds: float) -> str:
    for unit, length in (("hour", 3600), ("minute", 60)):
        if seconds >= 2 * length and seconds % length == 0:
            return f"{seconds / length:g} {unit}s"
    return f"{seconds:g} s"
