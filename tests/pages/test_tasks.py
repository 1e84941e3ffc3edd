"""The pages of tasks: what each person sees and may press, forms that keep what was typed, both texts of a conflict."""

import re

import pytest
from fastapi import FastAPI

from app.database import Database
from app.models import Task
from tests.clients import PageClient
from tests.factories import World
from tests.personas import BUSINESS, EVERYBODY
from tests.queries import counting

ADMINS = ("system_admin", "security_admin", "audit_admin")
FORM = {
    "heading": "建立联络机制",
    "text": "定期会商。",
    "track_id": "",
    "due_on": "2027-12-31",
    "due_text": "",
    "target": "",
    "responsible_people": "张三、李四",
}


class TestIndex:
    def test_shows_the_tasks_with_their_units(self, pages: PageClient, world: World) -> None:
        html = pages.as_("coordinator").get("/tasks").text
        for text in ("任务1：建立联络机制", "任务2：建立联络机制", "任务3：建立联络机制", "三（一）2", "信息中心"):
            assert text in html
        assert "任务4" not in html

    def test_keeps_every_filter_in_the_address_and_as_words(self, pages: PageClient, world: World) -> None:
        query = {
            "unit": world.units["信息中心"],
            "state": "in_progress",
            "q": "会商",
            "mine": "",
            "due_to": "2024-01-01",
            "sort": "due",
        }
        html = pages.as_("coordinator").get("/tasks", params=query).text
        assert "任务3" in html
        assert "任务2：" not in html
        assert len(re.findall(r'class="chip"', html)) == 4
        assert "单位：信息中心" in html

    def test_says_why_it_is_empty(self, pages: PageClient, world: World) -> None:
        assert "没有符合条件的任务" in pages.as_("coordinator").get("/tasks", params={"q": "没有"}).text
        assert "还没有您的任务" in pages.as_("partner").get("/tasks").text

    def test_gives_htmx_the_list_alone(self, pages: PageClient, world: World) -> None:
        fragment = pages.as_("coordinator").htmx("GET", "/tasks?state=draft").text
        assert fragment.lstrip().startswith('<div id="task-list">')

    def test_refuses_a_bent_filter_without_breaking(self, pages: PageClient) -> None:
        for query in ({"state": "x"}, {"cursor": "x.y"}, {"unit": "0"}, {"due_from": "soon"}, {"nothing": "1"}):
            assert pages.as_("coordinator").get("/tasks", params=query).status_code == 422

    def test_pages_by_cursor(self, pages: PageClient, world: World) -> None:
        html = pages.as_("coordinator").get("/tasks", params={"limit": 2}).text
        following = re.search(r'href="(/tasks\?[^"]*cursor=[^"]*)"', html)
        assert following is not None
        assert "任务3" in pages.as_("coordinator").get(following[1].replace("&amp;", "&")).text

    def test_asks_as_much_for_fifty_rows_as_for_one(self, pages: PageClient, app: FastAPI, world: World) -> None:
        mine = pages.as_("coordinator")
        mine.get("/tasks")
        with counting(app.state.database) as few:
            mine.get("/tasks", params={"limit": 1})
        for number in range(50):
            data = {**FORM, "programme_id": world.programmes["home"], "section": "四", "heading": f"新{number}"}
            assert mine.post("/tasks", data).status_code == 303
        # Who asks is looked up anew after every event, and then known.
        mine.get("/tasks")
        with counting(app.state.database) as many:
            assert mine.get("/tasks", params={"limit": 50}).text.count("<tr id=") == 50
        assert few.count == many.count


class TestShow:
    def test_has_the_plans_words_facts_units_and_timeline(self, pages: PageClient, world: World) -> None:
        html = pages.as_("handler").get(f"/tasks/{world.tasks['issued']}").text
        for text in (
            "任务2：建立联络机制，定期会商。",
            "2023年12月31日",
            "监测处（应急处）",
            "项目援疆",
            "方案第 2 行",
        ):
            assert text in html
        assert "/edit" not in html

    def test_keeps_the_plans_wording_beside_a_changed_text(self, pages: PageClient, world: World) -> None:
        path = f"/tasks/{world.tasks['issued']}"
        mine = pages.as_("recipient")
        assert mine.post(path, {**FORM, "text": "改后的话", "version": "1"}).status_code == 303
        html = mine.get(path).text
        assert "任务2：建立联络机制，定期会商。" in html
        assert "改后的话" in html
        assert "受援统筹修改了任务" in html

    def test_asks_as_much_for_a_long_timeline(self, pages: PageClient, app: FastAPI, world: World) -> None:
        mine, path = pages.as_("coordinator"), f"/tasks/{world.tasks['issued']}"
        assert mine.post(path, {**FORM, "heading": "第一稿", "version": "1"}).status_code == 303
        mine.get(path)
        with counting(app.state.database) as few:
            mine.get(path)
        for version in range(2, 9):
            assert mine.post(path, {**FORM, "heading": f"第{version}稿", "version": str(version)}).status_code == 303
            data = {"unit_id": world.units[("减灾科", "援建科", "纪检室", "信息中心", "援疆办")[version % 5]]}
            mine.post(f"{path}/assignments", data)
        mine.get(path)
        with counting(app.state.database) as many:
            assert mine.get(path).status_code == 200
        assert few.count == many.count


