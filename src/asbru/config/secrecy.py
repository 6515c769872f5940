"""Secrets in the JSON of a provider: how they are shown, and how what was shown is taken back.

Rule 1. Shown as Bifrost shows them (features.md 1.2): at most 8 letters are all stars, longer ones keep four at either
end; what stands in the environment is named.
Rule 2. What comes back as it was shown means what is stored: lists of keys are matched by id, else by name.
"""

from collections.abc import Mapping
from typing import Any

from asbru.config.shape import KEY_CONFIGS

_SECRETS = frozenset({"value", "password", *(name for shape in KEY_CONFIGS.values() for name in shape.SECRETS)})
_ALL_SECRET = frozenset({"extra_headers"})
"""Members whose every value may be a credential."""


def redacted(text: str) -> str:
    """A secret, as it is shown."""
    return "*" * len(text) if len(text) <= 8 else f"{text[:4]}{'*' * 24}{text[-4:]}"


def shown(document: Any, env: Mapping[str, str], secret: bool = False) -> Any:
    """``document`` as the management API shows it."""
    if isinstance(document, list):
        return [shown(each, env) for each in document]
    if isinstance(document, dict):
        if secret and ("env_var" in document or "from_env" in document):
            return _of_env(str(document.get("env_var", "")), env)
        hidden = _SECRETS | _ALL_SECRET
        return {name: shown(value, env, secret or name in hidden) for name, value in document.items()}
    if not secret or not isinstance(document, str):
        return document
    if document.startswith("env."):
        return _of_env(document, env)
    return {"value": redacted(document), "env_var": "", "from_env": False}


def _of_env(name: str, env: Mapping[str, str]) -> dict[str, Any]:
    name = name if name.startswith("env.") else f"env.{name}"
    return {"value": redacted(env.get(name.removeprefix("env."), "")), "env_var": name, "from_env": True}


def taken_back(new: Any, old: Any, secret: bool = False) -> Any:
    """``new``, with what is stored in ``old`` where ``new`` only repeats how that is shown."""
    if isinstance(new, list):
        return [taken_back(each, _same(each, old, n)) for n, each in enumerate(new)]
    if isinstance(new, dict) and not (secret and _is_text(new)):
        kept = old if isinstance(old, dict) else {}
        return {
            name: taken_back(value, kept.get(name), name in _SECRETS or secret or name in _ALL_SECRET)
            for name, value in new.items()
        }
    if not secret:
        return new
    return _secret(new, old)


def _is_text(value: Mapping[str, Any]) -> bool:
    return not value.keys() - {"value", "env_var", "from_env"}


def _same(each: Any, old: Any, n: int) -> Any:
    """What stands in ``old`` for an entry of a list."""
    if not isinstance(old, list):
        return None
    if isinstance(each, dict):
        for member in ("id", "name"):
            if each.get(member):
                return next((one for one in old if isinstance(one, dict) and one.get(member) == each[member]), None)
    return old[n] if n < len(old) else None


def _secret(new: Any, old: Any) -> Any:
    if isinstance(new, dict):
        if new.get("from_env") and new.get("env_var"):
            return new["env_var"]
        new = new.get("value", "")
    if isinstance(new, str) and isinstance(old, str) and old and new == redacted(old):
        return old
    return new
