"""The main job on pages, without scripts: upload, correct, accept."""

import re
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from app.database import Database
from tests.clients import PageClient
from tests.factories import World
from tests.personas import AIDING, EVERYBODY, NOBODY, RECEIVING
from tests.plan_texts import AMENDED, PLAN, TITLE, long_plan

MAY_IMPORT = {"coordinator", "leader", "treasurer", "outsider"}
SEES = {"coordinator", "leader", "treasurer"}


def upload(pages: PageClient, text: str = PLAN, name: str = "方案.txt") -> httpx.Response:
    return pages.upload("/plan-imports", {"file": (name, text.encode())})


def fields(html: str, form_id: str) -> dict[str, str]:
    """The hidden fields of one form."""
    form = re.search(rf'<form[^>]*id="{form_id}".*?</form>', html, re.DOTALL)
    assert form is not None, form_id
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form.group()))


def version_of(pages: PageClient, path: str, form_id: str) -> str:
    return fields(pages.get(path).text, form_id)["version"]


@pytest.fixture
def coordinator(pages: PageClient) -> PageClient:
    return pages.as_("coordinator")


@pytest.fixture
def here(coordinator: PageClient) -> str:
    return upload(coordinator).headers["Location"]


def settle(pages: PageClient, here: str, world: World) -> None:
    """Sides and units, as a person would."""
    parties = {
        "version": version_of(pages, f"{here}/parties", "parties-form"),
        "name": [AIDING, RECEIVING, ""],
        "side": ["aiding", "receiving", ""],
        "unit_id": [str(world.units[AIDING]), str(world.units[RECEIVING]), ""],
    }
    assert pages.post(f"{here}/set-parties", parties).status_code == 303
    found = re.search(
        r'action="[^"]*/create-units".*?name="version" value="(\d+)"', pages.get(f"{here}/units").text, re.DOTALL
    )
    assert found is not None
    assert pages.post(f"{here}/create-units", {"version": found.group(1)}).status_code == 303


class TestUpload:
    def test_leads_to_the_review_with_what_is_left_to_check(self, coordinator: PageClient, here: str) -> None:
        page = coordinator.get(here)
        assert page.status_code == 200
        assert TITLE in page.text
        assert "共建地震监测台站" in page.text
        assert "落实资金援疆" not in page.text, "what nobody doubts is not among what is to be checked"

    def test_says_at_the_field_what_to_do_with_a_file_that_is_no_plan(self, coordinator: PageClient) -> None:
        for data, name, status in ((b"", "a.txt", 422), (b"\x89PNG\r\n\x1a\n" + bytes(99), "a.png", 415)):
            page = coordinator.upload("/plan-imports", {"file": (name, data)})
            assert page.status_code == status
            assert 'class="field field--wrong"' in page.text

    def test_asks_for_the_file(self, coordinator: PageClient) -> None:
        page = coordinator.upload("/plan-imports", {"other": ("a.txt", b"x")})
        assert page.status_code == 422

    def test_refuses_a_form_of_another_site(self, coordinator: PageClient) -> None:
        answer = coordinator.client.post("/plan-imports", files={"file": ("a.txt", PLAN.encode())})
        assert answer.status_code == 403

    def test_goes_to_the_review_that_is_open_already(self, coordinator: PageClient, here: str) -> None:
        assert upload(coordinator).headers["Location"] == here

    def test_is_open_to_those_who_may_import(self, pages: PageClient, coordinator: PageClient, here: str) -> None:
        for login in EVERYBODY:
            someone = pages.as_(login)
            index, shown = someone.get("/plan-imports").status_code, someone.get(here).status_code
            expected = 303 if login == NOBODY else 200 if login in MAY_IMPORT else 403
            assert index == expected, login
            assert shown == (200 if login in SEES else 404 if login in MAY_IMPORT else expected), login


