"""Who makes, brings and takes in packages, and what is refused."""

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select
from sqlmodel import col

from app.errors import DomainError, Forbidden, NotFound
from app.models import (
    Assignment,
    Attachment,
    Event,
    ExchangePackage,
    GroupMember,
    Membership,
    Milestone,
    Programme,
    Task,
    Unit,
    UnitKind,
    UnitName,
    UnitNameKind,
)
from app.papers.packages import (
    Package,
    PackageFromOtherRelease,
    PackageLineRefused,
    PackageReferenceBroken,
    PackageUntrusted,
    PackageWriter,
    digest,
)
from app.permissions import Role
from app.schemas.exchange_package import ExchangeChoices
from app.services import exchange_exports, exchange_intake, exchange_packages
from tests import factories
from tests.conftest import Stores
from tests.personas import EVERYBODY, NOBODY, PERSONAS
from tests.services.exchange_world import Host, two_hosts

LONE = "c" * 32
WRONG: tuple[tuple[str, str, object], ...] = (
    ("tasks", "state", "finished"),
    ("tasks", "due_on", "2023-02-30"),
    ("tasks", "due_on", 0),
    ("tasks", "heading", "x" * 501),
    ("tasks", "heading", "a\x00b"),
    ("tasks", "heading", None),
    ("tasks", "part", 2**31),
    ("tasks", "marked", "yes"),
    ("tasks", "responsible_people", ["a\x00"]),
    ("tasks", "handler", 3),
    ("units", "may_create_programmes", True),
    ("parties", "side", "judge"),
    ("milestones", "what", ["x"]),
)
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def hosts(stores: Stores) -> Iterator[tuple[Host, Host]]:
    """Two hosts with one programme on the first."""
    with two_hosts(stores) as made:
        yield made


def rewritten(host: Host, data: bytes, change: Callable[[Rows], None], files: tuple[bytes, ...] = ()) -> bytes:
    """A package with other rows, signed by ``host`` as its maker would: what only a trusted host could send."""
    package = Package(io.BytesIO(data), lambda _place, _key: True, 10**9)
    rows = {part: [orjson.loads(line) for line in package.lines(part)] for part in package.parts}
    change(rows)
    target = io.BytesIO()
    writer = PackageWriter(target)
    for part, lines in rows.items():
        for line in lines:
            if isinstance(line, dict) and "data" in line:
                line["digest"] = digest(line["data"])
        writer.part(part, lines)
    for content in files:
        writer.file(hashlib.sha256(content).hexdigest(), [content])
    head = package.manifest.model_dump(mode="json", exclude={"format", "version", "parts", "files"})
    writer.finish(head, host.database.vault.sign_package)
    return target.getvalue()


class TestRights:
    @pytest.mark.parametrize("persona", [name for name in EVERYBODY if name != NOBODY])
    def test_both_coordinators_make_packages_and_nobody_else(self, hosts: tuple[Host, Host], persona: str) -> None:
        here, _ = hosts
        actor = here.actor(persona)
        if persona in ("coordinator", "recipient"):
            assert here.send(actor)
            return
        seen = PERSONAS[persona].role is not None and persona != "outsider"
        with pytest.raises(Forbidden if seen else NotFound), here.database.transaction() as session:
            exchange_exports.begin(session, actor, here.programme_id or 0, now=factories.NOW)

    def test_a_first_package_needs_the_right_to_make_programmes(self, hosts: tuple[Host, Host]) -> None:
        here, there = hosts
        package = here.send()
        with pytest.raises(Forbidden):
            there.arrive(package, there.actor("recipient"))
        assert there.arrive(package, there.actor("coordinator"))

    def test_a_later_one_needs_a_part_in_the_programme(self, hosts: tuple[Host, Host]) -> None:
        here, there = hosts
        there.take(here.send(), actor=there.actor("coordinator"))
        with pytest.raises(exchange_packages.ProgrammeOfOthers):
            there.arrive(here.send(), there.actor("recipient"))

    def test_who_takes_a_programme_in_has_a_role_in_it_by_the_side_of_their_bureau(
        self, hosts: tuple[Host, Host]
    ) -> None:
        here, there = hosts
        with there.changing() as session:
            session.get_one(Unit, there.world.units["援建科"]).may_create_programmes = True
        there.take(here.send(), actor=there.actor("recipient"))
        with there.database.reading() as session:
            seats = session.scalars(select(Membership).where(col(Membership.programme_id) == there.programme_id)).all()
        assert [(seat.user_id, seat.role) for seat in seats] == [(there.world.users["recipient"], Role.RECIPIENT)]

    def test_a_package_of_an_unknown_installation_is_refused(self, hosts: tuple[Host, Host]) -> None:
        here, there = hosts
        there.settings = there.settings.model_copy(update={"exchange_keys": ""})
        with pytest.raises(PackageUntrusted):
            there.arrive(here.send())


