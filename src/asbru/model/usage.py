"""Tokens and money. Money is integer nano-dollars (1 USD = 1_000_000_000), never float."""

from msgspec import Struct

NANO = 1_000_000_000


class Usage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tokens of one exchange. ``input`` counts all input, the cached parts included; ``output`` counts reasoning too.

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
    estimated: bool = False


class Price(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Nano-dollars per million tokens. ``above`` > 0: these hold when the input is longer than that many tokens.

    None: such tokens cost what plain ones do (``cache_write_1h``: what ``cache_write_5m`` does).
    """

    input: int = 0
    output: int = 0
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    input_audio: int | None = None
    output_audio: int | None = None
    reasoning: int | None = None
    above: int = 0


def cost(usage: Usage, tiers: tuple[Price, ...]) -> int:
    """What ``usage`` costs in nano-dollars, rounded half up.

    ``tiers``: one price, or several with rising ``above``, the first at 0. The last one that the input exceeds holds
    for all tokens, not only for those above (so do genai-prices and the vendors' price lists). Empty: 0.
    Cached and audio tokens are parts of ``input``, reasoning and audio of ``output``: what is left of each is plain.
    """
    if not tiers:
        return 0
    price = tiers[0]
    for tier in tiers:
        if usage.input > tier.above:
            price = tier
    total = _input(usage, price) + _output(usage, price)
    return (total + 500_000) // 1_000_000


def _input(usage: Usage, price: Price) -> int:
    write = _or(price.cache_write_5m, price.input)
    apart = usage.cache_read + usage.cache_write_5m + usage.cache_write_1h + usage.input_audio
    return (
        max(usage.input - apart, 0) * price.input
        + usage.cache_read * _or(price.cache_read, price.input)
        + usage.cache_write_5m * write
        + usage.cache_write_1h * _or(price.cache_write_1h, write)
        + usage.input_audio * _or(price.input_audio, price.input)
    )


def _output(usage: Usage, price: Price) -> int:
    apart = usage.output_audio + usage.reasoning
    return (
        max(usage.output - apart, 0) * price.output
        + usage.output_audio * _or(price.output_audio, price.output)
        + usage.reasoning * _or(price.reasoning, price.output)
    )


def _or(price: int | None, usual: int) -> int:
    return usual if price is None else price
