"""The place of a new task in its plan: the next marker there, which nobody else is given."""

from zlib import crc32

from sqlalchemy import Integer, cast, func
from sqlmodel import Session, col, select

from app.errors import DomainError, Kind
from app.messages import N_
from app.models import Programme, Task
from app.prepared import Prepared, dialect_of, given
from app.rules import paths


class PathTooLong(DomainError):
    """Deeper than a path can say."""

    kind = Kind.INVALID
    code = "path_too_long"
    message = N_("Tasks cannot be nested any deeper here.")


class PlaceFull(DomainError):
    """All numbers up to the largest that a marker can have are taken."""

    code = "place_full"
    message = N_("There is no further number at this place. Choose another section, or a task there.")


def next_path(session: Session, programme_id: int, above: str) -> list[str]:
    """The next free path directly below ``above``; every task of the programme counts, seen or not.

    Until the transaction ends nobody else gets a path there. Raises PathTooLong, PlaceFull.
    """
    steps = [step.strip() for step in above.split(paths.SEPARATOR) if step.strip()]
    _take(session, programme_id, steps)
    step = _next_step(session, programme_id, steps)
    if paths.number_of(step) is None:
        raise PlaceFull(field="parent_id")
    path = [*steps, step]
    if len(paths.SEPARATOR.join(path)) > paths.MAX_LENGTH:
        raise PathTooLong(field="parent_id")
    return path


def _take(session: Session, programme_id: int, steps: list[str]) -> None:
    """Wait for others who create at this place, and for who amends the plan or takes a package in.

    A place is no row: a section has none, and a task and a section can be one place. So its name is
    locked, and creating goes on everywhere else. On SQLite who writes is alone.
    """
    if dialect_of(session).name == "postgresql":
        # A number that two places share makes one of them wait for nothing, and no more.
        place = crc32(paths.sort_key(steps, 0).encode()) - 2**31
        _TAKING.first(session, programme_id=programme_id, place=place)


def _next_step(session: Session, programme_id: int, steps: list[str]) -> str:
    spans = paths.spans_below(steps)
    if spans is None:
        return _next_by_reading(session, programme_id, steps)
    bounds = {
        f"{name}{number}": key for number, span in enumerate(spans) for name, key in zip(_ENDS, span, strict=True)
    }
    largest = _LARGEST.first(session, programme_id=programme_id, **bounds)
    return paths.next_below(steps, [key for key in largest if key is not None])


def _next_by_reading(session: Session, programme_id: int, steps: list[str]) -> str:
    """The same where keys are too short to tell: twenty levels down, or five of markers that count nothing."""
    low, high = paths.span_around(steps)
    prefix = paths.SEPARATOR.join(steps) + paths.SEPARATOR
    taken = session.connection().scalars(
        select(Task.path).where(
            col(Task.programme_id) == programme_id,
            col(Task.sort_key) >= low,
            col(Task.sort_key) < high,
            col(Task.path).startswith(prefix, autoescape=True),
        )
    )
    return paths.next_step(steps, sorted({path.removeprefix(prefix).partition(paths.SEPARATOR)[0] for path in taken}))


_ENDS = ("low", "high")
_TAKING = Prepared(
    select(func.pg_advisory_xact_lock(cast(col(Programme.id), Integer), cast(given("place"), Integer)))
    .where(col(Programme.id) == given("programme_id"))
    .with_for_update(read=True, key_share=True)
)
# Not max(): where PostgreSQL expects few rows it would read them all instead of the last by the index.
LARGEST = select(
    *(
        select(col(Task.sort_key))
        .where(
            col(Task.programme_id) == given("programme_id"),
            col(Task.sort_key) >= given(f"low{number}"),
            col(Task.sort_key) < given(f"high{number}"),
        )
        .order_by(col(Task.sort_key).desc())
        .limit(1)
        .scalar_subquery()
        .label(f"largest{number}")
        for number in range(len(paths.spans_below([]) or ()))
    )
)
_LARGEST = Prepared(LARGEST)
