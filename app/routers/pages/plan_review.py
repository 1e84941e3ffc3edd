"""The review of a plan: the original in blocks of lines, and beside each block what was read from it."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

from fastapi import Request
from pydantic import Field
from sqlmodel import Session

from app.catalogues import translate
from app.messages import N_
from app.models import PlanImport
from app.permissions import Actor
from app.routers import rendering
from app.routers.pages.plan_import_pages import Frame, ShownLine, frame, shown_lines
from app.rules.plan_suggestions import track_of_path
from app.schemas.base import Input
from app.schemas.base import text as bounded
from app.services import plan_items, plan_views
from app.services.plan_differences import ROLES, names_in
from app.services.plan_intake import DOUBTS

PAGE = 50
ROLE_WORDS = {
    "lead": N_("Lead"),
    "supporting": N_("Supporting"),
    "guiding": N_("Guiding"),
    "undeclared": N_("Undeclared"),
}
_SHOWN_LINES = 10
View = Literal["check", "tasks", "milestones", "dropped"]
_FILTERS: dict[str, dict[str, Any]] = {
    "check": {"doubtful": True, "dropped": False},
    "tasks": {"kind": "task", "dropped": False},
    "milestones": {"kind": "milestone", "dropped": False},
    "dropped": {"dropped": True},
}


class ReviewQuery(Input):
    """Which items the review shows; without a view, what is left to check, or else the tasks."""

    view: View | None = None
    q: bounded(100) = ""  # type: ignore[valid-type]
    cursor: str | None = Field(None, max_length=2000)


@dataclass(frozen=True, slots=True)
class ItemView:
    """One item in one of its states: shown, or open for correction with what was typed and what is wrong."""

    row: Any
    import_id: int
    editable: bool
    units: list[tuple[str, str]]
    doubts: list[str]
    track: str
    back: str
    editing: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)
    unit_rows: Sequence[tuple[str, str]] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    conflict: Sequence[Mapping[str, str]] = ()
    tracks: Sequence[tuple[str, str]] = ()

    @property
    def url(self) -> str:
        """Where the item is."""
        return f"/plan-imports/{self.import_id}/items/{self.row.id}"


@dataclass(frozen=True, slots=True)
class Block:
    """Some lines of the original and the items that begin in them."""

    start: int
    lines: list[ShownLine]
    more_lines: int
    section: Mapping[str, Any] | None
    items: list[ItemView]


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """A page of the review."""

    frame: Frame
    view: str
    q: str
    blocks: list[Block]
    loose: list[ItemView]
    shown: int
    first_url: str | None
    next_url: str | None


@dataclass(frozen=True, slots=True)
class ItemPage:
    """One item on a page of its own, with the lines around it."""

    frame: Frame
    item: ItemView
    lines: list[ShownLine]
    counts: Mapping[str, int]
    view: str = ""


def review(request: Request, session: Session, actor: Actor, import_id: int, query: ReviewQuery) -> ReviewPage:
    """Read a page of items and the lines beside them; the same queries whatever the plan's length."""
    found = frame(session, actor, import_id)
    view = query.view or ("check" if found.counts["doubtful"] else "tasks")
    page = plan_items.listing(session, actor, import_id, limit=PAGE, cursor=query.cursor, q=query.q, **_FILTERS[view])
    here = f"/plan-imports/{import_id}?{urlencode({'view': view, 'q': query.q})}"
    back = f"{here}&{urlencode({'cursor': query.cursor})}" if query.cursor else here
    views = [item_view(request, found, row, back) for row in page.rows]
    cited = plan_views.item_lines(session, import_id)
    whole = view in ("tasks", "milestones") and not query.q
    blocks = _blocks(
        request,
        found.row,
        views,
        cited,
        from_start=whole and not query.cursor,
        to_end=whole and not page.next_cursor,
        whole=whole,
    )
    return ReviewPage(
        frame=found,
        view=view,
        q=query.q,
        blocks=blocks,
        loose=[item for item in views if item.row.line is None],
        shown=len(views),
        first_url=here if query.cursor else None,
        next_url=f"{here}&{urlencode({'cursor': page.next_cursor})}" if page.next_cursor else None,
    )


def item_page(request: Request, found: Frame, item: ItemView) -> ItemPage:
    """An item with a few lines before it and those up to the next one."""
    line = item.row.line
    around = range(max(1, line - 4), line + 16) if line else ()
    numbers = [n for n in around if n <= len(found.row.lines) and found.row.lines[n - 1].strip()]
    return ItemPage(found, item, shown_lines(request, plan_views.lines(found.row, numbers)), found.counts)


def item_view(request: Request, found: Frame, row: Any, back: str, **state: Any) -> ItemView:
    """An item with its sentences in the reader's language."""
    language = rendering.language_of(request)
    doubts = [
        translate(language, DOUBTS[doubt["code"]], {"unit": "", **doubt["values"]})
        for doubt in row.doubts
        if doubt["code"] in DOUBTS
    ]
    data = row.data
    units, track = [], ""
    if row.kind.value == "task":
        units = [(name, role_of(data, name)) for name in names_in(data)]
        sections = {tuple(section["path"]): section["track"] for section in found.row.sections}
        track = found.track_names.get(data["track"] or track_of_path(data["path"], sections), "")
    return ItemView(row, found.row.key, found.editable, units, doubts, track, back, tracks=found.track_options, **state)


def role_of(data: Mapping[str, Any], name: str) -> str:
    """The declared role of a unit in an item's data, as a word of the code."""
    return next((role for field_name, role in ROLES.items() if name in data[field_name]), "undeclared")


def _blocks(
    request: Request,
    row: PlanImport,
    views: Sequence[ItemView],
    cited: Sequence[tuple[int, int]],
    *,
    from_start: bool,
    to_end: bool,
    whole: bool,
) -> list[Block]:
    """The blocks that the items begin in; with ``whole`` those between them too, so that nothing is skipped."""
    sections = {section["line"]: section for section in row.sections}
    points = sorted({1, *sections, *(line for line, _ in cited)})
    by_line: defaultdict[int, list[ItemView]] = defaultdict(list)
    for view in views:
        if view.row.line is not None:
            by_line[points[bisect_right(points, view.row.line) - 1]].append(view)
    starts = set(by_line)
    if whole and (starts or (from_start and to_end)):
        first = 1 if from_start else min(starts)
        last = points[-1] if to_end else max(starts)
        starts |= {point for point in points if first <= point <= last}
    found: list[Block] = []
    for start in sorted(starts):
        place = bisect_right(points, start)
        end = points[place] if place < len(points) else len(row.lines) + 1
        numbers = [n for n in range(start, end) if row.lines[n - 1].strip()] if start <= len(row.lines) else []
        before = [] if whole else _sentence_begun(row, start, found)
        lines = shown_lines(request, plan_views.lines(row, [*before, *numbers[:_SHOWN_LINES]]))
        if lines or by_line[start]:
            found.append(Block(start, lines, max(0, len(numbers) - _SHOWN_LINES), sections.get(start), by_line[start]))
    return found


def _sentence_begun(row: PlanImport, start: int, found: Sequence[Block]) -> list[int]:
    """The line before a block where its first sentence was joined to it, unless that line is shown already."""
    joined = any(repair["line"] == start for repair in row.repairs)
    before = next((n for n in range(start - 1, 0, -1) if row.lines[n - 1].strip()), 0) if joined else 0
    shown = found[-1].lines[-1].line if found and found[-1].lines else 0
    return [before] if before > shown else []
