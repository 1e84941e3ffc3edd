"""The port of the measurements: one for all processes of a command, apart from the port that people use."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app import settings
from app.adapters import exposition
from app.database import Database
from app.errors import DomainError, Kind
from app.messages import N_
from app.services import figures
from app.settings import PREFIX, Settings

_VARIABLE = f"{PREFIX}METRICS_FOLDER"


class MetricsAddressTaken(DomainError):
    """Somebody else listens where the measurements should be served."""

    kind = Kind.CONFLICT
    code = "metrics_address_taken"
    message = N_("%(host)s:%(port)s cannot be listened on (%(why)s). Change DUIKOU_METRICS_PORT, or set it to 0.")


@contextmanager
def measured(chosen: Settings) -> Iterator[None]:
    """Serve the measurements while the block runs; does nothing where ``metrics_port`` is 0.

    The processes that are started inside find the folder in their environment.
    """
    if not chosen.metrics_port:
        yield
        return
    folder = Path(chosen.metrics_folder or tempfile.mkdtemp(prefix="duikou-metrics-"))
    folder.mkdir(parents=True, exist_ok=True)
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = str(folder)
    store = Database(chosen)
    try:
        read = figures.Reader(store, chosen)
        close = exposition.serve(chosen.metrics_host, chosen.metrics_port, folder, read.figures)
    except OSError as error:
        store.dispose()
        raise MetricsAddressTaken(
            host=chosen.metrics_host, port=chosen.metrics_port, why=error.strerror or str(error)
        ) from error
    try:
        yield
    finally:
        close()
        store.dispose()
        os.environ.pop(_VARIABLE)
        if before is not None:
            os.environ[_VARIABLE] = before
        if not chosen.metrics_folder:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def counted(store: Database) -> Iterator[None]:
    """Count what this process writes while the block runs, for whoever serves the measurements of the machine."""
    meters = figures.metered(store, settings.load())
    if meters is None:
        yield
        return
    meters.start()
    try:
        yield
    finally:
        meters.stop()
