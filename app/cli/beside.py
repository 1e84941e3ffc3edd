"""The worker that serve keeps beside itself: started anew when it dies, ended with it."""

import logging
import subprocess
import sys
import threading

log = logging.getLogger("duikou")
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
# Longer than the worker takes to finish or give back what it holds.
_GRACE = 12.0


class Beside:
    """``duikou worker`` as a child process, within a with-statement."""

    def __init__(self) -> None:
        self._ending = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> "Beside":
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        child = self._child
        if child is not None:
            self._end(child)
        self._keeper.join(_GRACE)

    def _keep(self) -> None:
        pause = _FIRST_PAUSE
        while not self._ending.is_set():
            # It sees the end of its standard input when this process ends in whatever way.
            self._child = child = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "worker", "--beside"], stdin=subprocess.PIPE
            )
            if self._ending.is_set():
                self._end(child)
            code = child.wait()
            if self._ending.is_set():
                return
            log.warning("the worker ended with %s and is started again in %s s", code, pause)
            self._ending.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _end(self, child: "subprocess.Popen[bytes]") -> None:
        child.terminate()
        try:
            child.wait(_GRACE)
        except subprocess.TimeoutExpired:
            child.kill()
