"""A streamed answer that can be slow, cut, silent, or left by its reader."""

import asyncio
from collections.abc import Callable, Iterator

from msgspec import Struct, structs

from asbru.model.http import Sink


class Pace(Struct, frozen=True):
    """Seconds before the first piece and between pieces; pieces after which it is cut or falls silent (-1: never)."""

    first: float = 0.0
    between: float = 0.0
    cut: int = -1
    stallafter: int = -1


class Frames:
    """Pushes ``pieces`` into a sink.

    ``over(left)`` is called once: ``left`` when the reader went away before the end.
    """

    def __init__(self, pieces: Iterator[bytes], pace: Pace) -> None:
        self._pieces = pieces
        self._pace = pace
        self._sink: Sink | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._sent = 0
        self._paused = False
        self._running = False
        self.over: Callable[[bool], None] = lambda left: None

    def spoil(self, cut: int, stallafter: int, between: float) -> None:
        """Cut it, or let it fall silent, after so many pieces; ``between``: seconds between two. -1: do not."""
        between = between if between >= 0 else self._pace.between
        self._pace = structs.replace(self._pace, cut=cut, stallafter=stallafter, between=between)

    def start(self, sink: Sink) -> None:
        """Begin to push."""
        self._sink = sink
        self._later(self._pace.first) if self._pace.first > 0 else self._run()

    def pause(self) -> None:
        """Stop before the next piece."""
        self._paused = True

    def resume(self) -> None:
        """Go on after pause()."""
        self._paused = False
        if self._timer is None and not self._running:
            self._run()

    def cancel(self) -> None:
        """The reader went away."""
        if self._timer is not None:
            self._timer.cancel()
        self._finish(True)

    def _later(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._run)

    def _run(self) -> None:
        self._timer, self._running = None, True
        try:
            while self._sink is not None and not self._paused and self._step():
                pass
        finally:
            self._running = False

    def _step(self) -> bool:
        """Push one piece; False when the next one has to wait."""
        sink = self._sink
        if sink is None or self._sent == self._pace.stallafter:
            return False
        if self._sent == self._pace.cut:
            self._finish(False)
            sink.end(ConnectionResetError("cut by the mock"))
            return False
        piece = next(self._pieces, None)
        if piece is None:
            self._finish(False)
            sink.end(None)
            return False
        self._sent += 1
        sink.data(piece)
        if self._pace.between > 0:
            self._later(self._pace.between)
            return False
        return True

    def _finish(self, left: bool) -> None:
        self._sink = None
        over, self.over = self.over, lambda left: None
        over(left)


def in_pieces(body: bytes, size: int = 16384) -> Iterator[bytes]:
    """``body`` in pieces of ``size`` bytes, cut anywhere."""
    return (body[at : at + size] for at in range(0, len(body), size))