class TestContent:
    def test_people_stay_where_they_are(self, hosts: tuple[Host, Host]) -> None:
        here, _ = hosts
        zipped = zipfile.ZipFile(io.BytesIO(here.send(here.actor("coordinator"))))
        everything = b"".join(zipped.read(name) for name in zipped.namelist()).decode("utf-8", "replace")
        for persona in PERSONAS.values():
            assert persona.name not in everything
        assert "memberships.jsonl" not in zipped.namelist()

    def test_files_go_along_and_are_what_they_were(self, hosts: tuple[Host, Host], tmp_path: Path) -> None:
        here, there = hosts
        content = "验收纪要".encode()
        sha256 = hashlib.sha256(content).hexdigest()
        path = tmp_path / "file"
        path.write_bytes(content)
        here.files.put(sha256, path)
        with here.changing() as session:
            session.add(
                Attachment(
                    programme_id=here.programme_id, subject_type="tasks", subject_id=here.world.tasks["issued"],
                    name="纪要.txt", media_type="text/plain", size=len(content), sha256=sha256,
                )
            )  # fmt: skip
        there.take(here.send())
        assert there.rows()["attachments"] == here.rows()["attachments"]
        assert b"".join(there.files.read(sha256)) == content

    def test_units_are_found_by_an_alias_and_new_ones_are_made_under_their_bureau(
        self, hosts: tuple[Host, Host]
    ) -> None:
        here, there = hosts
        for host, name, kind in ((here, "科技处", "full"), (there, "科学技术处", "full"), (there, "科技处", "alias")):
            with host.changing() as session:
                root = host.world.units["河北省地震局"]
                unit = session.scalars(select(Unit).where(col(Unit.name) == "科学技术处")).one_or_none()
                if unit is None:
                    unit = Unit(name=name, parent_id=root, root_id=root)
                    session.add(unit)
                    session.flush()
                session.add(UnitName(unit_id=unit.key, name=name, folded=name, kind=UnitNameKind(kind)))
        with here.changing() as session:
            session.scalars(select(Unit).where(col(Unit.name) == "信息中心")).one().name = "信息中心（网络中心）"
            session.get_one(Task, here.world.tasks["draft"])
            part = next(iter(session.scalars(select(Unit).where(col(Unit.name) == "科技处"))))
            assignment = session.get_one(Assignment, here.world.assignments["draft"])
            assignment.unit_id = part.key
        before = there.count(Unit)
        there.take(here.send())
        with there.database.reading() as session:
            names = set(session.scalars(select(col(Unit.name))))
        assert "科技处" not in names
        assert there.count(Unit) == before + 1, "only the centre with the new name was made"

    def test_a_group_and_its_members_go_along(self, hosts: tuple[Host, Host]) -> None:
        here, there = hosts
        with here.changing() as session:
            root = here.world.units["河北省地震局"]
            group = Unit(name="各中心站", kind=UnitKind.GROUP, parent_id=root, root_id=root)
            session.add(group)
            session.flush()
            session.add(UnitName(unit_id=group.key, name=group.name, folded=group.name, kind=UnitNameKind.FULL))
            session.add(GroupMember(group_id=group.key, member_id=here.world.units["信息中心"]))
            task = session.get_one(Task, here.world.tasks["draft"])
            session.add(
                Assignment(programme_id=task.programme_id, task_id=task.key, unit_id=group.key, named_as="各中心站")
            )
        there.take(here.send())
        with there.database.reading() as session:
            pairs = session.connection().execute(select(GroupMember.group_id, GroupMember.member_id)).all()
            names = {row.id: row.name for row in session.scalars(select(Unit))}
        assert [(names[group], names[member]) for group, member in pairs] == [("各中心站", "信息中心")]

    def test_a_unit_of_ours_is_not_renamed_by_a_package(self, hosts: tuple[Host, Host]) -> None:
        here, there = hosts
        there.take(here.send())
        with there.changing() as session:
            session.scalars(select(Unit).where(col(Unit.name) == "信息中心")).one().name = "情报中心"
        checked = here.look(there.send())
        assert checked.counts["units"]["kept"] == 1
        here.take(there.send(), "theirs")
        with here.database.reading() as session:
            assert session.get_one(Unit, here.world.units["信息中心"]).name == "信息中心"


