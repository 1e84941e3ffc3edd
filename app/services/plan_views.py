"""What a person sees of a plan under review: its head with what is left to do, and its original lines."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.errors import FieldError
from app.models import PlanImport, PlanImportState, PlanItem
from app.permissions import Actor
from app.services import plan_accepting, plan_imports

_ROW = ("id", "version", "state", "name", "title", "document_number", "issuer", "programme_id", "sha256")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the original: why it was left out, if it was, and what was mended in it."""

    line: int
    text: str
    ignored: str | None
    repairs: list[dict[str, Any]]

    def _asdict(self) -> dict[str, Any]:
        return {"line": self.line, "text": self.text, "ignored": self.ignored, "repairs": self.repairs}


@dataclass(frozen=True, slots=True)
class Overview:
    """An import, how much of it is left to check, what its acceptance still needs, and what it came from."""

    row: PlanImport
    counts: dict[str, int]
    missing: tuple[FieldError, ...]
    known_as: Sequence[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """The product's JSON of an import."""
        row = self.row
        head = {name: value for name, value in row.head.items() if name != "file"}
        return {
            **{name: getattr(row, name) for name in _ROW},
            "created_at": row.created_at,
            "accepted_at": row.accepted_at,
            **head,
            "units": row.units,
            "sections": row.sections,
            "repairs": row.repairs,
            "line_count": len(row.lines),
            "counts": self.counts,
            "missing": [{"field": e.field, "code": e.code, "values": dict(e.values)} for e in self.missing],
            "known_as": list(self.known_as),
        }


def overview(session: Session, actor: Actor, import_id: int) -> Overview:
    """Everything about an import but its items; the same queries whatever its length. Raises NotFound."""
    row = plan_imports.get(session, actor, import_id, lines=True)
    counts = plan_imports.counts(session, import_id)
    if row.state != PlanImportState.REVIEW:
        return Overview(row, counts, (), ())
    missing = plan_accepting.missing(session, actor, row)
    return Overview(row, counts, missing, plan_imports.known_as(session, actor, row))


def lines(row: PlanImport, numbers: Iterable[int]) -> list[Line]:
    """The lines of an import by their numbers, from 1; numbers beyond the text are left out."""
    ignored = {entry["line"]: entry["reason"] for entry in row.ignored}
    repairs: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for repair in row.repairs:
        repairs[repair["line"]].append(repair)
    total = len(row.lines)
    return [Line(n, row.lines[n - 1], ignored.get(n), repairs.get(n, [])) for n in numbers if 1 <= n <= total]


def line_page(
    session: Session, actor: Actor, import_id: int, *, start: int, limit: int, only: str | None
) -> tuple[list[Line], int | None]:
    """``limit`` lines from ``start`` on, all or only ignored or repaired ones, and where to go on."""
    row = plan_imports.get(session, actor, import_id, lines=True)
    numbers: Iterable[int] = range(start, len(row.lines) + 1)
    if only is not None:
        marked = {entry["line"] for entry in (row.ignored if only == "ignored" else row.repairs)}
        # A blank line has nothing that could have been missed.
        numbers = (n for n in numbers if n in marked and (only == "repaired" or row.lines[n - 1].strip()))
    some = list(numbers)[: limit + 1]
    return lines(row, some[:limit]), some[limit] if len(some) > limit else None


def item_lines(session: Session, import_id: int) -> list[tuple[int, int]]:
    """(line, id) of every item that cites a line, in the order of the text; one query."""
    statement = (
        select(col(PlanItem.line), col(PlanItem.id))
        .where(col(PlanItem.plan_import_id) == import_id, col(PlanItem.line).is_not(None))
        .order_by(col(PlanItem.line), col(PlanItem.kind), col(PlanItem.position), col(PlanItem.id))
    )
    return [(int(row.line or 0), int(row.id or 0)) for row in session.connection().execute(statement)]
