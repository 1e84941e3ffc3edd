"""What an acceptance makes of the kept items: tracks, nested tasks, assignments, milestones, the version."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from app.models import (
    Assignment,
    AssignmentRole,
    Attachment,
    Milestone,
    MilestoneKind,
    PlanImport,
    PlanImportState,
    PlanItemKind,
    PlanVersion,
    Programme,
    Task,
    Track,
)
from app.permissions import Actor
from app.rules.paths import SEPARATOR, sort_key
from app.rules.plan_suggestions import track_of_path
from app.services import events
from app.services.plan_differences import ROLES, names_in
from app.services.plan_imports import dates_of

_PURPOSE = 20_000
_PATH = 200


class Maker:
    """Makes the rows of one acceptance; ``unit_ids`` maps each spelling in the plan to its unit."""

    def __init__(self, session: Session, programme: Programme, row: PlanImport, unit_ids: Mapping[str, int]) -> None:
        self.session = session
        self.programme = programme
        self.row = row
        self.unit_ids = unit_ids
        self._sections = {tuple(section["path"]): section["track"] for section in row.sections}
        self._tracks: dict[str, int] = {}

    def create(self, items: Iterable[Any]) -> dict[int, Task]:
        """All tasks of a new programme with their assignments; item id > task."""
        wanted = [item for item in items if item.kind == PlanItemKind.TASK]
        self.prepare_tracks(wanted)
        made = {item.id: self.task(item) for item in wanted}
        self.nest(wanted, made)
        self.session.add_all(a for item in wanted for a in self.assignments(item, made[item.id].key))
        return made

    def prepare_tracks(self, items: Iterable[Any]) -> None:
        """Make the tracks that sections and items need, and call them as the plan does on the first version."""
        tracks = {
            track.code: track
            for track in self.session.exec(select(Track).where(col(Track.programme_id) == self.programme.key))
        }
        names = {section["track"]: section["name"] for section in reversed(self.row.sections) if section["track"]}
        needed = dict.fromkeys([*reversed(names), *(item.data["track"] for item in items if item.data["track"])])
        taken = {track.name for track in tracks.values()}
        for code in needed:
            name = names.get(code, "") or code
            if code not in tracks:
                tracks[code] = Track(programme_id=self.programme.key, code=code, name=name[:50], position=len(tracks))
                self.session.add(tracks[code])
            elif self.programme.plan_number == 1 and names.get(code) and name not in taken:
                tracks[code].name = name
            taken.add(name)
        self.session.flush()
        self._tracks = {code: track.key for code, track in tracks.items()}

    def track_id(self, data: Mapping[str, Any]) -> int | None:
        """The track that a person gave the item, or that of its section."""
        return self._tracks.get(data["track"] or track_of_path(data["path"], self._sections))

    def task(self, item: Any) -> Task:
        """The task that an item becomes, not yet added or nested."""
        data = item.data
        due_on = day(data["due_on"])
        return Task(
            programme_id=self.programme.key,
            track_id=self.track_id(data),
            first_due_on=due_on,
            **self.wording(item),
        )

    def wording(self, item: Any) -> dict[str, Any]:
        """The columns of a task that the plan's text gives."""
        data = item.data
        return {
            "path": SEPARATOR.join(data["path"])[:_PATH],
            "part": data["part"],
            "sort_key": sort_key(data["path"], data["part"]),
            "heading": data["heading"],
            "text": data["text"],
            "due_text": data["due_text"],
            "due_on": day(data["due_on"]),
            "open_ended": data["open_ended"],
            "target": data["target"],
            "responsible_people": data["responsible_people"],
            "marked": data["marked"],
            "source_line": item.line,
            "plan_number": self.programme.plan_number,
        }

    def nest(self, items: Sequence[Any], tasks: Mapping[int, Task]) -> None:
        """Put each task under the one whose number its own begins with; outer tasks are stored first."""
        firsts: dict[tuple[str, ...], Task] = {}
        for item in items:
            firsts.setdefault(tuple(item.data["path"]), tasks[item.id])
        levels: dict[int, list[tuple[Task, Task | None]]] = {}
        depths: dict[tuple[str, ...], int] = {}
        for item in sorted(items, key=lambda item: len(item.data["path"])):
            path = tuple(item.data["path"])
            above = next((path[:n] for n in range(len(path) - 1, 0, -1) if path[:n] in firsts), None)
            depth = depths.setdefault(path, depths[above] + 1 if above else 0)
            levels.setdefault(depth, []).append((tasks[item.id], firsts[above] if above else None))
        for depth in sorted(levels):
            for task, parent in levels[depth]:
                if parent is not None and task.parent_id != parent.key:
                    task.parent_id = parent.key
                elif parent is None and task.parent_id is not None:
                    task.parent_id = None
                self.session.add(task)
            self.session.flush()

    def assignments(self, item: Any, task_id: int) -> list[Assignment]:
        """The assignments of an item in the plan's order; two names of one unit are one, in its first role."""
        made: dict[int, Assignment] = {}
        for position, name in enumerate(names_in(item.data)):
            unit_id = self.unit_ids[name]
            role = role_of(item.data, name)
            if unit_id in made:
                if made[unit_id].role == AssignmentRole.UNDECLARED:
                    made[unit_id].role = role
                continue
            made[unit_id] = Assignment(
                programme_id=self.programme.key,
                task_id=task_id,
                unit_id=unit_id,
                role=role,
                position=position,
                named_as=name,
            )
        return list(made.values())


