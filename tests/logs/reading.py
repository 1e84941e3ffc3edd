"""The product's own configuration of logging, for as long as a test reads what it writes."""

import logging
import logging.config
from collections.abc import Iterator
from contextlib import contextmanager

from app import logs
from app.settings import Settings

_NAMES = ("duikou", "uvicorn", "uvicorn.error", "uvicorn.access", "")


@contextmanager
def logged(settings: Settings) -> Iterator[None]:
    """Log as ``duikou serve`` would; afterwards everything is as it was."""
    before = {name: _state(name) for name in _NAMES}
    logging.config.dictConfig(logs.config(settings))
    try:
        yield
    finally:
        for handler in logging.getLogger("duikou").handlers:
            handler.close()
        for name, (handlers, level, propagate, filters) in before.items():
            logger = logging.getLogger(name or None)
            logger.handlers[:], logger.filters[:] = handlers, filters
            logger.propagate = propagate
            logger.setLevel(level)


def _state(name: str) -> tuple[list[logging.Handler], int, bool, list[object]]:
    logger = logging.getLogger(name or None)
    return [*logger.handlers], logger.level, logger.propagate, [*logger.filters]
