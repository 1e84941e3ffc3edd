"""A generator with a seed: programmes, units, people, and as many tasks as are asked for.

Four programmes share the tasks. A task has one or two units and the event of its making; one in five
is a sub-task. Each text names one of 1,600 villages, so that a word of two characters is rare in it
and another (会商) common. The rows are written in bulk by the driver: events are part of the data
here, not a consequence of it.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import Connection, Table, create_engine
from sqlalchemy.pool import NullPool
from sqlmodel import Session, SQLModel, col, delete, select

from app import indexing
from app.folding import fold
from app.models import (
    Assignment,
    AssignmentRole,
    Event,
    EventKind,
    Membership,
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
from app.permissions import Permission, Role, system_actor
from app.rules import paths
from app.services import events
from app.vault import digest

TOKEN, COOKIE = "dk_token-of-the-bench", "session-of-the-bench"
PROGRAMMES = 4
_LOGIN = "coordinator"
_BATCH = 20_000
_BEGAN = datetime(2021, 3, 1, 1, 0, tzinfo=UTC)
_SECONDS = 4 * 365 * 24 * 3600
_OPEN = (TaskState.DRAFT, TaskState.ISSUED, TaskState.IN_PROGRESS)
_STATES = (*_OPEN, TaskState.IN_PROGRESS, TaskState.COMPLETED)
_TRACKS = (
    ("funding", "资金援疆"),
    ("project", "项目援疆"),
    ("talent", "智力援疆"),
    ("science", "科技援疆"),
    ("livelihood", "民生援疆"),
)
_UNITS = ("规划财务处", "监测处", "震防处", "应急处", "人事处", "纪检室", "信息中心", "预报中心", "机关党委", "科技处")
_FIRST = "沙塔库焉且硕和静尉犁若羌博湖轮台铁门河曲阳安定兴隆丰宁围场承赤"
_SECOND = "依巴格桑坪营盘沟梁岔寨堡滩洼甸淀泊岭崖峪口屯圩垸塬峁坳坝堰渠"
_VERBS = ("建立", "完善", "支持", "开展", "组织", "协助", "推进", "落实", "选派", "共建")
_THINGS = (
    "防震减灾科普示范学校",
    "地震监测台网运行维护",
    "应急避难场所建设",
    "专业技术人员跟班学习",
    "地震预警信息发布终端",
    "农居抗震改造技术指导",
    "会商分析系统升级",
    "基层应急队伍培训",
    "强震动台站GNSS并址观测",
    "地震灾害风险普查成果应用",
)
_ENDS = (
    "每年选派不少于三名技术骨干。",
    "定期会商，通报进展情况。",
    "所需经费纳入年度预算，专款专用。",
    "形成总结报告并报双方单位备案。",
)


@dataclass(frozen=True, slots=True)
class _Ground:
    """Ids of what stands before the tasks."""

    programmes: list[int]
    tracks: dict[int, list[int]]
    units: list[int]


def fill(url: str, tasks: int, seed: int) -> None:
    """Fill a migrated, empty store with ``tasks`` tasks; the same seed gives the same rows."""
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA synchronous=OFF")
                connection.rollback()
            with Session(connection) as session:
                ground = _ground(session)
                session.commit()
            chance = random.Random(seed)
            made = _tasks(ground, tasks, chance)
            while batch := [task for _, task in zip(range(_BATCH), made, strict=False)]:
                _write(connection, Task, batch)
                _write(connection, Assignment, _assignments(batch, ground, chance))
                _write(connection, Event, _events(connection, batch))
            indexing.rebuild(connection)
            _move_counters(connection)
            connection.commit()
    finally:
        engine.dispose()


def sign_in(session: Session) -> None:
    """Give the coordinator a token and an open session, from now on."""
    now = datetime.now(UTC)
    user_id = session.exec(select(User.id).where(col(User.login) == _LOGIN)).one()
    session.exec(delete(UserSession))
    session.add(
        UserSession(
            user_id=user_id or 0,
            token_hash=digest(COOKIE),
            csrf="c0ffee" * 5,
            created_at=now,
            last_seen_at=now,
            expires_at=now + timedelta(hours=12),
        )
    )
    session.add(
        Token(
            user_id=user_id or 0,
            name="bench",
            prefix="dk_token",
            token_hash=digest(TOKEN),
            scopes=[permission.value for permission in Permission],
            expires_at=now + timedelta(days=1),
        )
    )
    events.record(session, system_actor(now.date()), "token.create")


def _ground(session: Session) -> _Ground:
    aiding, receiving = (
        _bureau(session, "河北省地震局", _UNITS),
        _bureau(session, "巴州应急管理局", ("援建科", "减灾科")),
    )
    person = User(login=_LOGIN, name="统筹员", unit_id=aiding[1])
    _add(session, person)
    programmes, tracks = [], {}
    for number in range(1, PROGRAMMES + 1):
        programme = Programme(title=f"对口援助工作方案（第{paths.numeral(number)}轮）", issuer="河北省地震局")
        programmes.append(programme_id := _add(session, programme))
        for root, side in ((aiding[0], Side.AIDING), (receiving[0], Side.RECEIVING)):
            session.add(Party(programme_id=programme_id, unit_id=root, side=side))
        tracks[programme_id] = [
            _add(session, Track(programme_id=programme_id, code=code, name=name, position=place))
            for place, (code, name) in enumerate(_TRACKS)
        ]
        session.add(Membership(programme_id=programme_id, user_id=person.key, unit_id=aiding[1], role=Role.COORDINATOR))
    return _Ground(programmes, tracks, aiding[1:])


def _bureau(session: Session, name: str, children: Sequence[str]) -> list[int]:
    root = Unit(name=name, kind=UnitKind.BUREAU)
    root_id = _add(session, root)
    root.root_id = root_id
    ids = [root_id]
    for place, child in enumerate(children):
        ids.append(_add(session, Unit(name=child, parent_id=root_id, root_id=root_id, position=place)))
    for unit_id, full in zip(ids, (name, *children), strict=True):
        session.add(UnitName(unit_id=unit_id, name=full, folded=fold(full), kind=UnitNameKind.FULL))
    return ids


def _add(session: Session, row: Any) -> int:
    session.add(row)
    session.flush()
    return int(row.key)


def _tasks(ground: _Ground, tasks: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    template = Task(programme_id=0, heading="").model_dump()
    each = -(-tasks // len(ground.programmes))
    for number in range(tasks):
        programme_id = ground.programmes[number // each]
        place = number % each
        # The first of five is the parent of the other four; a chapter has 100 sections, a section 20 items.
        item, child = divmod(place, 5)
        section, item = divmod(item, 20)
        chapter, section = divmod(section, 100)
        path = [paths.numeral(chapter + 1), f"（{paths.numeral(section + 1)}）", str(item + 1)]
        path += [f"（{child}）"] if child else []
        due_on = None if chance.random() < 0.2 else date(2021, 6, 1) + timedelta(days=chance.randrange(1600))
        thing = chance.choice(_THINGS)
        village = chance.choice(_FIRST) + chance.choice(_SECOND)
        changed = _BEGAN + timedelta(seconds=chance.randrange(_SECONDS), microseconds=chance.randrange(1_000_000))
        yield template | {
            "id": number + 1,
            "programme_id": programme_id,
            "parent_id": number + 1 - child if child else None,
            "track_id": chance.choice(ground.tracks[programme_id]),
            "path": paths.SEPARATOR.join(path),
            "sort_key": paths.sort_key(path, 1),
            "heading": f"{chance.choice(_VERBS)}{village}{thing}",
            "text": f"{chance.choice(_VERBS)}{village}乡{thing}，{chance.choice(_VERBS)}{chance.choice(_THINGS)}。"
            + "".join(chance.sample(_ENDS, 2)),
            "due_on": due_on,
            "first_due_on": due_on,
            "due_text": "长期" if due_on is None else f"{due_on.year}年底前",
            "open_ended": due_on is None,
            "source_line": place % 5000 + 1,
            "state": chance.choice(_STATES if child else _OPEN),
            "created_at": _BEGAN,
            "updated_at": changed,
        }


def _assignments(batch: Sequence[dict[str, Any]], ground: _Ground, chance: random.Random) -> Iterator[dict[str, Any]]:
    template = Assignment(programme_id=0, task_id=0, unit_id=0).model_dump(exclude={"id"})
    for task in batch:
        units = chance.sample(ground.units, chance.choice((1, 2)))
        for place, unit_id in enumerate(units):
            role = AssignmentRole.SUPPORTING if place else AssignmentRole.LEAD
            yield template | {
                "programme_id": task["programme_id"],
                "task_id": task["id"],
                "unit_id": unit_id,
                "role": role,
                "position": place,
                "created_at": _BEGAN,
                "updated_at": _BEGAN,
            }


def _events(connection: Connection, batch: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """One verb for the batch, as accepting a plan has, and a row for each task."""
    head = {"at": _BEGAN, "channel": "web", "address": "", "request_id": "", "reason": "", "before": None}
    first = batch[0]
    programme = {"programme_id": first["programme_id"], "subject_type": "programmes"}
    verb = head | programme | {"kind": EventKind.VERB, "verb": "plan.accept", "subject_name": "", "after": None}
    _write(connection, Event, [verb | {"subject_id": first["programme_id"], "cause_id": None}])
    cause = connection.exec_driver_sql("SELECT max(id) FROM events").scalar()
    for task in batch:
        yield head | {
            "kind": EventKind.ROW,
            "verb": "insert",
            "cause_id": cause,
            "programme_id": task["programme_id"],
            "subject_type": "tasks",
            "subject_id": task["id"],
            "subject_name": "",
            "after": {"heading": task["heading"], "text": task["text"], "path": task["path"], "state": task["state"]},
        }


def _write(connection: Connection, model: type[SQLModel], rows: Iterable[dict[str, Any]]) -> None:
    """Rows of one table as the driver takes them fastest: many at once, or PostgreSQL's COPY."""
    table: Table = model.__table__  # type: ignore[attr-defined]
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return
    names = [column.name for column in table.columns if column.key in first]
    kinds = [table.columns[name].type.dialect_impl(connection.dialect) for name in names]
    bind = [kind.bind_processor(connection.dialect) for kind in kinds]

    def values(row: dict[str, Any]) -> list[Any]:
        return [process(row[name]) if process else row[name] for name, process in zip(names, bind, strict=True)]

    def all_values() -> Iterator[list[Any]]:
        yield values(first)
        for row in rows:
            yield values(row)

    listed = ", ".join(f'"{name}"' for name in names)
    driver: Any = connection.connection.driver_connection
    connection.exec_driver_sql("SELECT 1")
    if isinstance(driver, psycopg.Connection):
        with driver.cursor().copy(f'COPY "{table.name}" ({listed}) FROM STDIN') as copy:
            for row in all_values():
                copy.write_row(row)
    else:
        driver.executemany(
            f'INSERT INTO "{table.name}" ({listed}) VALUES ({", ".join("?" * len(names))})', all_values()
        )


def _move_counters(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT setval(pg_get_serial_sequence('tasks', 'id'), max(id)) FROM tasks")


__all__ = ["COOKIE", "PROGRAMMES", "TOKEN", "fill", "sign_in"]
