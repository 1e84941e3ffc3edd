"""Where an error came from, without what it says: the text of an error quotes the values at fault."""

import traceback
from pathlib import Path
from typing import Any

_HOME = str(Path(__file__).resolve().parent.parent.parent) + "/"
_FRAMES = 40
_LINKS = 6
# Their texts name attributes, modules and depths of the code, never a value.
_HARMLESS = (AttributeError, ImportError, NameError, RecursionError)


def trace_of(error: BaseException) -> str:
    """The frames of ``error`` and of what caused it, each with the class and the codes of the error alone."""
    parts: list[str] = []
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen and len(parts) < _LINKS:
        seen.add(id(found))
        frames = traceback.extract_tb(found.__traceback__)[-_FRAMES:]
        parts.append("\n".join([told(found), *(_frame(frame) for frame in frames)]))
        if isinstance(found, BaseExceptionGroup):
            found = found.exceptions[0]
        else:
            found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
    return "\ncaused by ".join(parts)


def told(error: BaseException) -> str:
    """The class of an error and the codes that it carries; its text only where the class vouches for it."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    codes = [str(value) for value in (_code(error, "code"), _code(error, "sqlstate"), _code(error, "errno")) if value]
    if isinstance(error, _HARMLESS) or getattr(kind, "holds_no_value", False):
        codes.append(str(error))
    return f"{name} ({', '.join(codes)})" if codes else name


def _code(error: BaseException, name: str) -> Any:
    """A stable code: SQLAlchemy's and ours are short words, the driver's and the system's are numbers."""
    value = getattr(error, name, None)
    return value if isinstance(value, int) or (isinstance(value, str) and len(value) <= 64) else None


def _frame(frame: traceback.FrameSummary) -> str:
    return f"  {frame.filename.removeprefix(_HOME)}:{frame.lineno} in {frame.name}: {frame.line}"
