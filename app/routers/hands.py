"""Threads that do blocking work for the event loop, one piece each.

The framework's own way hands a piece over and back through a limiter, a worker and two context switches of the
loop, which costs a short request more than its work does. Here it is one queue and one call back into the loop.

Few threads do more than many: only one of them runs Python at a time, and each that waits for its turn makes every
question to the store change threads twice. More are started only where nothing gets done, and end when they rest.
"""

import asyncio
import threading
from collections.abc import Callable
from contextvars import Context, copy_context
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
A = TypeVarTuple("A")
_FEW = 2
# As many as the framework would use.
_MOST = 40
# Seconds in which no piece was finished, after which whoever waits gets another thread; and those it then rests.
_STUCK = 0.05
_REST = 2.0


class Hands:
    """The threads of one process: ``few``, and up to ``most`` where those are stuck. For any event loop."""

    def __init__(self, few: int = _FEW, most: int = _MOST) -> None:
        self._few = min(few, most)
        self._most = most
        self._finished = 0
        self._waiting: SimpleQueue[_Piece] = SimpleQueue()
        self._lock = threading.Lock()
        self._number = 0

    async def do(self, work: Callable[[*A], T], *given: *A) -> T:
        """Run ``work`` on a thread, in a copy of the caller's context; gives what it gives, raises what it raises."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        piece = _Piece(loop, done, copy_context(), work, given)
        self._waiting.put(piece)
        if self._number < self._few:
            self._start_another(self._few)
        loop.call_later(_STUCK, self._relieve, piece, self._finished)
        return await done

    def _relieve(self, piece: "_Piece", finished: int) -> None:
        """Start another thread where a piece still waits and none was finished meanwhile."""
        if piece.begun or piece.done.done():
            return
        if self._finished == finished:
            self._start_another(self._most)
        piece.loop.call_later(_STUCK, self._relieve, piece, self._finished)

    def _start_another(self, most: int) -> None:
        with self._lock:
            if self._number >= most:
                return
            self._number += 1
        threading.Thread(target=self._serve, name=f"duikou-hand-{self._number}", daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                piece = self._waiting.get(timeout=_REST)
            except Empty:
                if self._leave():
                    return
                continue
            piece.run()
            self._finished += 1

    def _leave(self) -> bool:
        """Whether a thread that has nothing to do may end: the few stay."""
        with self._lock:
            if self._number <= self._few:
                return False
            self._number -= 1
            return True


class _Piece:
    """One piece of work, and where its outcome is awaited."""

    __slots__ = ("begun", "context", "done", "given", "loop", "work")

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
        self.begun = False

    def run(self) -> None:
        """Do it, and tell the loop how it ended; nobody is left to be told where the loop has ended before."""
        self.begun = True
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
