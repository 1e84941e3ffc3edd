"""The answer of the plan reader: frozen values, and the JSON of the product's specification."""

from dataclasses import dataclass
from datetime import date

from app.papers.plans.milestones import Milestone
from app.papers.plans.repairs import Repair


@dataclass(frozen=True, slots=True)
class Basis:
    """A document that the plan rests on."""

    name: str
    document_number: str | None


@dataclass(frozen=True, slots=True)
class NamedUnit:
    """A unit that the plan names, with its other names."""

    name: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanTask:
    """One duty: a mark of responsibility or a sentence, with the text that it covers.

    ``path`` and ``part`` are its key. ``mark`` is the mark itself, verbatim, and ``mark_line`` its line.
    ``doubts`` are codes of ``plan_doubts.DOUBTS``; ``doubt_values`` fills the places of their sentences.
    """

    path: tuple[str, ...]
    part: int
    heading: str
    text: str
    units: tuple[str, ...]
    lead_units: tuple[str, ...]
    supporting_units: tuple[str, ...]
    guiding_units: tuple[str, ...]
    responsible_people: tuple[str, ...]
    due_text: str | None
    due_on: date | None
    marked: bool
    line: int
    doubts: tuple[str, ...] = ()
    mark: str = ""
    mark_line: int = 0
    doubt_values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """An item without a duty of its own, which others stand under."""

    path: tuple[str, ...]
    heading: str
    line: int


@dataclass(frozen=True, slots=True)
class IgnoredLine:
    """A line that was left out, and the code of the reason (``plan_doubts.IGNORED``)."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class PlanReading:
    """Everything that was read. Lines count from 1 in ``lines``."""

    title: str | None
    document_number: str | None
    issuer: str | None
    recipients: tuple[str, ...]
    copied_to: tuple[str, ...]
    issued_on: date | None
    disclosure: str | None
    basis: tuple[Basis, ...]
    starts_on: date | None
    ends_on: date | None
    units: tuple[NamedUnit, ...]
    tasks: tuple[PlanTask, ...]
    milestones: tuple[Milestone, ...]
    sections: tuple[Section, ...]
    repairs: tuple[Repair, ...]
    ignored: tuple[IgnoredLine, ...]
    lines: tuple[str, ...]
    used: tuple[tuple[int, str], ...]

    def unaccounted(self) -> tuple[int, ...]:
        """The lines that are neither used nor ignored, or both: always none."""
        used = {line for line, _ in self.used}
        ignored = {entry.line for entry in self.ignored}
        return tuple(n for n in range(1, len(self.lines) + 1) if (n in used) == (n in ignored))

    def as_dict(self) -> dict[str, object]:
        """The JSON of ``duikou plan read --json``."""
        return {
            "title": self.title,
            "document_number": self.document_number,
            "issuer": self.issuer,
            "recipients": list(self.recipients),
            "copied_to": list(self.copied_to),
            "issued_on": _iso(self.issued_on),
            "disclosure": self.disclosure,
            "basis": [{"name": b.name, "document_number": b.document_number} for b in self.basis],
            "period": {"starts_on": _iso(self.starts_on), "ends_on": _iso(self.ends_on)},
            "units": [{"name": unit.name, "aliases": list(unit.aliases)} for unit in self.units],
            "tasks": [_task(task) for task in self.tasks],
            "milestones": [_milestone(milestone) for milestone in self.milestones],
            "sections": [{"path": list(s.path), "heading": s.heading, "line": s.line} for s in self.sections],
            "repairs": [{"line": r.line, "kind": r.kind, "before": r.before, "after": r.after} for r in self.repairs],
            "ignored": [{"line": entry.line, "reason": entry.reason} for entry in self.ignored],
            "lines": list(self.lines),
        }


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _task(task: PlanTask) -> dict[str, object]:
    return {
        "path": list(task.path),
        "part": task.part,
        "heading": task.heading,
        "text": task.text,
        "units": list(task.units),
        "lead_units": list(task.lead_units),
        "supporting_units": list(task.supporting_units),
        "guiding_units": list(task.guiding_units),
        "responsible_people": list(task.responsible_people),
        "due_text": task.due_text,
        "due_on": _iso(task.due_on),
        "marked": task.marked,
        "line": task.line,
        "doubts": list(task.doubts),
    }


def _milestone(milestone: Milestone) -> dict[str, object]:
    return {
        "when": milestone.when,
        "what": milestone.what,
        "kind": milestone.kind,
        "starts_on": _iso(milestone.starts_on),
        "ends_on": _iso(milestone.ends_on),
        "recurring": milestone.recurring,
        "line": milestone.line,
    }
