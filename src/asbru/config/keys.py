"""The keys of one provider, read from ``keys``, or found in the environment."""

from collections.abc import Callable, Sequence

from asbru.config.address import text_of
from asbru.config.findings import Findings
from asbru.config.key_settings import extra_from_env, extra_of, missing
from asbru.config.shape import KeyShape
from asbru.model.keys import Key, Secret
from asbru.providers import Provider


def keys_of(shapes: Sequence[KeyShape], row: Provider, path: str, findings: Findings) -> tuple[Key, ...]:
    """The keys in the order of the file. ``path``: that of the list.

    A disabled key's variable need not be set; an enabled key without a value is an offence: that a gateway runs
    on fewer keys than were configured would be found out at its first rush hour.
    """
    keys = tuple(_key(shape, row, n, findings, path=f"{path}[{n}]") for n, shape in enumerate(shapes))
    _unique(keys, lambda key: key.name, "name", path, findings)
    _unique(keys, lambda key: key.id, "id", path, findings)
    return keys


def _key(shape: KeyShape, row: Provider, n: int, findings: Findings, *, path: str) -> Key:
    value = text_of(shape.value, f"{path}.value", findings) if shape.enabled else ""
    extra = extra_of(shape, row, path, findings)
    if shape.enabled and not value and not extra.ambient:
        findings.missing(f"{path}.value", "is missing; write the key, or env.NAME, or set enabled to false")
    if not value.isascii() or not value.isprintable():
        findings.refuse(f"{path}.value", "must be printable ASCII on one line")
    for member in ("id", "name"):
        if not getattr(shape, member).isprintable():
            findings.refuse(f"{path}.{member}", "must be printable and on one line")
    for member in ("models", "blacklisted_models"):
        _check_models(getattr(shape, member), f"{path}.{member}", findings)
    name = shape.name or f"{row.name}-{n + 1}"
    return Key(
        id=shape.id or name,
        name=name,
        value=Secret(value),
        weight=shape.weight,
        models=shape.models or extra.models,
        blacklisted_models=shape.blacklisted_models,
        use_for_batch_api=shape.use_for_batch_api,
        enabled=shape.enabled,
        deployments=extra.deployments,
        settings=extra.settings,
        secrets=extra.secrets,
        ambient=extra.ambient,
    )


def _check_models(models: tuple[str, ...], path: str, findings: Findings) -> None:
    if "*" in models and len(models) > 1:
        findings.refuse(path, 'has "*", which means every model, together with names')
    if "" in models:
        findings.refuse(path, "has an empty name")


def _unique(keys: Sequence[Key], of: Callable[[Key], str], member: str, path: str, findings: Findings) -> None:
    seen: dict[str, int] = {}
    for n, key in enumerate(keys):
        first = seen.setdefault(of(key), n)
        if first != n:
            findings.refuse(f"{path}[{n}].{member}", f"is the same as that of {path}[{first}]: {of(key)!r}")


def detected_keys(row: Provider, findings: Findings) -> tuple[Key, ...]:
    """The key in the first of the row's variables that is set, named as Bifrost names it, with its settings.

    None, with a notice, when a setting that it needs is not there.
    """
    variable, value = _detected_value(row, findings)
    extra = extra_from_env(row, findings)
    if not value and not (extra.ambient and extra.settings):
        return ()
    lacking = missing(row, extra)
    if lacking:
        names = [" or ".join(row.settings_env.get(name, (name,))) for name in lacking]
        if value:
            findings.notice(f"{row.name} is left out: {variable} is set, but not {', '.join(names)}")
        return ()
    name = f"{variable or next(iter(row.settings_env.values()))[0]}_auto_detected"
    settings, secrets = extra.settings, extra.secrets
    key = Key(id=name, name=name, value=Secret(value), settings=settings, secrets=secrets, ambient=extra.ambient)
    return (key,)


def _detected_value(row: Provider, findings: Findings) -> tuple[str, str]:
    for variable in row.env:
        value = findings.env.get(variable, "").strip()
        if value and not (value.isascii() and value.isprintable()):
            findings.refuse(variable, "must be printable ASCII on one line")
        elif value:
            return variable, value
    return "", ""
