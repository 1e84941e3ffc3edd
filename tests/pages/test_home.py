"""Home answers first what a person owes, and every figure is the number of its rows."""

import re

import pytest

from app.database import Database
from app.models import Task
from app.services import events
from tests.clients import PageClient
from tests.factories import SYSTEM, World
from tests.personas import EVERYBODY, PERSONAS


class TestEverybody:
    def test_has_one(self, pages: PageClient) -> None:
        got = {login: pages.as_(login).get("/").status_code for login in EVERYBODY}
        assert got == dict.fromkeys(PERSONAS, 200) | {"nobody": 303}

    @pytest.mark.parametrize("login", ["system_admin", "security_admin", "audit_admin", "superior"])
    def test_who_has_no_tasks_finds_their_places(self, pages: PageClient, login: str) -> None:
        assert "可以前往" in pages.as_(login).get("/").text


class TestOwed:
    def test_each_figure_is_the_number_of_its_rows(self, pages: PageClient, database: Database, world: World) -> None:
        with database.transaction() as session:
            task = session.get_one(Task, world.tasks["draft"])
            task.due_on, task.open_ended = None, True
            events.record(session, SYSTEM, "test.open")
        mine = pages.as_("treasurer")
        html = mine.get("/").text
        figures = re.findall(
            r'<a class="figures__link" href="(/tasks\?[^"]*mine[^"]*)">.*?figures__number">([\d,+]+)<', html, re.DOTALL
        )
        assert len(figures) == 5
        for address, number in figures:
            listed = mine.get(address.replace("&amp;", "&")).text
            assert listed.count("<tr id=") == int(number)
        assert sum(int(number) for _, number in figures) == 1

    def test_the_parts_leave_nothing_out(self, pages: PageClient, world: World) -> None:
        html = pages.as_("handler").get("/").text
        assert "任务2" in html
        assert "任务3" not in html


class TestWaiting:
    def test_is_the_coordinators(self, pages: PageClient, world: World) -> None:
        assert "state=draft" in pages.as_("coordinator").get("/").text
        assert "state=draft" not in pages.as_("handler").get("/").text


class TestRecent:
    def test_shows_nobody_anothers_draft(self, pages: PageClient, world: World) -> None:
        path = f"/tasks/{world.tasks['draft']}"
        form = {"heading": "机密的草稿", "text": "", "due_on": "2027-01-01", "version": "1"}
        assert pages.as_("coordinator").post(path, form).status_code == 303
        knows = {login for login in PERSONAS if "机密的草稿" in pages.as_(login).get("/").text}
        assert knows == {"coordinator", "recipient", "treasurer", "inspector", "leader", "receiving_leader", "auditor"}
