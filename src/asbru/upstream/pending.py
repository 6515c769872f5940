"""One running call, as something that can be awaited: a future without the loop hop.

Rule 1. An ``asyncio.Task`` may await it like any future, and is woken through ``call_soon``.
Rule 2. The edge's driver attaches itself with ``attach`` and is woken at once, in the stack of the socket's callback.
Rule 3. It has one waiter (``Client.send``) and is awaited once.
"""

import asyncio
from collections.abc import Callable, Generator
from contextvars import Context
from typing import Any, Protocol

from msgspec import Struct

from asbru.model.http import Answer
from asbru.upstream.call import Call


class Holder(Protocol):
    """Who works on a call, and can be told that nobody wants it any more: a pool while it waits, then a connection."""

    def forget(self, pending: "Pending") -> None:
        """Stop working on ``pending`` at once."""


class Pending(Struct, eq=False):
    """A call on its way. ``since``: when it began to wait (loop seconds). ``retried``: its second chance is used."""

    call: Call
    loop: asyncio.AbstractEventLoop
    answer: Answer | None = None
    error: BaseException | None = None
    holder: Holder | None = None
    since: float = 0.0
    retried: bool = False
    _asyncio_future_blocking: bool = False
    _wake: Callable[[Any], None] | None = None
    _callback: Callable[[Any], object] | None = None
    _context: Context | None = None

    def __await__(self) -> Generator["Pending", None, Answer]:
        """Wait for the answer."""
        if self.answer is None and self.error is None:
            self._asyncio_future_blocking = True
            yield self
        # As result(), without the call.
        if self.error is None and self.answer is not None:
            return self.answer
        return self.result()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop it belongs to (asked by ``asyncio.Task``)."""
        return self.loop

    def done(self) -> bool:
        """True when there is an answer or an error."""
        return self.answer is not None or self.error is not None

    def result(self) -> Answer:
        """The answer; raises what went wrong."""
        if self.error is not None:
            raise self.error
        if self.answer is None:
            raise asyncio.InvalidStateError("the call is still running")
        return self.answer

    def attach(self, wake: Callable[[Any], None]) -> None:
        """Call ``wake(self)`` at once when done."""
        self._wake = wake

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Context | None = None) -> None:
        """Call ``callback(self)`` through the loop when done."""
        self._callback = callback
        self._context = context
        if self.done():
            self._notify()

    def cancel(self, msg: object = None) -> bool:
        """Stop the call at once and wake the waiter with CancelledError; False when it is already done."""
        if self.done():
            return False
        holder, self.holder = self.holder, None
        if holder is not None:
            holder.forget(self)
        self.fail(asyncio.CancelledError() if msg is None else asyncio.CancelledError(msg))
        return True

    def finish(self, answer: Answer) -> None:
        """Hand over the answer and wake the waiter."""
        self.holder = None
        self.answer = answer
        wake = self._wake
        if wake is not None:
            self._wake = None
            wake(self)
        else:
            self._notify()

    def fail(self, error: BaseException) -> None:
        """Hand over the error and wake the waiter."""
        self.holder = None
        self.error = error
        self._notify()

    def _notify(self) -> None:
        wake, self._wake = self._wake, None
        if wake is not None:
            wake(self)
            return
        callback, self._callback = self._callback, None
        if callback is not None:
            self.loop.call_soon(callback, self, context=self._context)