class TestReview:
    def test_shows_every_line_beside_what_was_read_from_it(self, coordinator: PageClient, here: str) -> None:
        text = coordinator.get(f"{here}?view=tasks").text
        lines = [line for line in PLAN.split("\n") if line.strip()]
        missing = [line for line in lines if line.replace('"', "&#34;") not in text]
        assert not missing
        for item_line in re.findall(r'href="#line-(\d+)">第', text):
            assert f'id="line-{item_line}"' in text

    @pytest.mark.parametrize("view", ["check", "tasks", "milestones", "dropped"])
    def test_has_a_page_for_each_view(self, coordinator: PageClient, here: str, view: str) -> None:
        assert coordinator.get(f"{here}?view={view}").status_code == 200
        assert coordinator.get(f"{here}?view={view}&q=没有这样的字").status_code == 200

    @pytest.mark.parametrize("part", ["head", "units", "sections", "parties", "text", "accept", "text?only=ignored"])
    def test_has_a_page_for_each_part(self, coordinator: PageClient, here: str, part: str) -> None:
        assert coordinator.get(f"{here}/{part}").status_code == 200

    def test_runs_the_same_queries_for_any_length(self, app: Any, coordinator: PageClient, here: str) -> None:
        long = upload(coordinator, long_plan(300)).headers["Location"]
        database: Database = app.state.database

        def queries(path: str) -> int:
            seen: list[str] = []

            def note(*arguments: Any) -> None:
                seen.append(arguments[2])

            engines = {database._reader, database._writer} if database.is_sqlite else {database._writer}
            for engine in engines:
                event.listen(engine, "before_cursor_execute", note)
            assert coordinator.get(path).status_code == 200
            for engine in engines:
                event.remove(engine, "before_cursor_execute", note)
            return len(seen)

        for part in ("?view=tasks", "/units", "/text", "/accept"):
            assert queries(here + part) == queries(long + part), part

    def test_pages_through_a_long_plan(self, coordinator: PageClient) -> None:
        here = upload(coordinator, long_plan(120)).headers["Location"]
        seen: list[str] = []
        path: str | None = f"{here}?view=tasks"
        while path:
            text = coordinator.get(path).text
            seen += re.findall(r'<article class="[^"]*" id="item-(\d+)"', text)
            found = re.search(r'href="([^"]*cursor=[^"]*)" rel="next"', text)
            path = found.group(1).replace("&amp;", "&") if found else None
        assert len(seen) == len(set(seen)) == 120


