"""What the pages of an import share and show: frozen contexts, and how they are read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from sqlalchemy import select
from sqlmodel import Session, col

from app.catalogues import translate
from app.errors import FieldError
from app.messages import N_
from app.models import PlanImport, Programme, Track, Unit
from app.papers import plan_doubts
from app.permissions import Actor, P, can
from app.routers import rendering
from app.rules.programmes import STANDARD_TRACKS
from app.services import plan_differences, plan_imports, plan_intake, plan_mapping, plan_views, units
from app.services.plan_differences import Comparison

SIDES = {
    "aiding": N_("Aiding"),
    "receiving": N_("Receiving"),
    "partner": N_("Partner"),
    "superior": N_("Superior"),
}
KINDS = {
    "bureau": N_("Bureau"),
    "department": N_("Department"),
    "institution": N_("Institution"),
    "group": N_("Group of units"),
    "beneficiary": N_("Beneficiary"),
}
PLACES = {
    "under_aiding": N_("Under the aiding bureau"),
    "under_receiving": N_("Under the receiving bureau"),
    "under_partner": N_("Under the partner bureau"),
    "under_superior": N_("Under the superior bureau"),
    "bureau_aiding": N_("A bureau of its own, aiding"),
    "bureau_receiving": N_("A bureau of its own, receiving"),
    "bureau_partner": N_("A bureau of its own, partner"),
    "bureau_superior": N_("A bureau of its own, superior"),
}
STATES = {"review": N_("To be reviewed"), "accepted": N_("Accepted"), "dropped": N_("Given up")}
LABELS = {
    "title": N_("Title"),
    "document_number": N_("Document number"),
    "issuer": N_("Issuer"),
    "issued_on": N_("Issued on"),
    "starts_on": N_("First day"),
    "ends_on": N_("Last day"),
    "disclosure": N_("Disclosure"),
    "recipients": N_("Recipients"),
    "copied_to": N_("Copied to"),
    "programme_id": N_("What it becomes"),
    "path": N_("Number in the plan"),
    "part": N_("Part"),
    "heading": N_("Heading"),
    "text": N_("Text"),
    "units": N_("Units"),
    "lead_units": N_("Lead"),
    "supporting_units": N_("Supporting"),
    "guiding_units": N_("Guiding"),
    "responsible_people": N_("People in charge"),
    "due_text": N_("Deadline in the plan's words"),
    "due_on": N_("Due date"),
    "open_ended": N_("Open-ended"),
    "target": N_("Target"),
    "track": N_("Track"),
    "when": N_("Time in the plan's words"),
    "what": N_("What is to be done"),
    "milestone_kind": N_("Kind"),
    "recurring": N_("Comes back regularly"),
}
# Which part of the review mends what the acceptance misses.
MENDED_AT = {"title": "head", "items": "", "parties": "parties", "units": "units"}
_UNITS_OFFERED = 500


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page of one import shows around its part."""

    row: PlanImport
    counts: Mapping[str, int]
    missing: tuple[FieldError, ...]
    known_as: Sequence[Mapping[str, Any]]
    undecided: int
    editable: bool
    programme: str
    track_names: Mapping[str, str]
    track_options: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class IndexPage:
    """The upload form and the imports so far."""

    rows: Sequence[Any]
    q: str
    limit: int
    first_url: str | None
    next_url: str | None
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HeadPage:
    """The head of the plan as a form, and of which programme it may be the next version."""

    frame: Frame
    values: Mapping[str, str]
    programmes: Sequence[tuple[int, str]]
    errors: Mapping[str, str] = field(default_factory=dict)
    conflict: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A name of the plan: what it stands for now, what it might be, and what it would be created as."""

    place: int
    named: Mapping[str, Any]
    uses: int
    unit_name: str
    candidates: Sequence[Any]
    new: Mapping[str, str]
    decided: bool
    open: bool
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnitsPage:
    """All names of units, undecided ones first."""

    frame: Frame
    rows: Sequence[UnitRow]
    offered: Sequence[str]


@dataclass(frozen=True, slots=True)
class SectionsPage:
    """The sections and their tracks."""

    frame: Frame
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartiesPage:
    """The bureaus on each side, with empty rows to add some."""

    frame: Frame
    parties: Sequence[Mapping[str, Any]]
    bureaus: Sequence[tuple[int, str]]
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line of the original with its sentences: why it was left out, what was mended."""

    line: int
    text: str
    ignored: str
    repairs: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class TextPage:
    """Lines of the original and what became of each."""

    frame: Frame
    lines: Sequence[Any]
    items: Mapping[int, Sequence[int]]
    only: str
    first_url: str | None
    next_url: str | None