class TestRefusals:
    def refused(self, hosts: tuple[Host, Host], change: Callable[[Rows], None], *files: bytes) -> DomainError:
        """What a host says to a package that its trusted maker has bent; nothing may have been stored."""
        here, there = hosts
        package = rewritten(here, here.send(), change, files)
        before = there.count(Task), there.count(Unit), there.count(Programme)
        with pytest.raises(DomainError) as caught:
            there.take(package)
        assert (there.count(Task), there.count(Unit), there.count(Programme)) == before
        return caught.value

    def test_a_value_that_the_format_does_not_have(self, hosts: tuple[Host, Host]) -> None:
        here, there = hosts
        package = here.send()
        for part, column, value in WRONG:

            def change(rows: Rows, part: str = part, column: str = column, value: object = value) -> None:
                rows[part][0]["data"][column] = value

            with pytest.raises(PackageLineRefused, match=f"{part}.jsonl"):
                there.look(rewritten(here, package, change))

    def test_a_reference_that_leads_out_of_the_package(self, hosts: tuple[Host, Host]) -> None:
        def change(rows: Rows) -> None:
            rows["assignments"][0]["data"]["task"] = [LONE, "7"]

        assert isinstance(self.refused(hosts, change), PackageReferenceBroken)

    def test_a_file_that_is_missing_or_is_a_program(self, hosts: tuple[Host, Host]) -> None:
        program = b"MZ" + bytes(200)

        def change(rows: Rows) -> None:
            task = rows["tasks"][0]["id"]
            data = {
                "subject_type": "tasks", "subject": task, "name": "x.pdf", "media_type": "application/pdf",
                "size": len(program), "sha256": hashlib.sha256(program).hexdigest(), "removed": False,
            }  # fmt: skip
            rows["attachments"].append({"id": [task[0], "1"], "vector": {task[0]: 1}, "data": data})

        assert isinstance(self.refused(hosts, change), PackageReferenceBroken)
        assert isinstance(self.refused(hosts, change, program), PackageLineRefused)

    def test_a_row_twice(self, hosts: tuple[Host, Host]) -> None:
        assert isinstance(
            self.refused(hosts, lambda rows: rows["tasks"].append(dict(rows["tasks"][0]))), PackageLineRefused
        )

    def test_a_part_of_a_later_release(self, hosts: tuple[Host, Host]) -> None:
        refusal = self.refused(hosts, lambda rows: rows.update(findings=[]))
        assert isinstance(refusal, PackageFromOtherRelease)

    def test_a_deletion_of_what_is_never_deleted(self, hosts: tuple[Host, Host]) -> None:
        def change(rows: Rows) -> None:
            task = rows["tasks"].pop()
            rows["assignments"] = [row for row in rows["assignments"] if row["data"]["task"] != task["id"]]
            rows["tasks"].append({"id": task["id"], "vector": {task["id"][0]: 9}, "gone": True})

        assert isinstance(self.refused(hosts, change), PackageLineRefused)

    def test_rows_of_another_programme_are_out_of_reach(self, hosts: tuple[Host, Host]) -> None:
        """A trusted bureau names a row of a programme in which it has no part, to have it overwritten."""
        here, there = hosts
        there.take(here.send())
        other = there.world.programmes["outside"]
        programme_id, there.programme_id = there.programme_id, other
        there.send()
        there.programme_id = programme_id
        task = there.world.tasks["outside"]

        def change(rows: Rows) -> None:
            bent = {**rows["tasks"][0], "id": [there.name, str(task)], "vector": {here.name: 5, there.name: 5}}
            rows["tasks"].append({**bent, "data": {**bent["data"], "heading": "改写"}})

        with pytest.raises(PackageLineRefused):
            there.take(rewritten(here, here.send(), change), "theirs")
        with there.database.reading() as session:
            assert session.get_one(Task, task).heading != "改写"

    def test_a_circle_of_two_moves_is_left_to_a_person(self, hosts: tuple[Host, Host]) -> None:
        here, there = hosts
        there.take(here.send())
        for host, lower, upper in ((here, "任务1", "任务2"), (there, "任务2", "任务1")):
            with host.changing() as session:
                mine = select(Task).where(col(Task.programme_id) == host.programme_id)
                rows = {row.heading[:3]: row for row in session.scalars(mine)}
                rows[lower].parent_id = rows[upper].key
        applied = here.take(there.send(), "theirs")
        assert (applied.changed, applied.open) == (0, 1)

    def test_what_is_missing_is_said_and_kept(self, hosts: tuple[Host, Host]) -> None:
        here, there = hosts
        there.take(here.send())

        def change(rows: Rows) -> None:
            rows["milestones"].clear()

        bent = rewritten(here, here.send(), change)
        assert there.look(bent).counts["milestones"] == {"missing": 1}
        there.take(bent, "theirs")
        assert len(there.rows()["milestones"]) == 1


