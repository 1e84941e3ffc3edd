"""What a person finds first: what their units owe and by when, what waits for them, what happened."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from app.models import Event, EventKind, PlanImport, PlanImportState, User
from app.permissions import Actor, Permission
from app.schemas.task import TaskFilters
from app.services import audit, paging, plan_imports, tasks

P = Permission
SOON = timedelta(days=30)
_MOST_EVENTS = 10
_MOST_TASKS = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """How many tasks match ``filters``: the link beside the figure asks for exactly these."""

    name: str
    count: int
    filters: TaskFilters


def owed(session: Session, actor: Actor, today: date) -> list[Figure]:
    """What the actor's units still owe, in five parts that share no task and leave none out."""
    parts = {
        "overdue": TaskFilters(due_to=today - timedelta(days=1)),
        "soon": TaskFilters(due_from=today, due_to=today + SOON),
        "later": TaskFilters(due_from=today + SOON + timedelta(days=1)),
        "open_ended": TaskFilters(open_ended=True, dated=False),
        "undated": TaskFilters(open_ended=False, dated=False),
    }
    found = []
    for name, part in parts.items():
        filters = part.model_copy(update={"mine": True, "open": True})
        found.append(Figure(name, tasks.count(session, actor, filters), filters))
    return found


def next_due(session: Session, actor: Actor) -> paging.Slice:
    """The tasks that the actor's units owe, soonest first."""
    return tasks.page(
        session, actor, TaskFilters(mine=True, open=True), sort="due", limit=_MOST_TASKS, cursor=None, brief=True
    )


def waiting(session: Session, actor: Actor) -> list[Figure]:
    """What waits for a coordinator: drafts, and drafts on which a unit's role is undeclared."""
    if not actor.programmes_with(P.TASK_ASSIGN):
        return []
    parts = {"drafts": TaskFilters(state="draft"), "undeclared": TaskFilters(state="draft", role="undeclared")}
    return [Figure(name, tasks.count(session, actor, filters), filters) for name, filters in parts.items()]


def imports_in_review(session: Session, actor: Actor) -> int:
    """How many plans that the actor sees still have to be checked by a person."""
    statement = select(func.count()).where(plan_imports.seen_by(actor), col(PlanImport.state) == PlanImportState.REVIEW)
    return int(session.connection().scalar(statement.select_from(PlanImport)) or 0)


def recent(session: Session, actor: Actor) -> list[dict[str, Any]]:
    """The latest verbs in what the actor sees, newest first."""
    statement: Any = (
        select(Event)
        .outerjoin(User, col(User.id) == col(Event.actor_id))
        .where(audit.seen(actor), col(Event.kind) == EventKind.VERB)
        .order_by(col(Event.id).desc())
        .limit(_MOST_EVENTS)
        .with_only_columns(*audit.COLUMNS)
    )
    return audit.shown(session, actor, session.connection().execute(statement).all())
