"""Demonstration: an empty store filled by the services, as people would fill it, every step with its events.

The three administrators come first, then the aiding bureau's tree and its people; the coordinator
imports a plan, corrects the reading and accepts it; then the other bureaus get their people, and some
of them work. One transaction: a demonstration is there or it is not.
"""

import hashlib
import json
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from app.adapters.storage import Storage
from app.clock import date_of
from app.database import Database
from app.errors import DomainError, Kind
from app.messages import N_
from app.models import Assignment, AssignmentRole, Task, Unit, User
from app.permissions import Actor, Administrator, Role, system_actor
from app.schemas.assignment import AssignmentUpdate
from app.schemas.membership import MembershipCreate
from app.schemas.plan_import import PartyChoice, PartyChoices, PlanAccept, PlanItemUpdate
from app.schemas.task import TaskUpdate
from app.schemas.unit import UnitCreate
from app.schemas.user import UserCreate
from app.services import (
    actors,
    assignments,
    attachments,
    first_run,
    memberships,
    passwords,
    plan_accepting,
    plan_imports,
    plan_items,
    plan_mapping,
    plan_reading,
    tasks,
    unit_grants,
    units,
    users,
)
from app.services.attachments import StoredFile
from app.services.sessions import Candidate
from app.settings import Settings

PASSWORD = "Duikou-demo-2026"  # noqa: S105 - of demonstration accounts, printed for everybody
_DATA = Path(__file__).resolve().parent.parent / "data"
_PLAN = _DATA / "demo_plan.txt"


class StoreNotEmpty(DomainError):
    """There are accounts already."""

    kind = Kind.CONFLICT
    code = "store_not_empty"
    message = N_("The store is not empty. A demonstration is only put into an empty one.")


class DemonstrationRefused(DomainError):
    """Accounts with a published password, in production."""

    kind = Kind.FORBIDDEN
    code = "demonstration_refused"
    message = N_("A demonstration has published passwords and is refused in production. Set DUIKOU_MODE=demo.")


@dataclass(frozen=True, slots=True)
class Account:
    """A demonstration account: how it signs in, who it is, where, and as what."""

    login: str
    name: str
    unit: str
    role: str


@cache
def content() -> dict[str, Any]:
    """What the demonstration consists of."""
    found: dict[str, Any] = json.loads((_DATA / "demo.json").read_text(encoding="utf-8"))
    return found


def accounts() -> list[Account]:
    """The accounts of the demonstration, people first."""
    people = [Account(p["login"], p["name"], p["unit"], p["role"]) for p in content()["people"]]
    return people + [Account(a["login"], a["name"], "", a["seat"]) for a in content()["administrators"]]


def is_empty(session: Session) -> bool:
    """Whether a demonstration may be put into this store."""
    return first_run.is_due(session) and session.exec(select(Unit.id)).first() is None


def is_there(session: Session) -> bool:
    """Whether the accounts of the demonstration are in this store."""
    logins = [account.login for account in accounts()]
    return len(session.exec(select(User.id).where(col(User.login).in_(logins))).all()) == len(logins)


def build(store: Database, storage: Storage, settings: Settings, now: datetime) -> int:
    """Fill the store; the programme's id. Raises DemonstrationRefused or StoreNotEmpty.

    Reading the plan, hashing and storing files come before the transaction.
    """
    if settings.mode == "production":
        raise DemonstrationRefused
    with store.reading() as session:
        if not is_empty(session):
            raise StoreNotEmpty
    plan = _stored(storage, _PLAN.read_bytes(), "演示方案.txt")
    reading = plan_reading.read(_PLAN, plan.name)
    files = [(file, _stored(storage, file["text"].encode(), file["name"])) for file in content()["files"]]
    password_hash = passwords.prepare(settings, "", PASSWORD)
    with store.transaction() as session:
        if not is_empty(session):
            raise StoreNotEmpty
        making = _Making(session, password_hash, now)
        making.administrators()
        making.aiding_bureau()
        making.people(aiding=True)
        making.programme(plan, reading)
        making.other_bureaus()
        making.people(aiding=False)
        making.roles()
        making.work(files)
    return making.programme_id


def _stored(storage: Storage, content: bytes, name: str) -> StoredFile:
    sha256 = hashlib.sha256(content).hexdigest()
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        storage.put(sha256, Path(file.name))
    return StoredFile(name, "text/plain", len(content), sha256)