class TestItem:
    def _first(self, pages: PageClient, here: str) -> str:
        found = re.search(r'id="item-(\d+)"', pages.get(f"{here}?view=tasks").text)
        assert found is not None
        return f"{here}/items/{found.group(1)}"

    def _filled(self, pages: PageClient, path: str, **changed: Any) -> dict[str, Any]:
        form = fields(pages.get(f"{path}?edit=1").text, f"form-{path.rpartition('/')[2]}")
        values = {
            "version": form["version"],
            "path": "二/（一）",
            "part": "1",
            "heading": "落实资金援疆",
            "text": "",
            "unit": ["规划财务处", ""],
            "role": ["undeclared", "undeclared"],
        }
        return {**values, **changed}

    def test_is_corrected_on_a_page_of_its_own(self, coordinator: PageClient, here: str) -> None:
        path = self._first(coordinator, here)
        changed = {
            "heading": "改后的标题",
            "unit": ["规划财务处", "新设处"],
            "role": ["lead", "supporting"],
            "due_on": "2028-12-31",
        }
        saved = coordinator.post(path, self._filled(coordinator, path, **changed))
        assert saved.status_code == 303
        text = coordinator.get(path).text
        assert "改后的标题" in text
        assert "新设处" in text
        assert "2028-12-31" in text

    def test_empties_what_is_left_empty(self, coordinator: PageClient, here: str) -> None:
        path = self._first(coordinator, here)
        coordinator.post(path, self._filled(coordinator, path, due_on="2028-12-31", due_text="2028年底"))
        coordinator.post(path, self._filled(coordinator, path))
        assert "<q>" not in coordinator.get(path).text

    def test_keeps_what_was_typed_when_it_is_refused(self, coordinator: PageClient, here: str) -> None:
        path = self._first(coordinator, here)
        typed = self._filled(coordinator, path, heading="改后", open_ended="true", due_on="2028-12-31")
        refused = coordinator.post(path, typed)
        assert refused.status_code == 422
        assert "改后" in refused.text
        assert 'value="2028-12-31"' in refused.text
        assert "error-summary" in refused.text

    def test_shows_both_texts_when_somebody_saved_in_between(self, coordinator: PageClient, here: str) -> None:
        path = self._first(coordinator, here)
        mine = self._filled(coordinator, path, heading="我的标题")
        coordinator.post(path, self._filled(coordinator, path, heading="别人的标题"))
        stale = coordinator.post(path, mine)
        assert stale.status_code == 412
        assert "我的标题" in stale.text
        assert "别人的标题" in stale.text
        again = fields(stale.text, f"form-{path.rpartition('/')[2]}")
        assert coordinator.post(path, {**mine, "version": again["version"]}).status_code == 303

    def test_is_replaced_in_its_place_by_htmx(self, coordinator: PageClient, here: str) -> None:
        path = self._first(coordinator, here)
        opened = coordinator.htmx("GET", f"{path}?edit=1&back={here}")
        assert "<form" in opened.text
        item_id = path.rpartition("/")[2]
        version = fields(opened.text, f"form-{item_id}")["version"]
        dropped = coordinator.htmx("POST", f"{path}/drop", {"version": version, "next": here})
        assert dropped.status_code == 200
        assert "item--dropped" in dropped.text
        assert "review-counts" in dropped.text
        restored = coordinator.htmx("POST", f"{path}/restore", {"version": str(int(version) + 1), "next": here})
        assert "item--dropped" not in restored.text

    def test_settles_a_doubt(self, coordinator: PageClient, here: str) -> None:
        text = coordinator.get(here).text
        found = re.search(r'id="item-(\d+)"', text)
        assert found is not None
        answer = coordinator.post(
            f"{here}/items/{found.group(1)}/settle", {"version": "1", "next": f"{here}?view=check"}
        )
        assert answer.headers["Location"] == f"{here}?view=check#item-{found.group(1)}"

    def test_is_never_led_off_the_site(self, coordinator: PageClient, here: str) -> None:
        path = self._first(coordinator, here)
        for target in ("https://example.org/", "//example.org", "/plan-importsx", "/tasks"):
            answer = coordinator.post(f"{path}/drop", {"version": "1", "next": target})
            if answer.status_code == 303:
                assert answer.headers["Location"].startswith(f"{here}#item-")
            coordinator.post(f"{path}/restore", {"version": "2", "next": target})

    def test_is_added_where_the_reader_missed_it(self, coordinator: PageClient, here: str) -> None:
        for kind, given in (("task", {"heading": "补上的任务", "part": "1"}), ("milestone", {"what": "补上的节点"})):
            assert coordinator.get(f"{here}/items/new?kind={kind}&line=3").status_code == 200
            empty = coordinator.post(f"{here}/items", {"kind": kind, "line": "3"})
            assert empty.status_code == 422
            added = coordinator.post(f"{here}/items", {"kind": kind, "line": "3", **given})
            assert added.status_code == 303
            assert next(iter(given.values())) in coordinator.get(added.headers["Location"]).text


