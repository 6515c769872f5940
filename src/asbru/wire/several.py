"""Several answers to one question, from formats that give one: it is asked as often.

Each answer costs its own input. See docs/decisions/0005-several-answers.md.
"""

from msgspec import structs

from asbru.model.chat import Ask, Choice, Reply, Sampling
from asbru.model.usage import Usage


def one_each(ask: Ask) -> tuple[Ask, ...]:
    """The question as often as answers are wanted; none of these is streamed where there are several."""
    n = ask.sampling.n
    if n is None:
        return (ask,)
    one = structs.replace(ask, sampling=structs.replace(ask.sampling, n=None), stream=False)
    return (one,) * n


def as_one(replies: list[Reply]) -> Reply:
    """The answers as those of one reply."""
    first, *others = replies
    choices = tuple(Choice(parts=each.parts, finish=each.finish, stop_sequence=each.stop_sequence) for each in others)
    extra = dict(first.extra)
    for n, each in enumerate(others, 1):
        extra |= {f"choices.{n}.{name}": raw for name, raw in each.extra.items()}
    usage = first.usage
    for each in others:
        usage = _sum(usage, each.usage)
    return structs.replace(first, others=choices, usage=usage, extra=extra)


def _sum(one: Usage, other: Usage) -> Usage:
    counts = {
        name: getattr(one, name) + getattr(other, name) for name in Usage.__struct_fields__ if name != "estimated"
    }
    return Usage(**counts, estimated=one.estimated or other.estimated)


def untold(sampling: Sampling, *told: str) -> list[str]:
    """What is asked of the answers, and is not ``told`` by a format, in chat completions' words."""
    asked = {"logprobs": sampling.logprobs, "top_logprobs": sampling.logprobs or None, "n": sampling.n}
    return [name for name, value in asked.items() if value is not None and name not in told]


def unsaid(reply: Reply) -> list[str]:
    """Parts of a reply that a format with one answer and no probabilities cannot write."""
    lost = [f"choices.{n}" for n, _ in enumerate(reply.others, 1)]
    return lost + [f"content.{n}.logprobs" for n, part in enumerate(reply.parts) if getattr(part, "logprobs", ())]
