"""Programmes on pages: the whole plan on one page that stays quick, and forms that keep what was typed."""

import pytest
from fastapi import FastAPI

from app.models import Task, TaskState
from app.services import events
from tests.clients import PageClient
from tests.factories import SYSTEM, World
from tests.personas import BUSINESS, EVERYBODY, RECEIVING
from tests.queries import counting

ADMINS = ("system_admin", "security_admin", "audit_admin")
READS = {**dict.fromkeys(BUSINESS, 200), **dict.fromkeys(ADMINS, 404), "outsider": 404, "nobody": 303}
CHANGES = {**dict.fromkeys(EVERYBODY, 403), "coordinator": 200, "outsider": 404, "nobody": 303}
PAGES = {
    "/programmes": READS | dict.fromkeys(ADMINS, 403) | {"outsider": 200},
    "/programmes/{home}": READS,
    "/programmes/{home}?track=0": READS,
    "/programmes/new": {**dict.fromkeys(EVERYBODY, 403), "nobody": 303}
    | dict.fromkeys(("coordinator", "treasurer", "leader"), 200),
    "/programmes/{home}/edit": CHANGES,
    "/programmes/{home}/arrange": CHANGES,
}


class TestEverybody:
    @pytest.mark.parametrize("path", sorted(PAGES))
    def test_gets_what_the_table_says(self, pages: PageClient, world: World, path: str) -> None:
        got = {login: pages.as_(login).get(path.format(**world.programmes)).status_code for login in EVERYBODY}
        assert got == PAGES[path]


class TestShow:
    def test_holds_head_sides_tracks_and_dates(self, pages: PageClient, world: World) -> None:
        html = pages.as_("recipient").get(f"/programmes/{world.programmes['home']}").text
        for text in ("冀震发〔2022〕1号", "河北省地震局", "巴州应急管理局", "资金援疆", "开展中期评估", "2023年底"):
            assert text in html
        assert "任务1" not in html, "tasks come with their track"

    def test_opens_one_track_in_place_or_as_a_page(self, pages: PageClient, world: World) -> None:
        path = f"/programmes/{world.programmes['home']}?track={world.tracks['home/project']}"
        mine = pages.as_("coordinator")
        assert "任务2：建立联络机制" in mine.get(path).text
        part = mine.htmx("GET", path).text
        assert part.lstrip().startswith(f'<section class="track" id="track-{world.tracks["home/project"]}"')
        assert "三（一）2" in part

    def test_hides_drafts_from_who_may_not_see_them(self, pages: PageClient, world: World) -> None:
        path = f"/programmes/{world.programmes['home']}?track={world.tracks['home/funding']}"
        assert "任务1" in pages.as_("coordinator").get(path).text
        assert "任务1" not in pages.as_("receiving_handler").get(path).text

    def test_another_programmes_track_opens_nothing(self, pages: PageClient, world: World) -> None:
        path = f"/programmes/{world.programmes['home']}?track={world.tracks['outside/funding']}"
        assert "任务4" not in pages.as_("coordinator").get(path).text

    @pytest.mark.parametrize("track", ["", "?track={track}"])
    def test_asks_no_more_for_five_hundred_tasks(
        self, pages: PageClient, app: FastAPI, world: World, track: str
    ) -> None:
        mine = pages.as_("coordinator")
        path = f"/programmes/{world.programmes['home']}" + track.format(track=world.tracks["home/project"])
        mine.get(path)
        with counting(app.state.database) as few:
            mine.get(path)
        with app.state.database.transaction() as session:
            for number in range(500):
                session.add(
                    Task(
                        programme_id=world.programmes["home"],
                        track_id=world.tracks["home/project"],
                        path=f"四/（一）/{number}",
                        sort_key=f"0004.{number:04d}",
                        heading=f"第{number}项",
                        state=TaskState.ISSUED,
                    )
                )
            events.record(session, SYSTEM, "test.fill")
        with counting(app.state.database) as many:
            html = mine.get(path).text
        assert few.count == many.count
        assert "501 项任务" in html
        assert len(html) < (40_000 if not track else 400_000)


class TestForms:
    def test_make_a_programme_and_seat_its_maker(self, pages: PageClient, world: World) -> None:
        mine = pages.as_("coordinator")
        form = {"title": "“十五五”对口援疆工作方案", "side": "aiding", "recipients": "机关各处室\n局属各单位"}
        done = mine.post("/programmes", form)
        assert done.status_code == 303
        html = mine.get(done.headers["location"]).text
        assert "机关各处室、局属各单位" in html
        assert pages.as_("recipient").get(done.headers["location"]).status_code == 404

    def test_keep_what_was_typed(self, pages: PageClient, world: World) -> None:
        mine, home = pages.as_("coordinator"), world.programmes["home"]
        form = {"version": "1", "title": "", "issuer": "某局", "starts_on": "2021-01-01", "ends_on": "2020-01-01"}
        refused = mine.post(f"/programmes/{home}", form)
        assert (refused.status_code, 'value="某局"' in refused.text) == (422, True)
        refused = mine.post(f"/programmes/{home}", form | {"title": "方案"})
        assert (refused.status_code, 'id="field-ends_on-error"' in refused.text) == (422, True)

    def test_show_both_texts_to_who_comes_second(self, pages: PageClient, world: World) -> None:
        mine, home = pages.as_("coordinator"), world.programmes["home"]
        assert mine.post(f"/programmes/{home}", {"version": "1", "title": "方案甲"}).status_code == 303
        stale = mine.post(f"/programmes/{home}", {"version": "1", "title": "方案乙"})
        assert stale.status_code == 412
        assert all(text in stale.text for text in ("方案甲", "方案乙", 'name="version" value="2"'))


