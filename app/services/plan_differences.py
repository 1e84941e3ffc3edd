"""What a plan under review changes in the programme that it is to be the next version of."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlmodel import Session, col

from app.models import Assignment, AssignmentState, Milestone, PlanImport, PlanItem, PlanItemKind, Task, TaskState
from app.permissions import Actor
from app.rules.paths import SEPARATOR
from app.rules.plan_differences import Differences, Entry, compare
from app.services import plan_imports

ROLES = {"lead_units": "lead", "supporting_units": "supporting", "guiding_units": "guiding"}
_SETTLED = (AssignmentState.DONE, AssignmentState.EXCUSED)
_COLUMNS = (col(PlanItem.id), col(PlanItem.kind), col(PlanItem.position), col(PlanItem.line), col(PlanItem.data))


@dataclass(frozen=True, slots=True)
class VanishedAssignment:
    """An assignment of a task that stays, whose unit the plan no longer names there."""

    id: int
    task_id: int
    named_as: str
    path: str
    heading: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Tasks and milestones of both texts, and the units that came or went."""

    tasks: Differences
    milestones: Differences
    assignments: tuple[VanishedAssignment, ...]
    units_added: tuple[str, ...]
    units_removed: tuple[str, ...]

    def as_rows(self) -> list[dict[str, Any]]:
        """The differences as the product's JSON: kind, noun, id of the row in force, path, heading, fields."""
        rows = [*_rows("task", self.tasks), *_rows("milestone", self.milestones)]
        rows += [
            {"kind": "removed", "noun": "assignment", "id": a.id, "path": a.path, "heading": a.named_as, "fields": []}
            for a in self.assignments
        ]
        for kind, names in (("added", self.units_added), ("removed", self.units_removed)):
            rows += [
                {"kind": kind, "noun": "unit", "id": None, "path": "", "heading": name, "fields": []} for name in names
            ]
        return rows


def of_import(session: Session, actor: Actor, import_id: int) -> Comparison | None:
    """The comparison of an import that ``actor`` sees; None where it is to be a programme of its own."""
    row = plan_imports.get(session, actor, import_id)
    if row.programme_id is None or row.accepted_at is not None:
        return None
    return between(session, row, kept_items(session, import_id))


def kept_items(session: Session, import_id: int) -> Sequence[Any]:
    """The items that will be accepted, in the plan's order, as rows with their data; one query."""
    statement = select(*_COLUMNS).where(col(PlanItem.plan_import_id) == import_id, col(PlanItem.dropped).is_(False))
    order = (col(PlanItem.kind), col(PlanItem.position), col(PlanItem.id))
    return session.connection().execute(statement.order_by(*order)).all()


def between(session: Session, row: PlanImport, items: Sequence[Any]) -> Comparison:
    """Compare the kept ``items`` of an import with its programme as it stands; three queries.

    Withdrawn tasks, and tasks that no plan ever stated, take no part.
    """
    connection = session.connection()
    tasks = connection.execute(
        select(
            *(col(column) for column in (Task.id, Task.path, Task.part, Task.heading, Task.text)),
            *(col(column) for column in (Task.due_text, Task.due_on, Task.responsible_people)),
        )
        .where(
            col(Task.programme_id) == row.programme_id,
            col(Task.state) != TaskState.WITHDRAWN,
            or_(col(Task.path) != "", col(Task.source_line).is_not(None)),
        )
        .order_by(col(Task.sort_key), col(Task.id))
    ).all()
    assigned: defaultdict[int, list[Any]] = defaultdict(list)
    for assignment in connection.execute(
        select(
            *(col(column) for column in (Assignment.id, Assignment.task_id, Assignment.unit_id)),
            *(col(column) for column in (Assignment.named_as, Assignment.role, Assignment.state)),
        )
        .where(col(Assignment.programme_id) == row.programme_id)
        .order_by(col(Assignment.position), col(Assignment.id))
    ):
        assigned[assignment.task_id].append(assignment)
    new = [item for item in items if item.kind == PlanItemKind.TASK]
    units = unit_ids(row.units)
    found = compare([_task(task, assigned[task.id]) for task in tasks], [_item(item) for item in new])
    vanished = _vanished(found, {item.id: item.data for item in new}, assigned, units)
    return Comparison(found, _milestones(session, row, items), vanished, *_units(row, new, assigned, units))


