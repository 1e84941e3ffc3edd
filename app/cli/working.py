"""duikou worker: jobs and schedules, in a process of their own."""

import logging
import logging.config
import os
import signal
import sys
import threading
from contextlib import nullcontext
from typing import Annotated

import typer

from app import logs, settings
from app.adapters import storage
from app.cli import measuring
from app.cli.speech import say, told
from app.cli.stores import refuse_unmigrated
from app.database import Database
from app.messages import N_
from app.worker import Worker


def work(
    once: Annotated[bool, typer.Option("--once", help=told(N_("Do what is due, then end.")))] = False,
    threads: Annotated[int | None, typer.Option(min=1, max=32, help=told(N_("Jobs to do at the same time.")))] = None,
    beside: Annotated[bool, typer.Option("--beside", hidden=True)] = False,
) -> None:
    """Do jobs until a signal comes; what is held then is finished or given back."""
    chosen = settings.load(worker_threads=threads)
    refuse_unmigrated(chosen)
    logging.config.dictConfig(logs.config(chosen))
    store = Database(chosen)
    worker = Worker(chosen, store, storage.from_settings(chosen))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    if beside:
        threading.Thread(target=_stop_with_parent, args=(worker,), daemon=True).start()
    try:
        # Beside serve, its port measures the worker too.
        with nullcontext() if beside or once else measuring.measured(chosen), measuring.counted(store):
            worker.run(until_idle=once)
    finally:
        store.dispose()
    if once:
        say(N_("Jobs attempted: %(number)s"), number=worker.done)


def _stop_with_parent(worker: Worker) -> None:
    """The pipe of standard input ends when the parent does, even where it was killed."""
    # Past the buffer, whose lock this thread would still hold when the interpreter ends.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    worker.stop()