class TestParts:
    def test_corrects_the_head_and_shows_both_texts(self, coordinator: PageClient, here: str) -> None:
        version = version_of(coordinator, f"{here}/head", "head-form")
        given = {"version": version, "title": "改后的方案", "copied_to": "甲局\n乙局"}
        assert coordinator.post(here, given).status_code == 303
        assert "甲局\n乙局" in coordinator.get(f"{here}/head").text
        stale = coordinator.post(here, {**given, "title": "又一个方案"})
        assert stale.status_code == 412
        assert "又一个方案" in stale.text
        wrong = {**given, "version": version_of(coordinator, f"{here}/head", "head-form")}
        refused = coordinator.post(here, {**wrong, "starts_on": "2030-01-01", "ends_on": "2029-01-01"})
        assert refused.status_code == 422

    def test_maps_a_unit_in_each_of_the_three_ways(self, coordinator: PageClient, here: str, world: World) -> None:
        name = "人才交流办公室"
        place = re.search(
            rf'<li class="unit-list__row" id="unit-(\d+)">\s*<div class="unit-list__name"><strong dir="auto">{name}',
            coordinator.get(f"{here}/units").text,
        )
        assert place is not None

        def post(**given: str) -> httpx.Response:
            version = version_of(coordinator, f"{here}/units", f"unit-form-{place.group(1)}")
            return coordinator.post(f"{here}/map-unit", {"version": version, "named_as": name, **given})

        assert post(choice=str(world.units["纪检室"])).status_code == 303
        assert post(choice="other", other="信息中心").status_code == 303
        assert post(choice="new", new_name=name, new_kind="department", new_place="under_aiding").status_code == 303
        for unseen in ("计划处", "没有这个处"):
            refused = post(choice="other", other=unseen)
            assert refused.status_code == 422
        assert post(choice="new", new_name="", new_kind="department", new_place="under_aiding").status_code == 422

    def test_maps_sections_to_tracks(self, coordinator: PageClient, here: str) -> None:
        form = coordinator.get(f"{here}/sections").text
        lines = re.findall(r'name="line" value="(\d+)"', form)
        given = {"line": lines, "track": ["science"] * len(lines), "name": ["科技援疆"] + [""] * (len(lines) - 1)}
        version = fields(form, "sections-form")["version"]
        assert coordinator.post(f"{here}/set-sections", {"version": version, **given}).status_code == 303
        assert coordinator.get(f"{here}/sections").text.count('<option value="science" selected>') == len(lines)

    def test_keeps_the_sides_that_were_typed_when_one_is_wrong(self, coordinator: PageClient, here: str) -> None:
        version = version_of(coordinator, f"{here}/parties", "parties-form")
        given = {"version": version, "name": ["甲局", "甲局"], "side": ["aiding", "receiving"], "unit_id": ["", ""]}
        refused = coordinator.post(f"{here}/set-parties", given)
        assert refused.status_code == 422
        assert refused.text.count('value="甲局"') == 2

    def test_gives_the_file_back(self, coordinator: PageClient, here: str) -> None:
        assert coordinator.get(f"{here}/file").content == PLAN.encode()

    def test_gives_the_import_up(self, coordinator: PageClient, here: str) -> None:
        version = version_of(coordinator, f"{here}/head", "head-form")
        assert coordinator.post(f"{here}/drop", {"version": version, "reason": "传错了"}).status_code == 303
        assert coordinator.get(here).status_code == 200
        assert coordinator.post(here, {"version": "2", "title": "改"}).status_code == 409


class TestAccept:
    def test_names_what_is_missing_with_the_way_to_mend_it(self, coordinator: PageClient, here: str) -> None:
        text = coordinator.get(f"{here}/accept").text
        assert f'href="{here}/units"' in text
        assert "accept-blocked" in text
        version = version_of(coordinator, f"{here}/accept", "accept-form")
        assert coordinator.post(f"{here}/accept", {"version": version}).status_code == 422

    def test_leads_to_the_programme_and_says_so_the_second_time(
        self, coordinator: PageClient, here: str, world: World
    ) -> None:
        settle(coordinator, here, world)
        version = version_of(coordinator, f"{here}/accept", "accept-form")
        accepted = coordinator.post(f"{here}/accept", {"version": version})
        again = coordinator.post(f"{here}/accept", {"version": version})
        assert accepted.status_code == 303
        assert again.status_code == 409
        assert f'href="{accepted.headers["Location"]}"' in again.text
        assert f'href="{accepted.headers["Location"]}"' in coordinator.get(here).text

    def test_compares_with_the_version_in_force(self, coordinator: PageClient, here: str, world: World) -> None:
        settle(coordinator, here, world)
        version = version_of(coordinator, f"{here}/accept", "accept-form")
        programme = coordinator.post(f"{here}/accept", {"version": version}).headers["Location"]
        second = upload(coordinator, AMENDED).headers["Location"]
        page = coordinator.get(f"{second}/accept").text
        gone = re.search(r'name="withdraw" value="(\d+)"', page)
        assert gone is not None
        assert "编制受援地区地震灾害风险区划图" in page
        version = fields(page, "accept-form")["version"]
        refused = coordinator.post(f"{second}/accept", {"version": version, "withdraw": gone.group(1)})
        assert refused.status_code == 422
        assert f'value="{gone.group(1)}" checked' in refused.text
        given = {"version": version, "withdraw": gone.group(1), "reason": "方案调整"}
        assert coordinator.post(f"{second}/accept", given).headers["Location"] == programme
