"""The world that tests start from, built once per engine and cloned for each test.

Two programmes that know nothing of each other: "home", of the first bureau and the one it aids,
with tasks in several states; and "outside", of another bureau. Rows are made directly, with events,
because the services are what is under test; every password is ``PASSWORD``.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from sqlmodel import Session

from app.database import Database
from app.folding import fold
from app.models import (
    Assignment,
    AssignmentRole,
    Membership,
    Milestone,
    MilestoneKind,
    Party,
    Programme,
    Side,
    Task,
    TaskState,
    Token,
    Track,
    Unit,
    UnitKind,
    UnitName,
    UnitNameKind,
    User,
    UserSession,
)
from app.permissions import Actor, Permission, system_actor
from app.rules import paths
from app.services import actors, events, sessions
from app.vault import digest
from tests.personas import AIDING, OUTSIDE, PARTNER, PERSONAS, RECEIVING, SUPERIOR

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
PASSWORD = "correct-horse-7"
CSRF = "c0ffee" * 5
SYSTEM = system_actor(TODAY)
TRACKS = (("funding", "资金援疆"), ("project", "项目援疆"), ("talent", "智力援疆"))
TREE = {
    AIDING: ("规划财务处", "监测处（应急处）", "纪检室", "信息中心"),
    RECEIVING: ("援建科", "减灾科"),
    PARTNER: ("援疆办",),
    SUPERIOR: (),
    OUTSIDE: ("计划处",),
}
SHORT = {"规划财务处": "规财处", "监测处（应急处）": "监测处"}


def session_token(login: str) -> str:
    """The cookie of a persona's open session."""
    return f"session-of-{login}"


def bearer_token(login: str) -> str:
    """A persona's API token, with every scope."""
    return f"token-of-{login}"


@dataclass(slots=True)
class World:
    """Ids of what was built, by name."""

    units: dict[str, int] = field(default_factory=dict)
    users: dict[str, int] = field(default_factory=dict)
    programmes: dict[str, int] = field(default_factory=dict)
    tracks: dict[str, int] = field(default_factory=dict)
    tasks: dict[str, int] = field(default_factory=dict)
    assignments: dict[str, int] = field(default_factory=dict)
    milestones: dict[str, int] = field(default_factory=dict)


def actor_of(database: Database, world: World, login: str) -> Actor:
    """A persona as a service meets them, with what they hold on ``TODAY``."""
    with database.reading() as session:
        found = actors.load(session, world.users[login], TODAY)
    assert found is not None
    return found


def build(database: Database) -> World:
    """Fill an empty store; returns the ids."""
    world = World()
    with database.transaction() as session:
        _units(session, world)
        _programmes(session, world)
        _people(session, world)
        _tasks(session, world)
        events.record(session, SYSTEM, "demo.build")
    return world


def _add(session: Session, row: object) -> int:
    session.add(row)
    session.flush()
    return row.key  # type: ignore[attr-defined, no-any-return]


def _units(session: Session, world: World) -> None:
    for root, children in TREE.items():
        root_id = _add(session, unit := Unit(name=root, kind=UnitKind.BUREAU, may_create_programmes=root == AIDING))
        unit.root_id = root_id
        world.units[root] = root_id
        for position, child in enumerate(children):
            world.units[child] = _add(
                session,
                Unit(
                    name=child, short_name=SHORT.get(child, ""), parent_id=root_id, root_id=root_id, position=position
                ),
            )
    for name, unit_id in world.units.items():
        session.add(UnitName(unit_id=unit_id, name=name, folded=fold(name), kind=UnitNameKind.FULL))
        if name in SHORT:
            session.add(UnitName(unit_id=unit_id, name=SHORT[name], folded=fold(SHORT[name]), kind=UnitNameKind.SHORT))
    session.flush()
    session.get_one(Unit, world.units["规划财务处"]).may_create_programmes = True


