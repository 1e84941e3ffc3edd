"""What the product writes about itself: lines of JSON, without a person's data and without a secret.

A line names a request by its id, its route, its status and its duration, and whoever asked by their
number. It never holds a path, for a path may hold a code, nor a query, a header, a form's field or
the text of an error, for these are what people typed. It does hold the client's address: whoever
looks into an attack needs to know from where it came, and a number together with an office's address
says no more than the session that stands in the store anyway (decision 13).
"""

import sys
from contextvars import ContextVar
from typing import Any

from app.settings import Settings

# The id of the request, or the number of the job, that the present thread or task works for.
working_for: ContextVar[str] = ContextVar("working_for", default="")


def config(settings: Settings) -> dict[str, Any]:
    """The configuration for ``logging.config.dictConfig``, which uvicorn applies in each of its processes."""
    handlers: dict[str, Any] = {
        "terminal": {"class": "logging.StreamHandler", "formatter": _form(settings), "stream": "ext://sys.stderr"}
    }
    if settings.log_folder:
        handlers["files"] = {
            "()": "app.logs.files.DailyFile",
            "folder": str(settings.log_folder),
            "keep_days": settings.log_keep_days,
            "formatter": "json",
        }
    ours = {"handlers": list(handlers), "level": "INFO", "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"once": {"()": "app.logs.lines.SaidOnce"}},
        "formatters": {"json": {"()": "app.logs.lines.JsonLine"}, "text": {"()": "app.logs.lines.TextLine"}},
        "handlers": handlers,
        "loggers": {
            "duikou": ours,
            "uvicorn": ours,
            "uvicorn.error": {"filters": ["once"], "level": "INFO"},
            "uvicorn.access": {"handlers": [], "propagate": False},
        },
        "root": {"handlers": list(handlers), "level": "WARNING"},
    }


def _form(settings: Settings) -> str:
    if settings.log_format != "auto":
        return settings.log_format
    return "text" if sys.stderr.isatty() else "json"
