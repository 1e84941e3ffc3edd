"""The walk spread over processes: digests and driver rows take a core each, and chunks know nothing of each other."""

import multiprocessing
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from app.database import Database
from app.errors import DomainError
from app.services import verification_walk
from app.services.verification import Walk
from app.services.verification_walk import Chunk, Part
from app.settings import Settings

# Chunks that a process may be ahead of the one who collects.
_AHEAD = 2


def spread(settings: Settings, keys: dict[str, bytes], processes: int) -> Walk:
    """A walk over ``processes`` processes that gives the parts in the order of their chunks."""

    def walk(chunks: Iterable[Chunk]) -> Iterator[Part]:
        context = multiprocessing.get_context("spawn")
        with ExitStack() as stack:
            lines: list[Connection] = []
            for _ in range(processes):
                ours, theirs = context.Pipe()
                process = context.Process(target=_work, args=(settings, keys, theirs), daemon=True)
                process.start()
                theirs.close()
                stack.callback(_end, process, ours)
                lines.append(ours)
            yield from _collect(chunks, lines)

    return walk


def _collect(chunks: Iterable[Chunk], lines: list[Connection]) -> Iterator[Part]:
    sent = taken = 0
    for chunk in chunks:
        if sent - taken >= _AHEAD * len(lines):
            yield _take(lines[taken % len(lines)])
            taken += 1
        lines[sent % len(lines)].send(chunk)
        sent += 1
    while taken < sent:
        yield _take(lines[taken % len(lines)])
        taken += 1


def _take(line: Connection) -> Part:
    answer = line.recv()
    if isinstance(answer, DomainError):
        raise answer
    part: Part = answer
    return part


def _end(process: BaseProcess, line: Connection) -> None:
    line.close()
    process.join(10)
    if process.is_alive():
        process.kill()


def _work(settings: Settings, keys: dict[str, bytes], line: Connection) -> None:
    """What a process does until its line is closed; it ends with the one who started it, however that ends."""
    store = Database(settings)
    try:
        while True:
            chunk: Chunk = line.recv()
            try:
                line.send(verification_walk.walk(store, chunk, keys))
            except DomainError as trouble:
                line.send(trouble)
    except (EOFError, OSError):
        return
    finally:
        store.dispose()