def _programmes(session: Session, world: World) -> None:
    parties = {
        "home": {AIDING: Side.AIDING, RECEIVING: Side.RECEIVING, PARTNER: Side.PARTNER, SUPERIOR: Side.SUPERIOR},
        "outside": {OUTSIDE: Side.AIDING},
    }
    for key, sides in parties.items():
        programme = Programme(
            title="对口援助工作方案" if key == "home" else "另一局的方案",
            document_number="冀震发〔2022〕1号" if key == "home" else "江震发〔2022〕9号",
            issuer=next(iter(sides)),
            issued_on=date(2022, 1, 18),
            starts_on=date(2021, 1, 1),
            ends_on=date(2025, 12, 31),
        )
        world.programmes[key] = programme_id = _add(session, programme)
        for name, side in sides.items():
            session.add(Party(programme_id=programme_id, unit_id=world.units[name], side=side))
        for position, (code, name) in enumerate(TRACKS):
            track = Track(programme_id=programme_id, code=code, name=name, position=position)
            world.tracks[f"{key}/{code}"] = _add(session, track)


def _people(session: Session, world: World) -> None:
    password_hash = sessions.hash_password(PASSWORD)
    for persona in PERSONAS.values():
        user = User(
            login=persona.login,
            name=persona.name,
            unit_id=world.units[persona.unit],
            administrator=persona.administrator,
            password_hash=password_hash,
        )
        world.users[persona.login] = user_id = _add(session, user)
        if persona.role is not None:
            session.add(
                Membership(
                    programme_id=world.programmes[persona.programme],
                    user_id=user_id,
                    unit_id=world.units[persona.unit],
                    role=persona.role,
                )
            )
        # The sessions must be alive whenever the suite runs, so they follow the real clock.
        opened = datetime.now(UTC)
        session.add(
            UserSession(
                user_id=user_id,
                token_hash=digest(session_token(persona.login)),
                csrf=CSRF,
                created_at=opened,
                last_seen_at=opened,
                expires_at=opened + timedelta(hours=12),
            )
        )
        session.add(
            Token(
                user_id=user_id,
                name="suite",
                prefix="dk_suite",
                token_hash=digest(bearer_token(persona.login)),
                scopes=[permission.value for permission in Permission],
                expires_at=opened + timedelta(days=30),
            )
        )


def _tasks(session: Session, world: World) -> None:
    home, outside = world.programmes["home"], world.programmes["outside"]
    for key, programme_id, state, track, unit in (
        ("draft", home, TaskState.DRAFT, "home/funding", "规划财务处"),
        ("issued", home, TaskState.ISSUED, "home/project", "监测处（应急处）"),
        ("running", home, TaskState.IN_PROGRESS, "home/talent", "信息中心"),
        ("outside", outside, TaskState.ISSUED, "outside/funding", "计划处"),
    ):
        number = len(world.tasks) + 1
        task = Task(
            programme_id=programme_id,
            track_id=world.tracks[track],
            path=f"三/（一）/{number}",
            sort_key=paths.sort_key(["三", "（一）", str(number)], 1),
            heading=f"任务{number}：建立联络机制",
            text=f"任务{number}：建立联络机制，定期会商。",
            due_text="2023年底",
            due_on=date(2023, 12, 31),
            first_due_on=date(2023, 12, 31),
            source_line=number,
            state=state,
        )
        world.tasks[key] = _add(session, task)
        assignment = Assignment(
            programme_id=programme_id,
            task_id=world.tasks[key],
            unit_id=world.units[unit],
            role=AssignmentRole.LEAD,
            named_as=unit,
        )
        world.assignments[key] = _add(session, assignment)
    for key, programme_id in world.programmes.items():
        milestone = Milestone(
            programme_id=programme_id,
            kind=MilestoneKind.STEP,
            when_text="2023年底",
            what="开展中期评估",
            starts_on=date(2023, 12, 31),
            ends_on=date(2023, 12, 31),
        )
        world.milestones[key] = _add(session, milestone)
