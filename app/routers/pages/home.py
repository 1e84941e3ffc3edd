"""Home: what do I owe, by when; what waits for me; what happened. Administrators find their places."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from app import clock
from app.catalogues import translate
from app.messages import N_
from app.permissions import Actor, Permission, can
from app.routers import navigation, rendering
from app.routers.dependencies import Now, PageActor, Store, needs
from app.routers.late import LateRoute
from app.routers.pages import history
from app.routers.pages.task_pages import TaskRow, address, rows_of
from app.services import home, second_factors

P = Permission
router = APIRouter(route_class=LateRoute)
# The three administrators are told of factors that were reset within so many days.
RESETS_DAYS = 30
_MOST_RESETS = 99
OWED = {
    "overdue": (N_("Overdue"), "red"),
    "soon": (N_("Due within 30 days"), "yellow"),
    "later": (N_("Due later"), "green"),
    "open_ended": (N_("Open-ended"), None),
    "undated": (N_("Without a date"), None),
}
WAITING = {
    "drafts": N_("Drafts that have not been issued"),
    "undeclared": N_("Drafts with an undeclared role"),
}


@dataclass(frozen=True, slots=True)
class Linked:
    """A figure and the address of exactly its rows."""

    text: str
    count: str
    url: str
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class Recent:
    """One event: when, what, and where it leads."""

    at: datetime
    sentence: str
    reason: str
    url: str | None


@dataclass(frozen=True, slots=True)
class HomePage:
    """What the person owes, what waits, what happened, and where else they can go."""

    owes: bool
    owed: list[Linked] = field(default_factory=list)
    rows: list[TaskRow] = field(default_factory=list)
    all_url: str = ""
    waiting: list[Linked] = field(default_factory=list)
    recent: list[Recent] = field(default_factory=list)
    places: list[navigation.Item] = field(default_factory=list)
    resets: int = 0


@router.get("/", name="home", dependencies=[needs(P.ACCOUNT_MANAGE)])
def show_home(request: Request, actor: PageActor, store: Store, now: Now) -> Response:
    """The first page of everybody who is signed in."""
    language = rendering.language_of(request)
    with store.reading() as session:
        context = (
            _business(session, actor, language, now)
            if can(actor, P.TASK_READ)
            else _places(session, actor, language, now)
        )
    return rendering.page(request, "home/index.html", context)


def _places(session: Session, actor: Actor, language: str, now: datetime) -> HomePage:
    groups = navigation.build(actor, "/", language)
    places = [item for group in groups for item in group.items if item.url != "/"]
    resets = 0
    if can(actor, P.SECOND_FACTOR_READ):
        since = now - timedelta(days=RESETS_DAYS)
        resets = len(second_factors.resets(session, actor, since=since, limit=_MOST_RESETS, cursor=None).rows)
    return HomePage(owes=False, places=places, resets=resets)


def _business(session: Session, actor: Actor, language: str, now: datetime) -> HomePage:
    owed = [_linked(language, *OWED[figure.name], figure) for figure in home.owed(session, actor, clock.date_of(now))]
    waiting = [_linked(language, WAITING[figure.name], None, figure) for figure in home.waiting(session, actor)]
    if can(actor, P.PLAN_IMPORT):
        count = home.imports_in_review(session, actor)
        text = translate(language, N_("Plans to check"))
        waiting.insert(0, Linked(text, str(count), "/plan-imports?state=review"))
    return HomePage(
        owes=True,
        owed=owed,
        rows=rows_of(session, actor, list(home.next_due(session, actor).rows)),
        all_url=address("/tasks", {"mine": True, "open": True, "sort": "due"}),
        waiting=waiting,
        recent=[_recent(language, item) for item in home.recent(session, actor)] if can(actor, P.EVENT_READ) else [],
    )


def _linked(language: str, message: str, colour: str | None, figure: home.Figure) -> Linked:
    query = figure.filters.model_dump(mode="json", exclude_none=True)
    count = "1,000+" if figure.count > 1000 else str(figure.count)
    return Linked(translate(language, message), count, address("/tasks", query), colour)


def _recent(language: str, item: dict[str, Any]) -> Recent:
    text = history.sentence(language, item["verb"], item["actor_id"], item["actor_name"], item["subject_name"])
    url = f"/tasks/{item['subject_id']}" if item["subject_type"] == "tasks" else None
    return Recent(item["at"], text, item["reason"], url)
