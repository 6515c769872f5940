"""What routing knows of the providers, and how a model's name says which of them is meant.

Rule 1. ``provider/model`` is split at the first slash, and only when what stands before it is a provider's name:
``meta-llama/Llama-3`` stays one model (api-inventory, "Model naming").
Rule 2. A built-in provider that is not configured is a provider's name all the same: its models never go elsewhere.
"""

from collections.abc import Mapping
from difflib import get_close_matches

from msgspec import Struct
from msgspec.structs import replace

from asbru.model.failure import Refused
from asbru.model.keys import Key


class ProviderRoute(Struct, frozen=True, kw_only=True):
    """One configured provider. Durations in seconds.

    ``keyless``: it is asked without a key when it has none. ``allowed_requests``: names of the operations that it is
    used for (``chat_completion``, ``chat_completion_stream``, ``batch_create``, …); None: all.
    """

    name: str
    keys: tuple[Key, ...] = ()
    keyless: bool = False
    max_retries: int = 2
    backoff_initial: float = 0.5
    backoff_max: float = 5.0
    allowed_requests: frozenset[str] | None = None


class Table(Struct, frozen=True):
    """The configured providers by name. ``known``: names that are providers though they are not configured."""

    providers: Mapping[str, ProviderRoute]
    known: frozenset[str] = frozenset()

    def names(self, word: str) -> bool:
        """Whether ``word`` is a provider's name."""
        return word in self.providers or word in self.known


def refuse(message: str, param: str) -> Refused:
    """A 400 that names the field at fault."""
    return Refused(400, message, code="invalid_request_error", param=param)


class Pin(Struct, frozen=True):
    """A key that the caller names. ``header``: where; ``by_id``: by its id, else by its name."""

    header: str
    word: str
    by_id: bool


def pinned(table: Table, provider: str, pin: Pin) -> Table:
    """``table`` with the one key of ``provider`` that ``pin`` names. Raises Refused(400) when there is none."""
    route = table.providers.get(provider)
    if route is None:
        return table
    keys = tuple(key for key in route.keys if (key.id if pin.by_id else key.name) == pin.word)
    if not keys:
        told = f"no supported key found with {'id' if pin.by_id else 'name'} {pin.word!r} for provider {provider}"
        raise refuse(f"{pin.header}: {told}", pin.header)
    return with_keys(table, provider, keys)


def with_keys(table: Table, provider: str, keys: tuple[Key, ...]) -> Table:
    """``table`` with other keys of ``provider``."""
    route = table.providers.get(provider)
    return Table({**table.providers, provider: replace(route, keys=keys)}, table.known) if route else table


def split_model(model: str, default: str, table: Table, param: str = "model") -> tuple[str, str]:
    """(provider, model without its prefix). ``default``: the route's own provider, "" when it has none.

    Raises Refused(400), naming ``param``, when no provider or no model is said.
    """
    prefix, slash, rest = model.partition("/")
    if slash and table.names(prefix):
        provider, name = prefix, rest
    else:
        provider, name = default, model
    if not name:
        raise refuse(f"{param}: no model is named", param)
    if not provider:
        raise refuse(_unsplit(prefix if slash else "", param, table), param)
    return provider, name


def _unsplit(prefix: str, param: str, table: Table) -> str:
    where = "" if param == "model" else f"{param}: "
    what = f"; {prefix!r} is not a provider here" if prefix else ""
    return f"{where}model should be in provider/model format{what} ({_hint(prefix, table)})"


def pick_provider(name: str, table: Table, param: str = "x-model-provider") -> str:
    """``name``, when it is a provider's. Raises Refused(400) with the nearest names when it is not."""
    if table.names(name):
        return name
    raise refuse(f"{param}: {name!r} is not a provider here ({_hint(name, table)})", param)


def _hint(word: str, table: Table) -> str:
    names = sorted(table.providers)
    near = get_close_matches(word, names, n=3)
    if near:
        return "did you mean " + " or ".join(near) + "?"
    return "configured: " + ", ".join(names) if names else "no provider is configured"
