"""One record as one line: JSON for machines and for keeping, plain text for a terminal.

Only the fields named here come through, so that a field which somebody adds to a record one day is
not in the files before somebody has thought about it.
"""

import logging
import os
import socket
from datetime import UTC, datetime
from typing import Any

import orjson

from app.clock import SHANGHAI
from app.logs import working_for
from app.logs.traces import trace_of

HOST = socket.gethostname()[:64]
# Of a request, in the order in which they stand in the line.
OF_A_REQUEST = ("method", "route", "status", "duration_ms", "actor_id", "token_id", "address")
_OURS = ("duikou", "uvicorn")


class SaidOnce(logging.Filter):
    """Drops an error that was logged already: the product says it first, the server once more."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record's error is news."""
        error = record.exc_info[1] if record.exc_info else None
        return not getattr(error, "was_logged", False)


class JsonLine(logging.Formatter):
    """A record as a line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end; made once where it goes to several places."""
        made = record.__dict__.get("json_line")
        if made is None:
            made = record.__dict__["json_line"] = self._made(record)
        return str(made)

    def _made(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": message_of(record),
            "request_id": working_for.get(),
            "host": HOST,
            "process": os.getpid(),
        }
        fields.update({name: record.__dict__[name] for name in OF_A_REQUEST if name in record.__dict__})
        if record.exc_info and record.exc_info[1] is not None:
            fields["trace"] = trace_of(record.exc_info[1])
        return orjson.dumps(fields, default=str).decode()


class TextLine(logging.Formatter):
    """A record for somebody who watches a terminal: local time, words, no host."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and below it the trace of an error."""
        at = datetime.fromtimestamp(record.created, SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
        request = [str(record.__dict__[name]) for name in OF_A_REQUEST if record.__dict__.get(name) not in (None, "")]
        words = " ".join([at, record.levelname, message_of(record), *request])
        if record.exc_info and record.exc_info[1] is not None:
            return f"{words} [{working_for.get()}]\n{trace_of(record.exc_info[1])}"
        return words


def message_of(record: logging.LogRecord) -> str:
    """What we say; of a library only where it spoke, for it may quote what it was given."""
    if record.name.partition(".")[0] in _OURS:
        return record.getMessage()
    return f"a message of {record.name} was left out ({record.module}:{record.lineno})"
