"""Tokens and money. Money is integer nano-dollars (1 USD = 1_000_000_000), never float."""

from msgspec import Struct

NANO = 1_000_000_000


class Usage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tokens of one exchange. ``input`` counts all input, the cached parts included; ``output`` counts reasoning too.

    Sources: OpenAI ``CompletionUsage`` (prompt_tokens includes cached_tokens), Anthropic ``Usage`` (input_tokens excludes
    cache_read_input_tokens and cache_creation_input_tokens: the codec adds them up).
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
    """Nano-dollars per million tokens. ``above`` > 0: these prices hold when the input is longer than that many tokens."""

    input: int = 0
    output: int = 0
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    input_audio: int | None = None
    output_audio: int | None = None
    above: int = 0


def cost(usage: Usage, tiers: tuple[Price, ...], *, batch: bool = False) -> int:
    """What ``usage`` costs in nano-dollars, rounded half up; half of it on a provider's batch API.

    ``tiers``: one price, or several with rising ``above``; the last one reached by the input is used. Empty: 0.
    """
    if not tiers:
        return 0
    price = max((tier for tier in tiers if usage.input > tier.above or tier.above == 0), key=lambda tier: tier.above)
    read = price.input if price.cache_read is None else price.cache_read
    write_5m = price.input if price.cache_write_5m is None else price.cache_write_5m
    write_1h = write_5m if price.cache_write_1h is None else price.cache_write_1h
    audio_in = price.input if price.input_audio is None else price.input_audio
    audio_out = price.output if price.output_audio is None else price.output_audio
    plain_in = usage.input - usage.cache_read - usage.cache_write_5m - usage.cache_write_1h - usage.input_audio
    total = (
        max(plain_in, 0) * price.input
        + usage.cache_read * read
        + usage.cache_write_5m * write_5m
        + usage.cache_write_1h * write_1h
        + usage.input_audio * audio_in
        + max(usage.output - usage.output_audio, 0) * price.output
        + usage.output_audio * audio_out
    )
    per = 2_000_000 if batch else 1_000_000
    return (total + per // 2) // per
