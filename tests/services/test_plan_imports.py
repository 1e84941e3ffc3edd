"""A plan under review: who sees it, what is suggested, what can be corrected, and what is refused."""

import pytest
from sqlmodel import select

from app.database import Database
from app.errors import DomainError, Forbidden, NotFound, StaleVersion
from app.models import Event, PlanImportState, PlanItem, PlanItemKind
from app.schemas.plan_import import (
    PartyChoices,
    PlanImportUpdate,
    PlanItemCreate,
    PlanItemUpdate,
    SectionMappings,
)
from app.services import plan_imports, plan_items, plan_mapping, plan_views
from tests.factories import NOW, World
from tests.personas import AIDING, OUTSIDE, RECEIVING
from tests.plan_texts import ISSUER, NUMBER, PLAN, TITLE
from tests.services.plan_world import actor_of, imported, mapping, reading_of, upload_of


def _items(database: Database, import_id: int, kind: str = "task") -> list[PlanItem]:
    with database.reading() as session:
        statement = plan_items.of_import(import_id).where(PlanItem.kind == PlanItemKind(kind))
        return list(session.scalars(statement.order_by(PlanItem.position, PlanItem.id)))  # type: ignore[arg-type]


class TestCreate:
    def test_keeps_the_head_the_lines_and_an_item_for_each_task_and_milestone(
        self, database: Database, world: World
    ) -> None:
        row = imported(database, actor_of(database, world, "coordinator"))
        assert (row.title, row.document_number, row.issuer) == (TITLE, NUMBER, ISSUER)
        assert (row.head["starts_on"], row.head["issued_on"]) == ("2026-01-01", "2027-01-15")
        assert row.lines == PLAN.split("\n")
        assert [item.data["heading"][:6] for item in _items(database, row.key)][:2] == ["落实资金援疆", "共建地震监测"]
        assert len(_items(database, row.key, "milestone")) == 3

    def test_matches_units_by_any_of_their_names(self, database: Database, world: World) -> None:
        row = imported(database, actor_of(database, world, "coordinator"))
        found = {unit["named_as"]: unit["unit_id"] for unit in row.units}
        assert found["规划财务处"] == world.units["规划财务处"]
        assert found["监测处（应急处）"] == world.units["监测处（应急处）"]
        assert found["人才交流办公室"] is None

    def test_suggests_tracks_by_the_words_of_headings(self, database: Database, world: World) -> None:
        row = imported(database, actor_of(database, world, "coordinator"))
        tracks = {section["heading"]: (section["track"], section["name"]) for section in row.sections}
        assert tracks["推进项目援疆"] == ("project", "项目援疆")
        assert tracks["做好智力援疆"] == ("talent", "智力援疆")
        assert tracks["实施步骤"] == ("", "")
        # The item carries a mark of its own and is no section, so its heading speaks for it.
        assert _items(database, row.key)[0].data["track"] == "funding"

    def test_suggests_the_issuer_as_aiding_and_the_bureau_copied_to_as_receiving(
        self, database: Database, world: World
    ) -> None:
        parties = imported(database, actor_of(database, world, "coordinator")).head["parties"]
        assert [(p["name"], p["side"], p["unit_id"]) for p in parties] == [
            (AIDING, "aiding", world.units[AIDING]),
            (RECEIVING, "receiving", world.units[RECEIVING]),
        ]

    def test_leaves_to_check_only_what_the_reader_doubts(self, database: Database, world: World) -> None:
        row = imported(database, actor_of(database, world, "coordinator"))
        doubtful = [item for item in _items(database, row.key) if not item.settled]
        assert [item.doubts[0]["code"] for item in doubtful] == ["lead_undeclared", "lead_undeclared"]

    def test_cuts_what_the_store_cannot_hold_and_says_so(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        reading = reading_of(PLAN)
        reading["tasks"][0]["heading"] = "长" * 600
        with database.transaction() as session:
            row = plan_imports.create(session, actor, upload_of(PLAN), reading, now=NOW)
        first = _items(database, row.key)[0]
        assert len(first.data["heading"]) == 500
        assert first.doubts == [{"code": "text_cut", "values": {}}]

    def test_refuses_who_may_not_import(self, database: Database, world: World) -> None:
        for login in ("recipient", "handler", "inspector", "partner", "system_admin", "audit_admin"):
            with pytest.raises(Forbidden):
                imported(database, actor_of(database, world, login))

    def test_refuses_a_second_review_of_the_same_file(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = imported(database, actor)
        with pytest.raises(plan_imports.PlanUnderReview, match=str(row.id)):
            imported(database, actor)

    def test_lets_another_bureau_review_the_same_file_without_knowing(self, database: Database, world: World) -> None:
        imported(database, actor_of(database, world, "coordinator"))
        assert imported(database, actor_of(database, world, "outsider")).state == PlanImportState.REVIEW


class TestVisible:
    def test_is_seen_by_its_bureau_and_no_other(self, database: Database, world: World) -> None:
        row = imported(database, actor_of(database, world, "coordinator"))
        seen = set()
        for login in world.users:
            with database.reading() as session:
                try:
                    plan_imports.get(session, actor_of(database, world, login), row.key)
                    seen.add(login)
                except NotFound:
                    pass
        # Of the aiding bureau's people these sit in the unit that holds the grant, or coordinate.
        assert "coordinator" in seen
        assert seen.isdisjoint({"outsider", "recipient", "partner", "superior", "audit_admin", "handler"})

    def test_hides_another_bureaus_import_from_every_verb(self, database: Database, world: World) -> None:
        row = imported(database, actor_of(database, world, "coordinator"))
        item = _items(database, row.key)[0]
        stranger = actor_of(database, world, "outsider")
        for verb in (
            lambda s: plan_imports.update(s, stranger, row.key, 1, PlanImportUpdate(title="改"), now=NOW),
            lambda s: plan_imports.drop(s, stranger, row.key, 1, reason="", now=NOW),
            lambda s: plan_items.update(
                s, stranger, row.key, item.key, PlanItemUpdate(heading="改"), version=1, now=NOW
            ),
            lambda s: plan_items.listing(s, stranger, row.key, limit=5, cursor=None),
            lambda s: plan_views.overview(s, stranger, row.key),
            lambda s: plan_mapping.create_units(s, stranger, row.key, 1, now=NOW),
        ):
            with pytest.raises(NotFound), database.transaction() as session:
                verb(session)

    def test_reaches_an_item_only_through_its_own_import(self, database: Database, world: World) -> None:
        row = imported(database, actor_of(database, world, "coordinator"))
        own = imported(database, actor_of(database, world, "outsider"))
        item = _items(database, row.key)[0]
        with pytest.raises(NotFound), database.reading() as session:
            plan_items.get(session, actor_of(database, world, "outsider"), own.key, item.key)


class TestUpdate:
    def test_corrects_the_head_and_empties_with_null(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = imported(database, actor)
        data = PlanImportUpdate.model_validate({"title": "改后的方案", "issued_on": None, "copied_to": ["甲局"]})
        with database.transaction() as session:
            row = plan_imports.update(session, actor, row.key, row.version, data, now=NOW)
        assert (row.title, row.head["issued_on"], row.head["copied_to"]) == ("改后的方案", None, ["甲局"])
        assert row.document_number == NUMBER

    def test_refuses_a_stale_version_and_a_reversed_period(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = imported(database, actor)
        with pytest.raises(StaleVersion), database.transaction() as session:
            plan_imports.update(session, actor, row.key, 7, PlanImportUpdate(title="改"), now=NOW)
        data = PlanImportUpdate.model_validate({"ends_on": "2020-01-01"})
        with pytest.raises(DomainError) as refused, database.transaction() as session:
            plan_imports.update(session, actor, row.key, 1, data, now=NOW)
        assert (refused.value.code, refused.value.field) == ("period_reversed", "ends_on")

    def test_makes_it_a_version_only_of_a_programme_that_one_coordinates(
        self, database: Database, world: World
    ) -> None:
        actor = actor_of(database, world, "coordinator")
        row = imported(database, actor)
        data = PlanImportUpdate(programme_id=world.programmes["outside"])
        with pytest.raises(plan_imports.PlanProgrammeUnknown), database.transaction() as session:
            plan_imports.update(session, actor, row.key, 1, data, now=NOW)
        data = PlanImportUpdate(programme_id=world.programmes["home"])
        with database.transaction() as session:
            assert plan_imports.update(session, actor, row.key, 1, data, now=NOW).programme_id == data.programme_id

    def test_suggests_no_second_bureau_for_a_side_of_the_programme(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = imported(database, actor, PLAN.replace(f"抄送：{RECEIVING}", "抄送：巴音郭楞州应急管理局"))
        assert [party["side"] for party in row.head["parties"]] == ["aiding", "receiving"]
        data = PlanImportUpdate(programme_id=world.programmes["home"])
        with database.transaction() as session:
            row = plan_imports.update(session, actor, row.key, 1, data, now=NOW)
        assert [party["side"] for party in row.head["parties"]] == ["aiding", None]

    def test_is_over_once_it_was_dropped(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = imported(database, actor)
        with database.transaction() as session:
            plan_imports.drop(session, actor, row.key, 1, reason="传错了", now=NOW)
        with pytest.raises(plan_imports.PlanImportSettled), database.transaction() as session:
            plan_imports.update(session, actor, row.key, 2, PlanImportUpdate(title="改"), now=NOW)
        assert imported(database, actor).id != row.id


class TestItems:
    def test_corrects_every_field_and_settles_the_doubts(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = imported(database, actor)
        item = _items(database, row.key)[1]
        given = {
            "path": ["二", "（二）", "9"],
            "part": 2,
            "heading": "改后的标题",
            "text": "改后的正文。",
            "units": ["监测处（应急处）", "新设办公室"],
            "lead_units": ["监测处（应急处）"],
            "supporting_units": ["新设办公室"],
            "guiding_units": [],
            "responsible_people": ["李某"],
            "due_text": "2029年底",
            "due_on": "2029-12-31",
            "open_ended": False,
            "target": "2个",
            "track": "science",
        }
        with database.transaction() as session:
            changed = plan_items.update(
                session, actor, row.key, item.key, PlanItemUpdate.model_validate(given), version=1, now=NOW
            )
        assert {name: changed.data[name] for name in given} == given
        assert (changed.settled, changed.version) == (True, 2)
        with database.reading() as session:
            units = plan_imports.get(session, actor, row.key).units
            verbs = session.exec(select(Event.verb).where(Event.subject_type == "plan_items")).all()
        assert "新设办公室" in [unit["named_as"] for unit in units]
        assert "plan_item.update" in verbs

    def test_refuses_what_does_not_go_together(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = imported(database, actor)
        task, milestone = _items(database, row.key)[0], _items(database, row.key, "milestone")[0]
        for item, given, code, field in (
            (task, {"heading": None}, "required", "heading"),
            (task, {"what": "里程碑的字段"}, "plan_item_field", "what"),
            (task, {"lead_units": ["别的处"]}, "plan_item_role", "lead_units"),
            (task, {"lead_units": ["规划财务处"], "guiding_units": ["规划财务处"]}, "plan_item_role", "guiding_units"),
            (task, {"open_ended": True, "due_on": "2028-01-01"}, "due_and_open_ended", "due_on"),
            (task, {"path": ["一" * 40] * 6}, "path_too_long", "path"),
            (milestone, {"starts_on": "2029-01-01", "ends_on": "2028-01-01"}, "period_reversed", "ends_on"),
            (milestone, {"heading": "任务的字段"}, "plan_item_field", "heading"),
        ):
            data = PlanItemUpdate.model_validate(given)
            with pytest.raises(DomainError) as refused, database.transaction() as session:
                plan_items.update(session, actor, row.key, item.key, data, version=1, now=NOW)
            assert (refused.value.code, refused.value.field) == (code, field)

    def test_refuses_the_second_of_two_people(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = imported(database, actor)
        first, other = _items(database, row.key)[:2]
        with database.transaction() as session:
            plan_items.update(session, actor, row.key, first.key, PlanItemUpdate(heading="甲"), version=1, now=NOW)
        with pytest.raises(StaleVersion), database.transaction() as session:
            plan_items.update(session, actor, row.key, first.key, PlanItemUpdate(heading="乙"), version=1, now=NOW)
        # Another item is another row: two people do not stand in each other's way.
        with database.transaction() as session:
            plan_items.update(session, actor, row.key, other.key, PlanItemUpdate(heading="乙"), version=1, now=NOW)

    def test_drops_restores_and_settles(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = imported(database, actor)
        item = _items(database, row.key)[1]
        with database.transaction() as session:
            plan_items.drop(session, actor, row.key, item.key, version=1, now=NOW)
        with database.reading() as session:
            assert plan_imports.counts(session, row.key) == {"task": 4, "milestone": 3, "dropped": 1, "doubtful": 1}
        with database.transaction() as session:
            plan_items.restore(session, actor, row.key, item.key, version=2, now=NOW)
            plan_items.settle(session, actor, row.key, item.key, version=3, now=NOW)
        with database.reading() as session:
            assert plan_imports.counts(session, row.key) == {"task": 5, "milestone": 3, "dropped": 0, "doubtful": 1}

    def test_adds_an_item_where_its_line_stands(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = imported(database, actor)
        second = _items(database, row.key)[1]
        data = PlanItemCreate.model_validate({"kind": "task", "heading": "补上的任务", "line": (second.line or 0) + 1})
        with database.transaction() as session:
            plan_items.create(session, actor, row.key, data, now=NOW)
        with pytest.raises(plan_items.PlanItemEmpty), database.transaction() as session:
            plan_items.create(session, actor, row.key, PlanItemCreate(kind="milestone"), now=NOW)
        assert [item.data["heading"][:5] for item in _items(database, row.key)][2] == "补上的任务"

    def test_finds_by_words_kind_and_doubt_without_wildcards(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = imported(database, actor)

        def found(**filters: object) -> int:
            with database.reading() as session:
                page = plan_items.listing(session, actor, row.key, limit=50, cursor=None, **filters)  # type: ignore[arg-type]
            return len(page.rows)

        assert (found(), found(kind="task"), found(doubtful=True)) == (8, 5, 2)
        assert (found(q="演练场地"), found(q="中期评估"), found(q="%"), found(q="_")) == (1, 1, 0, 0)

    def test_pages_without_losing_or_repeating_an_item(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = imported(database, actor)
        seen, cursor = [], None
        while True:
            with database.reading() as session:
                page = plan_items.listing(session, actor, row.key, limit=3, cursor=cursor)
            seen += [item.id for item in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == 8


class TestMapping:
    def test_maps_a_name_to_a_unit_or_to_a_new_one(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = imported(database, actor)
        with database.transaction() as session:
            data = mapping(named_as="人才交流办公室", unit_id=world.units["纪检室"])
            row = plan_mapping.map_unit(session, actor, row.key, row.version, data, now=NOW)
        new = {"name": "人才交流办公室", "short_name": "人才办", "kind": "department", "place": "under_aiding"}
        with database.transaction() as session:
            data = mapping(named_as="人才交流办公室", create=new)
            row = plan_mapping.map_unit(session, actor, row.key, row.version, data, now=NOW)
        unit = next(unit for unit in row.units if unit["named_as"] == "人才交流办公室")
        assert (unit["unit_id"], unit["create"]) == (None, new)

    def test_refuses_another_bureaus_unit_as_if_there_were_none(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = imported(database, actor)
        for unit_id in (world.units["计划处"], world.units[OUTSIDE], 999_999):
            data = mapping(named_as="人才交流办公室", unit_id=unit_id)
            with pytest.raises(DomainError) as refused, database.transaction() as session:
                plan_mapping.map_unit(session, actor, row.key, row.version, data, now=NOW)
            assert (refused.value.code, refused.value.field) == ("unit_unknown", "unit_id")
            parties = PartyChoices.model_validate(
                {"parties": [{"name": "某局", "side": "partner", "unit_id": unit_id}]}
            )
            with pytest.raises(DomainError) as refused, database.transaction() as session:
                plan_mapping.set_parties(session, actor, row.key, row.version, parties, now=NOW)
            assert refused.value.code == "unit_unknown"

    def test_refuses_a_bureau_twice_and_a_department_as_a_side(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = imported(database, actor)
        twice = [{"name": AIDING, "side": "aiding"}, {"name": f" {AIDING}", "side": "receiving"}]
        inside = [{"name": "规财处", "side": "aiding", "unit_id": world.units["规划财务处"]}]
        for parties, code in ((twice, "plan_party_twice"), (inside, "plan_party_not_a_bureau")):
            choices = PartyChoices.model_validate({"parties": parties})
            with pytest.raises(DomainError) as refused, database.transaction() as session:
                plan_mapping.set_parties(session, actor, row.key, row.version, choices, now=NOW)
            assert refused.value.code == code

    def test_maps_a_section_to_a_track(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = imported(database, actor)
        line = next(section["line"] for section in row.sections if section["heading"] == "主要任务")
        with database.transaction() as session:
            data = SectionMappings.model_validate(
                {"sections": [{"line": line, "track": "science", "name": "科技援疆"}]}
            )
            row = plan_mapping.set_sections(session, actor, row.key, row.version, data, now=NOW)
        assert next(section["track"] for section in row.sections if section["line"] == line) == "science"
        data = SectionMappings.model_validate({"sections": [{"line": 2, "track": "science"}]})
        with pytest.raises(plan_mapping.PlanSectionUnknown), database.transaction() as session:
            plan_mapping.set_sections(session, actor, row.key, row.version, data, now=NOW)


class TestLines:
    def test_shows_each_line_with_its_reason(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "coordinator")
        row = imported(database, actor)
        with database.reading() as session:
            lines, following = plan_views.line_page(session, actor, row.key, start=3, limit=5, only=None)
            ignored, _ = plan_views.line_page(session, actor, row.key, start=1, limit=500, only="ignored")
        assert [line.line for line in lines] == [3, 4, 5, 6, 7]
        assert following == 8
        assert ignored
        assert all(line.ignored and line.text.strip() for line in ignored)
