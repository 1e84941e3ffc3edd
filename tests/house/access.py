"""What is asked of every route by every persona: an id for each place of a path, and the right answer.

The right answer follows from ``app.permissions`` alone. A route whose path has a place that ``Things``
does not know, or that needs a query, fails here until it is given one.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlmodel import select

from app.database import Database
from app.models import (
    Attachment,
    Direction,
    ExchangePackage,
    ExchangeState,
    Membership,
    Party,
    PlanItem,
    PlanVersion,
    Token,
    UnitName,
    UserSession,
)
from app.papers import plans
from app.permissions import Actor, can
from app.services import events, jobs, plan_imports, plan_reader
from tests import factories
from tests.house.routes import PUBLIC, Route
from tests.house.tree import APP
from tests.personas import NOBODY

FILE = "纪要".encode()
_PLAN = APP / "data" / "demo_plan.txt"


@dataclass(slots=True)
class Things:
    """The home programme's own row for each place that a path can have."""

    ids: dict[str, int | str] = field(default_factory=dict)
    queries: dict[str, dict[str, object]] = field(default_factory=dict)


def furnish(database: Database, world: factories.World) -> Things:
    """Add what the world lacks for some routes: a review, a version of the plan, a file."""
    coordinator = factories.actor_of(database, world, "coordinator")
    home, task = world.programmes["home"], world.tasks["issued"]
    reading = plan_reader.as_dict(plans.read(_PLAN.read_bytes(), _PLAN.name))
    now, digest = datetime.now(UTC), hashlib.sha256(FILE).hexdigest()
    with database.transaction() as session:
        upload = plan_imports.Upload("方案.txt", digest, len(FILE), "text/plain")
        review = plan_imports.create(session, coordinator, upload, reading, now=now)
        session.flush()
        file = Attachment(
            programme_id=home, subject_type="tasks", subject_id=task, name="纪要.txt", media_type="text/plain",
            size=len(FILE), sha256=digest, uploaded_by_id=world.users["coordinator"],
        )  # fmt: skip
        version = PlanVersion(programme_id=home, number=1, plan_import_id=review.key, sha256=digest, accepted_at=now)
        package = ExchangePackage(
            direction=Direction.RECEIVED, state=ExchangeState.CHECKED, programme_id=home, installation="a" * 32,
            number=1, name="包.duikou.zip", sha256=digest, size=len(FILE), title="对口援助工作方案",
            person_id=world.users["coordinator"],
        )  # fmt: skip
        session.add_all([file, version, package])
        events.record(session, factories.SYSTEM, "demo.build")
        user = world.users["handler"]
        ids = {
            "assignment_id": world.assignments["issued"],
            "attachment_id": file.key,
            "import_id": review.key,
            "item_id": session.exec(select(PlanItem.id).where(PlanItem.plan_import_id == review.key)).first(),
            "job_id": jobs.enqueue(session, "sweep", {}, now=now, actor_id=world.users["coordinator"]),
            "membership_id": session.exec(select(Membership.id).where(Membership.user_id == user)).one(),
            "milestone_id": world.milestones["home"],
            "number": 1,
            "package_id": package.key,
            "party_id": session.exec(select(Party.id).where(Party.programme_id == home)).first(),
            "programme_id": home,
            "session_id": session.exec(select(UserSession.id).where(UserSession.user_id == user)).one(),
            "task_id": task,
            "token_id": session.exec(select(Token.id).where(Token.user_id == user)).one(),
            "track_id": world.tracks["home/project"],
            "unit_id": world.units["监测处（应急处）"],
            "user_id": user,
            "name_id": session.exec(
                select(UnitName.id).where(UnitName.unit_id == world.units["监测处（应急处）"])
            ).first(),
        }
    ids |= {"member_id": world.units["信息中心"], "part_id": ids["name_id"]}
    into = {"into": world.units["信息中心"]}
    queries: dict[str, dict[str, object]] = {
        "api.attachments.index": {"subject_type": "tasks", "subject_id": task},
        "api.units.preview_merge": into,
        "units.preview_merge": into,
        "assignments.new": {},
        "live.stream": {"tasks": str(task), "after": "0-0"},
    }
    return Things({name: value for name, value in ids.items() if value is not None}, queries)


def address(route: Route, things: Things) -> str:
    """The route's path with the home programme's own ids."""
    return route.path.format(**things.ids)


def refused_outright(route: Route, persona: str, actor: Actor | None) -> int | None:
    """The status with which the right alone decides, or None where the one thing is looked at."""
    if route.name in PUBLIC:
        return None
    if persona == NOBODY or actor is None:
        return 401 if route.is_api else 303
    for permission in route.permissions:
        if permission is not None and not can(actor, permission):
            hidden = permission.value.endswith(":read") and "{" in route.path
            return 404 if hidden else 403
    return None