def role_of(data: Mapping[str, Any], name: str) -> AssignmentRole:
    """The role that the plan declares for a unit, or undeclared."""
    for field, role in ROLES.items():
        if name in data[field]:
            return AssignmentRole(role)
    return AssignmentRole.UNDECLARED


def day(text: str | None) -> date | None:
    """An item's date."""
    return date.fromisoformat(text) if text else None


def head_of(row: PlanImport, items: Any) -> dict[str, Any]:
    """The programme's head as the plan gives it; its goals become the purpose."""
    goals = [item.data["what"] for item in items if item.data.get("milestone_kind") == MilestoneKind.GOAL]
    return {
        "title": row.title,
        "document_number": row.document_number,
        "issuer": row.issuer,
        **dates_of(row),
        "disclosure": row.head["disclosure"],
        "purpose": "\n".join(goals)[:_PURPOSE],
        "recipients": row.head["recipients"],
        "copied_to": row.head["copied_to"],
        "basis": row.head["basis"],
    }


def milestone(programme: Programme, item: Any) -> Milestone:
    """The milestone that an item becomes."""
    data = item.data
    return Milestone(
        programme_id=programme.key,
        kind=MilestoneKind(data["milestone_kind"]),
        when_text=data["when"],
        what=data["what"],
        starts_on=day(data["starts_on"]),
        ends_on=day(data["ends_on"]),
        recurring=data["recurring"],
        position=item.position,
        source_line=item.line,
        plan_number=programme.plan_number,
    )


def finish(
    session: Session,
    actor: Actor,
    maker: Maker,
    differences: list[dict[str, Any]],
    *,
    now: datetime,
) -> None:
    """Keep the version, the original file and the end of the review, and record the verb."""
    row, programme = maker.row, maker.programme
    session.add(
        PlanVersion(
            programme_id=programme.key,
            number=programme.plan_number,
            plan_import_id=row.key,
            sha256=row.sha256,
            accepted_at=now,
            accepted_by_id=actor.user_id,
            differences=differences,
        )
    )
    file = row.head["file"]
    session.add(
        Attachment(
            programme_id=programme.key,
            subject_type="programmes",
            subject_id=programme.key,
            name=row.name,
            media_type=file["media_type"],
            size=file["size"],
            sha256=row.sha256,
            uploaded_by_id=row.uploaded_by_id,
        )
    )
    row.state, row.accepted_at, row.programme_id = PlanImportState.ACCEPTED, now, programme.key
    details = {"number": programme.plan_number, "sha256": row.sha256}
    events.record(session, actor, "plan_import.accept", row, details=details, now=now)
