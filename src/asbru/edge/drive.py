"""Runs a coroutine without a task: each step happens at once, in the stack of whatever completed what it waited for.

Rule 1. The first step runs when the drive starts; a coroutine that waits for nothing is over when ``start`` returns.
Rule 2. Futures of asyncio wake through the loop as ever; a call to a provider (``Pending``) wakes in place, no hop.
Rule 3. ``cancel`` throws CancelledError at the point of waiting, as a task does; ``done`` is called exactly once.
Rule 4. There is no current task inside, and no context of its own: code that needs ``asyncio.timeout`` or ``TaskGroup``
makes a task of its own and awaits that.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from msgspec import Struct

from asbru.upstream.pending import Pending

T = TypeVar("T")
Done = Callable[[T | None, BaseException | None], None]
"""``done(result, None)`` or ``done(None, error)``; the error may be CancelledError."""


class Drive(Struct, Generic[T], eq=False):
    """One coroutine on its way; ``done`` is told how it ended."""

    coroutine: Coroutine[Any, Any, T]
    done: Done[T]
    loop: asyncio.AbstractEventLoop
    _waits: Any = None
    _cancelled: bool = False

    def start(self) -> None:
        """Take the first step."""
        self._step()

    def cancel(self) -> None:
        """Make the coroutine see CancelledError where it waits, or at its next wait when it is running now."""
        waits = self._waits
        if waits is None or not waits.cancel():
            self._cancelled = True

    def _step(self, waited: Any = None, error: BaseException | None = None) -> None:
        """Go on until it waits again. ``waited``: what it waited for, and is done."""
        self._waits = None
        if self._cancelled and error is None:
            self._cancelled = False
            error = asyncio.CancelledError()
        try:
            waits = self.coroutine.send(None) if error is None else self.coroutine.throw(error)
        except StopIteration as stop:
            self.done(stop.value, None)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as failure:
            self.done(None, failure)
        else:
            if type(waits) is Pending and not self._cancelled:
                self._waits = waits
                waits.attach(self._step)
            else:
                self._wait(waits)

    def _wait(self, waits: Any) -> None:
        if waits is None:
            # asyncio.sleep(0): let the others run.
            self.loop.call_soon(self._step)
        elif getattr(waits, "_asyncio_future_blocking", None):
            waits._asyncio_future_blocking = False
            self._waits = waits
            waits.add_done_callback(self._step)
            if self._cancelled and waits.cancel():
                self._cancelled = False
        else:
            self.loop.call_soon(
                self._step, None, RuntimeError(f"a handler awaited {type(waits).__name__}, not a future")
            )