@dataclass(slots=True)
class _Making:
    session: Session
    password_hash: str
    now: datetime
    programme_id: int = 0
    units: dict[str, int] = field(default_factory=dict)
    users: dict[str, int] = field(default_factory=dict)

    def actor(self, login: str) -> Actor:
        """A person of the demonstration, with the rights that they hold by now."""
        found = actors.load(self.session, self.users[login], date_of(self.now), channel="cli")
        assert found is not None  # noqa: S101 - made a moment ago
        return found

    def administrators(self) -> None:
        people = [
            (a["login"], a["name"], self.password_hash, Administrator(a["seat"])) for a in content()["administrators"]
        ]
        system = system_actor(date_of(self.now))
        for user in first_run.create_administrators(self.session, system, people, self.now):
            self.users[user.login] = user.key
            # They choose their password as anybody has to; here it is the published one again.
            checked = Candidate(user.key, user.password_hash)
            passwords.change(self.session, self.actor(user.login), checked, self.password_hash, now=self.now)

    def aiding_bureau(self) -> None:
        laid = content()["aiding"]
        system = self.actor("system")
        root = units.create(self.session, system, UnitCreate(name=laid["name"]), self.now)
        self.units[root.name] = root.key
        for unit in laid["units"]:
            made = units.create(self.session, system, UnitCreate(**unit, parent_id=root.key), self.now)
            self.units[made.name] = made.key
        unit = self.session.get_one(Unit, self.units["规划财务处"])
        unit_grants.set_programmes(
            self.session, self.actor("security"), unit.key, unit.version, granted=True, reason="演示", now=self.now
        )

    def people(self, *, aiding: bool) -> None:
        own = {content()["aiding"]["name"], *(unit["name"] for unit in content()["aiding"]["units"])}
        for person in content()["people"]:
            if (person["unit"] in own) is aiding:
                data = UserCreate(login=person["login"], name=person["name"], unit_id=self.units[person["unit"]])
                made = users.create(
                    self.session, self.actor("system"), data, now=self.now, password_hash=self.password_hash
                )
                self.users[made.login] = made.key

    def programme(self, plan: StoredFile, reading: dict[str, Any]) -> None:
        coordinator = self.actor("coordinator")
        upload = plan_imports.Upload(plan.name, plan.sha256, plan.size, plan.media_type)
        row = plan_imports.create(self.session, coordinator, upload, reading, now=self.now)
        for correction in content()["corrections"]:
            self._correct(coordinator, row.key, dict(correction))
        self._settle(coordinator, row.key)
        sides = [PartyChoice(name=content()["aiding"]["name"], side="aiding", unit_id=self.units["河北省地震局"])]
        sides += [PartyChoice(name=other["name"], side=other["side"]) for other in content()["others"]]
        choices = PartyChoices(parties=sides)
        plan_mapping.set_parties(self.session, coordinator, row.key, row.version, choices, now=self.now)
        self.session.flush()
        plan_mapping.create_units(self.session, coordinator, row.key, row.version, now=self.now)
        self.session.flush()
        accepted = plan_accepting.accept(self.session, coordinator, row.key, row.version, PlanAccept(), now=self.now)
        self.programme_id = accepted.programme_id

    def _correct(self, coordinator: Actor, import_id: int, correction: dict[str, Any]) -> None:
        begins = correction.pop("heading")
        for item in self.session.scalars(plan_items.of_import(import_id)).all():
            if item.data.get("heading", "").startswith(begins):
                if "heading_to" in correction:
                    correction["heading"] = correction.pop("heading_to")
                data = PlanItemUpdate.model_validate(correction)
                version = item.version
                plan_items.update(self.session, coordinator, import_id, item.key, data, version=version, now=self.now)

    def _settle(self, coordinator: Actor, import_id: int) -> None:
        for item in self.session.scalars(plan_items.of_import(import_id)).all():
            if not item.settled:
                plan_items.settle(self.session, coordinator, import_id, item.key, version=item.version, now=self.now)

    def other_bureaus(self) -> None:
        coordinator = self.actor("coordinator")
        for other in content()["others"]:
            root = self.session.exec(select(Unit).where(Unit.name == other["name"])).one()
            self.units[root.name] = root.key
            for name in other["units"]:
                data = UnitCreate(name=name, kind="beneficiary", parent_id=root.key)
                self.units[name] = units.create(self.session, coordinator, data, self.now).key

    def roles(self) -> None:
        security = self.actor("security")
        for person in content()["people"]:
            if person["role"] == Role.COORDINATOR:
                continue  # who accepts an import is its coordinator already
            days = person.get("days")
            data = MembershipCreate(
                programme_id=self.programme_id,
                user_id=self.users[person["login"]],
                unit_id=self.units[person["unit"]],
                role=Role(person["role"]),
                ends_on=date_of(self.now) + timedelta(days=days) if days else None,
            )
            memberships.grant(self.session, security, data, now=self.now)

    def work(self, files: list[tuple[dict[str, Any], StoredFile]]) -> None:
        coordinator = self.actor("coordinator")
        for begins, unit in content()["leads"].items():
            self._lead(coordinator, self._task(begins), self.units[unit])
        for begins, login in content()["handlers"].items():
            self._handle(coordinator, self._task(begins), login)
        for file, stored in files:
            attachments.create(self.session, self.actor(file["by"]), self._task(file["task"]).key, stored, now=self.now)
        for edit in content()["edits"]:
            task = self._task(edit["task"])
            data = TaskUpdate(target=edit["target"], reason=edit["reason"])
            tasks.update(self.session, self.actor(edit["by"]), task.key, task.version, data, now=self.now)

    def _task(self, begins: str) -> Task:
        statement = select(Task).where(Task.programme_id == self.programme_id, col(Task.heading).startswith(begins))
        return self.session.exec(statement).one()

    def _assignments(self, task: Task) -> list[Assignment]:
        return list(self.session.exec(select(Assignment).where(Assignment.task_id == task.key)))

    def _lead(self, coordinator: Actor, task: Task, unit_id: int) -> None:
        for assignment in self._assignments(task):
            role = AssignmentRole.LEAD if assignment.unit_id == unit_id else AssignmentRole.SUPPORTING
            data = AssignmentUpdate(role=role.value)
            assignments.update(self.session, coordinator, assignment.key, assignment.version, data, now=self.now)

    def _handle(self, coordinator: Actor, task: Task, login: str) -> None:
        unit_id = self.actor(login).unit_id
        for assignment in self._assignments(task):
            if assignment.unit_id == unit_id:
                data = AssignmentUpdate(handler_id=self.users[login])
                assignments.update(self.session, coordinator, assignment.key, assignment.version, data, now=self.now)
