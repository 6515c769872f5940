"""What a client may do to us: sizes in bytes, times in seconds."""

from msgspec import Struct


class Limits(Struct, frozen=True, kw_only=True):
    """``headers``: how many; ``head``: bytes of request line and headers. Body sizes are the route's.

    ``head_seconds``: from the first byte of a head to its end.
    ``body_seconds``: the longest silence in a body; after that time it must have brought ``body_rate`` bytes a second.
    ``idle_seconds``: before the first and between two requests. ``stall_seconds``: for a client that takes nothing.
    ``linger_seconds``: how long we listen to a client that we have refused, so that it can read why.
    ``pipeline``: parsed requests that wait behind a running one. ``connections``: open at once.
    ``tick``: how exact times are.
    """

    target: int = 16 << 10
    head: int = 64 << 10
    headers: int = 200
    pipeline: int = 32
    connections: int = 20_000
    head_seconds: float = 20.0
    body_seconds: float = 30.0
    body_rate: int = 512
    idle_seconds: float = 75.0
    stall_seconds: float = 60.0
    linger_seconds: float = 2.0
    tick: float = 0.25
