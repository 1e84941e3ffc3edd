"""Threads that do blocking work for the event loop, one piece each.

The framework's own way hands a piece over and back through a limiter, a worker and two context switches of the
loop, which costs a short request more than its work does. Here it is one queue and one call back into the loop.
"""

import asyncio
import threading
from collections.abc import Callable
from contextvars import Context, copy_context
from queue import SimpleQueue
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
A = TypeVarTuple("A")
# As many as the framework would use; they wait for the store and are started only when all others are busy.
_MOST = 40


class Hands:
    """The threads of one process. Work may be asked for from any event loop."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._waiting: SimpleQueue[_Piece] = SimpleQueue()
        self._free = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._number = 0

    async def do(self, work: Callable[[*A], T], *given: *A) -> T:
        """Run ``work`` on a thread, in a copy of the caller's context; gives what it gives, raises what it raises."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._waiting.put(_Piece(loop, done, copy_context(), work, given))
        if not self._free.acquire(blocking=False):
            self._start_another()
        return await done

    def _start_another(self) -> None:
        with self._lock:
            if self._number >= self._most:
                return
            self._number += 1
        threading.Thread(target=self._serve, name=f"duikou-hand-{self._number}", daemon=True).start()

    def _serve(self) -> None:
        while True:
            self._waiting.get().run()
            self._free.release()


class _Piece:
    """One piece of work, and where its outcome is awaited."""

    __slots__ = ("context", "done", "given", "loop", "work")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        done: "asyncio.Future[Any]",
        context: Context,
        work: Callable[..., Any],
        given: tuple[Any, ...],
    ) -> None:
        self.loop = loop
        self.done = done
        self.context = context
        self.work = work
        self.given = given

    def run(self) -> None:
        """Do it, and tell the loop how it ended; nobody is left to be told where the loop has ended before."""
        outcome: Any = None
        trouble: BaseException | None = None
        try:
            outcome = self.context.run(self.work, *self.given)
        except StopIteration as error:
            # The one exception that a future refuses to carry.
            trouble = RuntimeError(repr(error))
        except BaseException as error:
            trouble = error
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._tell, outcome, trouble)

    def _tell(self, outcome: Any, trouble: BaseException | None) -> None:
        if self.done.done():
            return
        if trouble is None:
            self.done.set_result(outcome)
        else:
            self.done.set_exception(trouble)