def test_an_older_package_undoes_nothing(hosts: tuple[Host, Host]) -> None:
    here, there = hosts
    first = here.send()
    with here.changing() as session:
        session.add(Milestone(programme_id=here.programme_id, what="后来的节点"))
    there.take(here.send())
    checked = there.look(first)
    assert "older" in checked.notes
    assert "milestones" not in {noun for noun, found in checked.counts.items() if found.get("missing")}
    assert there.take(first, "theirs").changed == 0
    assert here.rows() == there.rows()


def test_a_choice_about_another_text_is_asked_again(hosts: tuple[Host, Host]) -> None:
    """Who chose theirs had seen a text here that has been changed since."""
    here, there = hosts
    there.take(here.send())
    for host, target in ((here, "甲"), (there, "乙")):
        with host.changing() as session:
            mine = select(Task).where(col(Task.programme_id) == host.programme_id).order_by(col(Task.path))
            session.scalars(mine).first().target = target  # type: ignore[union-attr]
    package = there.send()
    key = here.arrive(package)
    exchange_intake.look(here.place, here.settings, factories.SYSTEM, key, progress=lambda *_: None)
    data = ExchangeChoices(rest="theirs")
    with here.database.transaction() as session:
        exchange_packages.choose(session, factories.SYSTEM, key, here.package(key).version, data, now=factories.NOW)
    with here.changing() as session:
        mine = select(Task).where(col(Task.programme_id) == here.programme_id).order_by(col(Task.path))
        session.scalars(mine).first().target = "丙"  # type: ignore[union-attr]
    applied = exchange_intake.apply(
        here.place, here.settings, factories.SYSTEM, key, now=factories.NOW, progress=lambda *_: None
    )
    assert (applied.changed, applied.open) == (0, 1)


def test_a_broken_off_export_is_made_again(hosts: tuple[Host, Host]) -> None:
    here, _ = hosts
    with here.database.transaction() as session:
        key = exchange_exports.begin(session, factories.SYSTEM, here.programme_id or 0, now=factories.NOW).key
    with pytest.raises(exchange_exports.ExportRunning), here.database.transaction() as session:
        exchange_exports.begin(session, factories.SYSTEM, here.programme_id or 0, now=factories.NOW)

    class Killed(Exception):
        pass

    def kill(_done: int, _total: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        exchange_exports.make(here.place, factories.SYSTEM, key, now=lambda: factories.NOW, progress=kill)
    for _ in range(2):
        made = exchange_exports.make(
            here.place, factories.SYSTEM, key, now=lambda: factories.NOW, progress=lambda *_: None
        )
    assert made.state == "made"
    with here.database.reading() as session:
        verbs = session.scalars(select(col(Event.verb)).where(col(Event.subject_type) == "exchange_packages")).all()
        assert session.scalars(select(ExchangePackage)).one().sha256 == made.sha256
    assert verbs.count("exchange_package.make") == 1