@dataclass(frozen=True, slots=True)
class AcceptPage:
    """What the acceptance will do, and what it still needs."""

    frame: Frame
    missing: Sequence[tuple[str, str]]
    new_units: Sequence[Mapping[str, Any]]
    parties: Sequence[Mapping[str, Any]]
    comparison: Comparison | None
    values: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


def frame(session: Session, actor: Actor, import_id: int) -> Frame:
    """Read what surrounds every part of one import. Raises NotFound."""
    found = plan_views.overview(session, actor, import_id)
    row = found.row
    editable = row.state == "review"
    undecided = plan_mapping.undecided(row, plan_mapping.named_counts(session, import_id)) if editable else []
    names = track_names(session, row)
    title: str | None = None
    if row.programme_id is not None and can(actor, P.PROGRAMME_READ, row.programme_id):
        title = session.connection().scalar(select(col(Programme.title)).where(col(Programme.id) == row.programme_id))
    return Frame(
        row,
        found.counts,
        found.missing,
        found.known_as,
        len(undecided),
        editable,
        title or "",
        names,
        tuple(names.items()),
    )


def track_names(session: Session, row: PlanImport) -> dict[str, str]:
    """Code > name of the tracks there will be: the programme's, or the five with the plan's own words for them."""
    names = dict(STANDARD_TRACKS)
    if row.programme_id is not None:
        statement = select(col(Track.code), col(Track.name)).where(col(Track.programme_id) == row.programme_id)
        for track in session.connection().execute(statement.order_by(col(Track.position))):
            names[track.code] = track.name
    first = row.programme_id is None
    for section in reversed(row.sections):
        code = section["track"]
        if code and section["name"] and (first or code not in names):
            names[code] = section["name"]
    return names


def head_page(session: Session, actor: Actor, found: Frame, **state: Any) -> HeadPage:
    """The head as a form; ``state`` brings back what was typed."""
    row = found.row
    values = {
        "title": row.title,
        "document_number": row.document_number,
        "issuer": row.issuer,
        "programme_id": str(row.programme_id or ""),
        **{name: row.head[name] or "" for name in (*plan_imports.HEAD_DATES, *plan_imports.HEAD_TEXTS)},
        **{name: "\n".join(row.head[name]) for name in plan_imports.HEAD_LISTS},
    }
    mine = actor.programmes_with(P.PLAN_IMPORT)
    statement = select(col(Programme.id), col(Programme.title), col(Programme.document_number))
    rows = session.connection().execute(statement.where(col(Programme.id).in_(mine)).order_by(col(Programme.id)))
    options = [(entry.id, f"{entry.title} {entry.document_number}".strip()) for entry in rows]
    return HeadPage(found, **{"values": values, "programmes": options, **state})


