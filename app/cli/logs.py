"""The server's own log: one line per request, without what stands behind the question mark.

A search text or a form token in an address is nobody's business in a log file that is kept for a
year and read by people who may not see the rows.
"""

import logging
from typing import Any


class WithoutQuery(logging.Filter):
    """Cuts the query off the path that uvicorn logs as its third argument."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record in place; always lets it through."""
        if isinstance(record.args, tuple) and len(record.args) == 5:
            address, method, path, *rest = record.args
            record.args = (address, method, str(path).partition("?")[0], *rest)
        return True


CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"without_query": {"()": "app.cli.logs.WithoutQuery"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {
        "terminal": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"},
        "requests": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["without_query"],
            "stream": "ext://sys.stderr",
        },
    },
    "loggers": {
        "duikou": {"handlers": ["terminal"], "level": "INFO", "propagate": False},
        "uvicorn": {"handlers": ["terminal"], "level": "INFO", "propagate": False},
        "uvicorn.access": {"handlers": ["requests"], "level": "INFO", "propagate": False},
    },
}