class TestEdit:
    def test_saves_every_field_and_clears_the_emptied(
        self, pages: PageClient, database: Database, world: World
    ) -> None:
        mine, path = pages.as_("coordinator"), f"/tasks/{world.tasks['issued']}"
        answer = mine.post(path, {**FORM, "due_on": "", "open_ended": "true", "version": "1"})
        assert (answer.status_code, answer.headers["location"]) == (303, path)
        with database.reading() as session:
            task = session.get_one(Task, world.tasks["issued"])
        assert (task.due_on, task.open_ended, task.due_text, task.responsible_people) == (
            None,
            True,
            "",
            ["张三", "李四"],
        )
        assert "任务已保存" in mine.get(path).text

    def test_shows_both_texts_of_a_conflict_and_lets_the_person_choose(self, pages: PageClient, world: World) -> None:
        path = f"/tasks/{world.tasks['issued']}"
        assert pages.as_("recipient").post(path, {**FORM, "heading": "对方的标题", "version": "1"}).status_code == 303
        mine = pages.as_("coordinator")
        stale = mine.post(path, {**FORM, "heading": "我的标题", "version": "1"})
        assert stale.status_code == 412
        assert "对方的标题" in stale.text
        assert 'value="我的标题"' in stale.text
        assert 'name="version" value="2"' in stale.text
        assert mine.post(path, {**FORM, "heading": "我的标题", "version": "2"}).status_code == 303

    def test_keeps_what_was_typed_in_a_refused_form(self, pages: PageClient, world: World) -> None:
        path = f"/tasks/{world.tasks['issued']}"
        refused = pages.as_("coordinator").post(path, {**FORM, "open_ended": "true", "version": "1"})
        assert refused.status_code == 422
        assert 'value="2027-12-31"' in refused.text
        assert 'href="#field-due_on"' in refused.text

    @pytest.mark.parametrize("heading", ["", "  "])
    def test_says_what_is_missing(self, pages: PageClient, world: World, heading: str) -> None:
        path = f"/tasks/{world.tasks['issued']}"
        refused = pages.as_("coordinator").post(path, {**FORM, "heading": heading, "version": "1"})
        assert refused.status_code == 422
        assert 'href="#field-heading"' in refused.text


class TestNew:
    def test_adds_a_task_below_another(self, pages: PageClient, world: World) -> None:
        mine, parent = pages.as_("coordinator"), world.tasks["issued"]
        assert "三（一）2" in mine.get(f"/tasks/new?parent={parent}").text
        data = {**FORM, "programme_id": world.programmes["home"], "parent_id": parent}
        made = mine.post("/tasks", data)
        assert made.status_code == 303
        assert "三（一）2（1）" in mine.get(made.headers["location"]).text
        assert "三（一）2（1）" in mine.get(f"/tasks/{parent}").text

    def test_comes_back_with_what_was_typed(self, pages: PageClient, world: World) -> None:
        data = {**FORM, "programme_id": world.programmes["home"], "section": ""}
        refused = pages.as_("coordinator").post("/tasks", data)
        assert refused.status_code == 422
        assert 'value="建立联络机制"' in refused.text