def unit_ids(named_units: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Every spelling of a unit that was matched > the unit."""
    return {
        name: unit["unit_id"]
        for unit in named_units
        if unit["unit_id"] is not None
        for name in (unit["named_as"], *unit["aliases"])
    }


def names_in(data: Mapping[str, Any]) -> list[str]:
    """The units of an item in its order, those that only a role names last."""
    return list(dict.fromkeys([*data["units"], *(name for field in ROLES for name in data[field])]))


def _rows(noun: str, found: Differences) -> list[dict[str, Any]]:
    rows = [
        {
            "kind": "changed",
            "noun": noun,
            "id": match.old.id,
            "path": match.new.key[0],
            "heading": match.new.heading,
            "fields": [{"field": c.field, "before": c.before, "after": c.after} for c in match.changes],
        }
        for match in found.changed
    ]
    for kind, entries in (("added", found.added), ("removed", found.removed)):
        for entry in entries:
            # What is added has no row in force yet.
            row_id = entry.id if kind == "removed" else None
            rows.append(
                {"kind": kind, "noun": noun, "id": row_id, "path": entry.key[0], "heading": entry.heading, "fields": []}
            )
    return rows


def _task(task: Any, assigned: Sequence[Any]) -> Entry:
    fields = {
        "text": task.text,
        "due_text": task.due_text,
        "due_on": task.due_on.isoformat() if task.due_on else "",
        "responsible_people": "、".join(task.responsible_people),
        "units": "、".join(a.named_as for a in assigned),
        **{field: "、".join(a.named_as for a in assigned if a.role == role) for field, role in ROLES.items()},
    }
    return Entry(task.id, (task.path, task.part), task.heading, fields)


def _item(item: Any) -> Entry:
    data = item.data
    fields = {
        "text": data["text"],
        "due_text": data["due_text"],
        "due_on": data["due_on"] or "",
        "responsible_people": "、".join(data["responsible_people"]),
        "units": "、".join(names_in(data)),
    }
    # A plan that declares no role takes nothing back of what a person has confirmed since.
    if any(data[field] for field in ROLES):
        fields |= {field: "、".join(data[field]) for field in ROLES}
    return Entry(item.id, (SEPARATOR.join(data["path"])[:200], data["part"]), data["heading"], fields)


def _milestones(session: Session, row: PlanImport, items: Sequence[Any]) -> Differences:
    columns = (
        Milestone.id,
        Milestone.kind,
        Milestone.when_text,
        Milestone.what,
        Milestone.starts_on,
        Milestone.ends_on,
    )
    old = session.connection().execute(
        select(*(col(column) for column in columns))
        .where(col(Milestone.programme_id) == row.programme_id)
        .order_by(col(Milestone.position), col(Milestone.id))
    )
    before = [
        Entry(m.id, ("", 1), m.what, {"when": m.when_text, "milestone_kind": m.kind.value, **_period(m)}) for m in old
    ]
    after = [
        Entry(
            item.id,
            ("", 1),
            item.data["what"],
            {
                "when": item.data["when"],
                "milestone_kind": item.data["milestone_kind"],
                "starts_on": item.data["starts_on"] or "",
                "ends_on": item.data["ends_on"] or "",
            },
        )
        for item in items
        if item.kind == PlanItemKind.MILESTONE
    ]
    return compare(before, after)


def _period(milestone: Any) -> dict[str, str]:
    return {
        name: day.isoformat() if day else ""
        for name, day in (("starts_on", milestone.starts_on), ("ends_on", milestone.ends_on))
    }


def _vanished(
    found: Differences,
    data: Mapping[int, Mapping[str, Any]],
    assigned: Mapping[int, Sequence[Any]],
    units: Mapping[str, int],
) -> tuple[VanishedAssignment, ...]:
    gone = []
    for match in found.matched:
        named = names_in(data[match.new.id])
        kept = {units[name] for name in named if name in units}
        gone += [
            VanishedAssignment(a.id, match.old.id, a.named_as, match.new.key[0], match.new.heading)
            for a in assigned.get(match.old.id, ())
            if a.unit_id not in kept and a.named_as not in named and a.state not in _SETTLED
        ]
    return tuple(gone)


def _units(
    row: PlanImport, new: Sequence[Any], assigned: Mapping[int, Sequence[Any]], units: Mapping[str, int]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of units that the new text alone, and the programme alone, has."""
    used = {name for item in new for name in names_in(item.data)}
    before = {a.unit_id: a.named_as for found in assigned.values() for a in found}
    spelled = set(before.values())
    added, after = [], set()
    for unit in row.units:
        names = {unit["named_as"], *unit["aliases"]}
        if not names & used:
            continue
        after |= {units[name] for name in names if name in units}
        if unit["unit_id"] not in before and not names & spelled:
            added.append(unit["named_as"])
    removed = [name for unit_id, name in before.items() if unit_id not in after and name not in used]
    return tuple(added), tuple(removed)
