"""Ids of batches and jobs: 26 lower-case letters and digits that sort by time."""

from collections.abc import Callable

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no i, l, o, u."""


def make_ids(clock: Callable[[], float], entropy: Callable[[int], bytes]) -> Callable[[], str]:
    """A maker of ids. ``clock``: Unix seconds. ``entropy``: so many random bytes."""

    def new_id() -> str:
        number = (int(clock() * 1_000) << 80) | int.from_bytes(entropy(10), "big")
        return "".join(_LETTERS[(number >> shift) & 31] for shift in range(125, -1, -5))

    return new_id