def units_page(
    session: Session, actor: Actor, found: Frame, wrong: Mapping[str, Mapping[str, str]] | None = None
) -> UnitsPage:
    """All names with their candidates; two queries for all of them. ``wrong``: name > errors of its form."""
    counts = plan_mapping.named_counts(session, found.row.key)
    all_names = [name for named in found.row.units for name in plan_mapping.names_of(named)]
    matched = plan_intake.match(session, actor, all_names)
    chosen = plan_mapping.unit_names(session, actor, [u["unit_id"] for u in found.row.units if u["unit_id"]])
    rows = []
    for place, named in enumerate(found.row.units, 1):
        uses = sum(counts[name] for name in plan_mapping.names_of(named))
        candidates = {m.unit_id: m for name in plan_mapping.names_of(named) for m in matched[name]}
        decided = named["unit_id"] is not None or named["create"] is not None
        errors = (wrong or {}).get(named["named_as"], {})
        rows.append(
            UnitRow(
                place,
                named,
                uses,
                chosen.get(named["unit_id"], ""),
                list(candidates.values())[:8],
                named["create"] or plan_intake.new_unit(named),
                decided,
                bool(errors),
                errors,
            )
        )
    rows.sort(key=lambda row: (row.uses == 0, row.decided, row.place))
    return UnitsPage(found, rows, _offered(session, actor) if found.editable else ())


def _offered(session: Session, actor: Actor) -> list[str]:
    statement = units.visible_to(actor).with_only_columns(col(Unit.name))
    alive = statement.where(col(Unit.ends_on).is_(None), col(Unit.merged_into_id).is_(None))
    return list(dict.fromkeys(session.connection().scalars(alive.order_by(col(Unit.id)).limit(_UNITS_OFFERED))))


def bureaus(session: Session, actor: Actor) -> list[tuple[int, str]]:
    """The bureaus that ``actor`` sees, for choosing a side's."""
    statement = units.visible_to(actor).with_only_columns(col(Unit.id), col(Unit.name))
    roots = statement.where(col(Unit.parent_id).is_(None), col(Unit.merged_into_id).is_(None))
    return [(row.id, row.name) for row in session.connection().execute(roots.order_by(col(Unit.id)))]


def text_page(request: Request, session: Session, actor: Actor, found: Frame, *, start: int, only: str) -> TextPage:
    """A page of the original, with the items that cite each line."""
    lines, following = plan_views.line_page(session, actor, found.row.key, start=start, limit=200, only=only or None)
    shown = shown_lines(request, lines)
    cited: dict[int, list[int]] = {}
    for line, item_id in plan_views.item_lines(session, found.row.key):
        cited.setdefault(line, []).append(item_id)
    here = f"/plan-imports/{found.row.key}/text"
    return TextPage(
        found,
        shown,
        cited,
        only,
        f"{here}?{urlencode({'only': only})}" if start > 1 else None,
        f"{here}?{urlencode({'only': only, 'start': str(following)})}" if following else None,
    )


def shown_lines(request: Request, lines: Iterable[plan_views.Line]) -> list[ShownLine]:
    """Lines with their sentences in the reader's language."""
    language = rendering.language_of(request)
    return [
        ShownLine(
            line.line,
            line.text,
            translate(language, plan_doubts.IGNORED.get(line.ignored, "")) if line.ignored else "",
            [
                {**repair, "sentence": translate(language, plan_doubts.REPAIRS.get(repair["kind"], ""))}
                for repair in line.repairs
            ],
        )
        for line in lines
    ]


def accept_page(request: Request, session: Session, found: Frame, **state: Any) -> AcceptPage:
    """What the acceptance will do; for a version the comparison with the plan in force."""
    language = rendering.language_of(request)
    missing = [
        (
            f"/plan-imports/{found.row.key}/{MENDED_AT[e.field]}".rstrip("/"),
            translate(language, e.message, dict(e.values)),
        )
        for e in found.missing
    ]
    comparison = None
    if found.editable and found.row.programme_id is not None:
        items = plan_differences.kept_items(session, found.row.key)
        comparison = plan_differences.between(session, found.row, items)
    new = [unit["create"] for unit in found.row.units if unit["create"]]
    parties = [party for party in found.row.head["parties"] if party["side"]]
    return AcceptPage(found, missing, new, parties, comparison, **state)