class TestArrange:
    def test_tracks_are_added_named_moved_and_removed(self, pages: PageClient, world: World) -> None:
        mine, home = pages.as_("coordinator"), world.programmes["home"]
        page = f"/programmes/{home}/arrange"
        assert mine.post(f"/programmes/{home}/tracks", {"name": "科技援疆"}).headers["location"] == page
        assert "科技援疆" in mine.get(page).text
        funding = f"/tracks/{world.tracks['home/funding']}"
        assert mine.post(funding, {"version": "1", "name": "经费援疆", "position": "2"}).status_code == 303
        taken = mine.post(funding, {"version": "2", "name": "项目援疆"})
        assert (taken.status_code, "已有“项目援疆”" in taken.text) == (409, True)
        assert mine.post(f"{funding}/remove", {"version": "2"}).status_code == 409

    def test_a_party_joins_once_and_stays_while_it_works(self, pages: PageClient, world: World) -> None:
        mine, home = pages.as_("coordinator"), world.programmes["home"]
        new = mine.post("/programmes", {"title": "新方案", "side": "aiding"}).headers["location"]
        form = {"unit_id": str(world.units["援建科"]), "side": "partner"}
        refused = mine.post(f"{new}/parties", form)
        assert (refused.status_code, 'id="add-party" open' in refused.text) == (422, True)
        assert mine.post(f"{new}/parties", form | {"unit_id": str(world.units[RECEIVING])}).status_code == 303
        assert RECEIVING in mine.get(new).text
        assert mine.post(f"/programmes/{home}/parties/1/remove", {"version": "1"}).status_code == 409

    def test_is_not_another_programmes(self, pages: PageClient, world: World) -> None:
        mine = pages.as_("coordinator")
        assert mine.get(f"/programmes/{world.programmes['outside']}/arrange").status_code == 404
        assert (
            mine.post(f"/tracks/{world.tracks['outside/funding']}", {"version": "1", "name": "新"}).status_code == 404
        )


class TestMilestones:
    def test_are_changed_in_their_row(self, pages: PageClient, world: World) -> None:
        mine, home, key = pages.as_("recipient"), world.programmes["home"], world.milestones["home"]
        part = mine.htmx("GET", f"/programmes/{home}?milestone={key}").text
        assert part.lstrip().startswith(f'<tr id="milestone-{key}"')
        form = {"version": "1", "what": "中期评估会", "kind": "step", "starts_on": "2024-02-01", "recurring": "true"}
        done = mine.post(f"/milestones/{key}", form)
        assert done.headers["location"] == f"/programmes/{home}#milestones"
        html = mine.get(f"/programmes/{home}").text
        assert "中期评估会" in html
        assert "2023年底" not in html, "what was emptied is empty"

    def test_refused_rows_stay_open_with_both_texts(self, pages: PageClient, world: World) -> None:
        mine, key = pages.as_("coordinator"), world.milestones["home"]
        reversed_ = {"version": "1", "what": "评估", "kind": "step", "starts_on": "2024-02-01", "ends_on": "2024-01-01"}
        refused = mine.post(f"/milestones/{key}", reversed_)
        assert (refused.status_code, f'id="milestone-{key}-ends_on-error"' in refused.text) == (422, True)
        stale = mine.post(f"/milestones/{key}", {"version": "7", "what": "我的评估", "kind": "step"})
        assert stale.status_code == 412
        assert "我的评估" in stale.text
        assert 'name="version" value="1"' in stale.text

    def test_are_added_and_removed(self, pages: PageClient, world: World) -> None:
        mine, home = pages.as_("coordinator"), world.programmes["home"]
        form = {"programme_id": str(home), "what": "终期评估", "kind": "goal", "ends_on": "2027-12-31"}
        assert mine.post("/milestones", form).status_code == 303
        assert "2 个节点中 1 个已过" in mine.get(f"/programmes/{home}").text
        refused = mine.post("/milestones", form | {"what": ""})
        assert (refused.status_code, 'id="add-milestone" open' in refused.text) == (422, True)
        key = world.milestones["home"]
        assert mine.post(f"/milestones/{key}/remove", {"version": "1"}).status_code == 303
        assert "开展中期评估" not in mine.get(f"/programmes/{home}").text

    def test_are_not_another_programmes(self, pages: PageClient, world: World) -> None:
        mine, other = pages.as_("coordinator"), world.milestones["outside"]
        assert mine.post(f"/milestones/{other}", {"version": "1", "what": "评估", "kind": "step"}).status_code == 404
        form = {"programme_id": str(world.programmes["outside"]), "what": "终期评估", "kind": "goal"}
        assert mine.post("/milestones", form).status_code == 404