class TestAssignments:
    def test_go_through_their_pages(self, pages: PageClient, world: World) -> None:
        mine, path = pages.as_("coordinator"), f"/tasks/{world.tasks['draft']}"
        assert mine.get(f"{path}/assignments/new").status_code == 200
        data = {"unit_id": world.units["信息中心"], "role": "undeclared"}
        assert mine.post(f"{path}/assignments", data).status_code == 303
        assert mine.post(f"{path}/assignments", data).status_code == 409
        html = mine.get(path).text
        edit = re.findall(r'href="(/assignments/\d+)/edit"', html)[-1]
        assert mine.get(f"{edit}/edit").status_code == 200
        wrong = {"role": "lead", "handler_id": world.users["handler"], "version": "1"}
        assert mine.post(edit, wrong).status_code == 422
        assert (
            mine.post(edit, {"role": "supporting", "handler_id": "", "due_on": "", "version": "1"}).status_code == 303
        )
        assert mine.post(f"{edit}/confirm-role", {"version": "2"}).status_code == 303
        assert mine.post(f"{edit}/remove", {"version": "2"}).status_code == 303
        assert edit not in mine.get(path).text


class TestFiles:
    def test_are_attached_downloaded_and_taken_off(self, pages: PageClient, world: World) -> None:
        mine, path = pages.as_("handler"), f"/tasks/{world.tasks['issued']}"
        files = {"file": ("验收.pdf", b"%PDF-1.7 x", "application/pdf")}
        assert mine.upload(f"{path}/attachments", files).status_code == 303
        html = mine.get(path).text
        assert "验收.pdf" in html
        address = re.findall(r'href="(/attachments/\d+)/content"', html)[0]
        got = pages.as_("recipient").get(f"{address}/content")
        assert (got.content, got.headers["Content-Disposition"].partition(";")[0]) == (b"%PDF-1.7 x", "attachment")
        assert mine.post(f"{address}/remove", {"version": "1", "reason": ""}).status_code == 422
        assert mine.post(f"{address}/remove", {"version": "1", "reason": "传错了"}).status_code == 303
        assert address not in mine.get(path).text

    def test_a_refused_file_says_so_at_the_field(self, pages: PageClient, world: World) -> None:
        path = f"/tasks/{world.tasks['issued']}"
        refused = pages.as_("coordinator").upload(f"{path}/attachments", {"file": ("a.html", b"<html>", "text/html")})
        assert refused.status_code == 415
        assert 'id="field-file-error"' in refused.text

    def test_need_the_forms_token_in_the_address(self, pages: PageClient, world: World) -> None:
        files = {"file": ("验收.pdf", b"%PDF-1.7 x", "application/pdf")}
        answer = pages.as_("coordinator").client.post(f"/tasks/{world.tasks['issued']}/attachments", files=files)
        assert answer.status_code == 403


class TestWithdraw:
    def test_asks_for_the_reason_and_keeps_the_record(self, pages: PageClient, world: World) -> None:
        mine, path = pages.as_("coordinator"), f"/tasks/{world.tasks['issued']}"
        assert mine.post(f"{path}/withdraw", {"version": "1", "reason": ""}).status_code == 422
        assert mine.post(f"{path}/withdraw", {"version": "9", "reason": "重复"}).status_code == 412
        assert mine.post(f"{path}/withdraw", {"version": "1", "reason": "与第二版合并"}).status_code == 303
        html = mine.get(path).text
        assert "与第二版合并" in html
        assert "/edit" not in html


class TestEverybody:
    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ("/tasks", dict.fromkeys(BUSINESS, 200) | {"superior": 403, "outsider": 200}),
            ("/tasks/{issued}", dict.fromkeys(BUSINESS, 200) | {"partner": 404, "superior": 404, "outsider": 404}),
            (
                "/tasks/{issued}/timeline",
                dict.fromkeys(BUSINESS, 200) | {"partner": 404, "superior": 404, "outsider": 404},
            ),
            (
                "/tasks/{issued}/edit",
                dict.fromkeys(BUSINESS, 403) | {"coordinator": 200, "recipient": 200, "outsider": 404},
            ),
            ("/tasks/new", dict.fromkeys(BUSINESS, 403) | {"coordinator": 200, "outsider": 200}),
            (
                "/tasks/{issued}/assignments/new",
                dict.fromkeys(BUSINESS, 403) | {"coordinator": 200, "outsider": 404},
            ),
        ],
    )
    def test_gets_what_the_table_says(
        self, pages: PageClient, world: World, path: str, expected: dict[str, int]
    ) -> None:
        reads = path in ("/tasks/{issued}", "/tasks/{issued}/timeline")
        everybody = expected | dict.fromkeys(ADMINS, 404 if reads else 403) | {"nobody": 303}
        got = {login: pages.as_(login).get(path.format(**world.tasks)).status_code for login in EVERYBODY}
        assert got == everybody
