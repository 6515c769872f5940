"""Tokens and money. Money is integer nano-dollars (1 USD = 1_000_000_000), never float."""

import re

from msgspec import Struct

NANO = 1_000_000_000

_DOLLARS = re.compile(r"(\d{1,9})(?:\.(\d{1,9}))?", re.ASCII)


def dollars(nano: int) -> str:
    """Nano-dollars as dollars in decimal, exactly."""
    whole, rest = divmod(abs(nano), NANO)
    text = f"{whole}.{rest:09d}".rstrip("0").rstrip(".")
    return f"-{text}" if nano < 0 else text


def nano_dollars(text: str) -> int | None:
    """What ``dollars`` wrote; None when it is no such number, or finer than a nano-dollar."""
    found = _DOLLARS.fullmatch(text)
    return int(found[1]) * NANO + int((found[2] or "").ljust(9, "0")) if found else None


class Usage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tokens of one exchange. ``input`` counts all input, the cached parts included; ``output`` counts reasoning too.

    Sound that is not counted in tokens: ``sound_ms`` milliseconds of it were heard, ``characters`` were spoken.
    ``searches``: what reranking is billed by (Cohere's ``search_units``: a query with up to 100 documents).

    Sources: OpenAI ``CompletionUsage`` (prompt_tokens includes cached_tokens), Anthropic ``Usage`` (input_tokens
    excludes cache_read_input_tokens and cache_creation_input_tokens: the codec adds them up).
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0
    input_audio: int = 0
    output_audio: int = 0
    input_image: int = 0
    output_image: int = 0
    sound_ms: int = 0
    characters: int = 0
    searches: int = 0
    estimated: bool = False


class Price(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Nano-dollars per million tokens. ``above`` > 0: these hold when the input is longer than that many tokens.

    None: such tokens cost what plain ones do (``cache_write_1h``: what ``cache_write_5m`` does).
    ``sound_hour``: of an hour of sound that is heard; ``characters``: of a million that are spoken;
    ``searches``: of a million.
    """

    input: int = 0
    output: int = 0
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    input_audio: int | None = None
    output_audio: int | None = None
    input_image: int | None = None
    output_image: int | None = None
    reasoning: int | None = None
    sound_hour: int = 0
    characters: int = 0
    searches: int = 0
    above: int = 0


def cost(usage: Usage, tiers: tuple[Price, ...]) -> int:
    """What ``usage`` costs in nano-dollars, rounded half up.

    ``tiers``: one price, or several with rising ``above``, the first at 0. The last one that the input exceeds holds
    for all tokens, not only for those above (so do genai-prices and the vendors' price lists). Empty: 0.
    Cached, audio and image tokens are parts of ``input``, reasoning, audio and image tokens of ``output``: what is left
    of each is plain.
    """
    if not tiers:
        return 0
    price = tiers[0]
    if len(tiers) > 1:
        for tier in tiers:
            if usage.input > tier.above:
                price = tier
    total = _input(usage, price) + _output(usage, price)
    if usage.sound_ms or usage.characters or usage.searches:
        total += usage.sound_ms * price.sound_hour * 1_000_000 // 3_600_000 + usage.characters * price.characters
        total += usage.searches * price.searches
    return (total + 500_000) // 1_000_000


def _input(usage: Usage, price: Price) -> int:
    apart = usage.cache_read + usage.cache_write_5m + usage.cache_write_1h + usage.input_audio + usage.input_image
    if not apart:
        return max(usage.input, 0) * price.input
    write = _or(price.cache_write_5m, price.input)
    return (
        max(usage.input - apart, 0) * price.input
        + usage.cache_read * _or(price.cache_read, price.input)
        + usage.cache_write_5m * write
        + usage.cache_write_1h * _or(price.cache_write_1h, write)
        + usage.input_audio * _or(price.input_audio, price.input)
        + usage.input_image * _or(price.input_image, price.input)
    )


def _output(usage: Usage, price: Price) -> int:
    apart = usage.output_audio + usage.output_image + usage.reasoning
    if not apart:
        return max(usage.output, 0) * price.output
    return (
        max(usage.output - apart, 0) * price.output
        + usage.output_audio * _or(price.output_audio, price.output)
        + usage.output_image * _or(price.output_image, price.output)
        + usage.reasoning * _or(price.reasoning, price.output)
    )


def _or(price: int | None, usual: int) -> int:
    return usual if price is None else price
