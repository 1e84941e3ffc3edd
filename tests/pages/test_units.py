"""Units on pages: each side's trees, every verb with its form, and nothing of another bureau's."""

import pytest
from fastapi import FastAPI

from tests.clients import PageClient
from tests.factories import World
from tests.personas import AIDING, BUSINESS, EVERYBODY, OUTSIDE
from tests.queries import counting

READS = {**dict.fromkeys(BUSINESS, 200), "system_admin": 200, "security_admin": 200, "nobody": 303}
MANAGES = {**dict.fromkeys(EVERYBODY, 403), "coordinator": 200, "recipient": 403, "outsider": 404, "nobody": 303}
PAGES = {
    "/units": READS | {"audit_admin": 403, "outsider": 200},
    "/units/{信息中心}": READS | {"audit_admin": 404, "outsider": 404},
    "/units/new": MANAGES | {"recipient": 200, "outsider": 200, "system_admin": 200},
    "/units/{信息中心}/edit": MANAGES,
    "/units/{信息中心}/merge": MANAGES,
}


class TestEverybody:
    @pytest.mark.parametrize("path", sorted(PAGES))
    def test_gets_what_the_table_says(self, pages: PageClient, world: World, path: str) -> None:
        got = {login: pages.as_(login).get(path.format(**world.units)).status_code for login in EVERYBODY}
        assert got == PAGES[path]


class TestIndex:
    def test_shows_both_sides_and_no_other_bureau(self, pages: PageClient, world: World) -> None:
        html = pages.as_("receiving_handler").get("/units").text
        assert all(name in html for name in ("援助方", "受援方", AIDING, "援建科"))
        assert OUTSIDE not in html

    def test_finds_former_names_and_says_when_there_is_none(self, pages: PageClient, world: World) -> None:
        mine, unit = pages.as_("coordinator"), world.units["信息中心"]
        done = mine.post(f"/units/{unit}/rename", {"version": "1", "name": "数据中心", "starts_on": "2024-01-01"})
        assert (done.status_code, done.headers["location"]) == (303, f"/units/{unit}")
        assert "数据中心" in mine.get("/units", params={"q": "信息 中心"}).text
        assert "没有单位用过这个名称" in mine.get("/units", params={"q": "没有"}).text
        assert "<h1>" not in mine.htmx("GET", "/units?q=数据").text

    def test_asks_no_more_for_many_units(self, pages: PageClient, app: FastAPI, world: World) -> None:
        mine = pages.as_("coordinator")
        mine.get("/units")
        with counting(app.state.database) as few:
            mine.get("/units")
        for number in range(30):
            mine.post("/units", {"name": f"第{number}科", "parent_id": str(world.units["信息中心"])})
        with counting(app.state.database) as many:
            assert "第29科" in mine.get("/units").text
        assert few.count == many.count


class TestForms:
    def test_make_a_unit_with_its_spellings(self, pages: PageClient, world: World) -> None:
        mine = pages.as_("coordinator")
        form = {"name": "河北地震台", "aliases": "省台\r\n\r\n省地震台", "parent_id": str(world.units[AIDING])}
        done = mine.post("/units", form | {"kind": "institution"})
        assert done.status_code == 303
        html = mine.get(done.headers["location"]).text
        assert all(name in html for name in ("河北地震台", "省台", "省地震台", "已添加"))

    def test_keep_what_was_typed_and_mark_the_field(self, pages: PageClient, world: World) -> None:
        mine, unit = pages.as_("coordinator"), world.units["信息中心"]
        refused = mine.post("/units", {"name": "", "short_name": "某处", "kind": "department"})
        assert refused.status_code == 422
        assert 'value="某处"' in refused.text
        taken = mine.post(f"/units/{unit}", {"version": "1", "name": "规划财务处", "kind": "department"})
        assert (taken.status_code, 'id="field-name-error"' in taken.text) == (409, True)

    def test_show_both_texts_to_who_comes_second(self, pages: PageClient, world: World) -> None:
        mine, unit = pages.as_("coordinator"), world.units["信息中心"]
        form = {"name": "信息中心", "kind": "institution", "parent_id": str(world.units[AIDING])}
        assert mine.post(f"/units/{unit}", form | {"version": "1", "short_name": "中心"}).status_code == 303
        stale = mine.post(f"/units/{unit}", form | {"version": "1", "short_name": "信息"})
        assert stale.status_code == 412
        assert all(text in stale.text for text in ("中心", "信息", 'name="version" value="2"'))

    def test_refused_verbs_come_back_open(self, pages: PageClient, world: World) -> None:
        mine, unit = pages.as_("coordinator"), world.units["信息中心"]
        late = mine.post(f"/units/{unit}/rename", {"version": "1", "name": "数据中心", "starts_on": "2099-01-01"})
        assert late.status_code == 422
        assert 'id="rename" open' in late.text
        busy = mine.post(f"/units/{unit}/end", {"version": "1", "ends_on": "2024-01-01"})
        assert busy.status_code == 409


class TestMerge:
    def test_shows_what_moves_then_moves_it(self, pages: PageClient, world: World) -> None:
        mine, gone, stays = pages.as_("coordinator"), world.units["监测处（应急处）"], world.units["信息中心"]
        preview = mine.get(f"/units/{gone}/merge", params={"into": stays})
        assert "3 个账号" in preview.text
        form = {"version": "1", "into_id": str(stays), "starts_on": "2024-03-01", "reason": "机构改革"}
        done = mine.post(f"/units/{gone}/merge", form)
        assert (done.status_code, done.headers["location"]) == (303, f"/units/{stays}")
        assert "监测处（应急处）" in mine.get(f"/units/{stays}").text
        assert "信息中心" in mine.get(f"/units/{gone}").text

    def test_refuses_another_bureaus_unit_as_if_there_were_none(self, pages: PageClient, world: World) -> None:
        mine, gone = pages.as_("coordinator"), world.units["信息中心"]
        answers = [mine.get(f"/units/{gone}/merge", params={"into": into}) for into in (world.units["计划处"], 999_999)]
        assert [answer.status_code for answer in answers] == [422, 422]
        assert all("计划处" not in answer.text for answer in answers)


class TestGroups:
    def test_gain_and_lose_members(self, pages: PageClient, world: World) -> None:
        mine = pages.as_("coordinator")
        form = {"name": "各中心站", "kind": "group", "parent_id": str(world.units[AIDING])}
        group = mine.post("/units", form).headers["location"]
        member = world.units["信息中心"]
        assert mine.post(f"{group}/members", {"unit_id": str(member)}).status_code == 303
        assert "信息中心" in mine.get(group).text
        assert "各中心站" in mine.get(f"/units/{member}").text
        assert mine.post(f"{group}/members/{member}/remove", {"version": "1"}).status_code == 303
