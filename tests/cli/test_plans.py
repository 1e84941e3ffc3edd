"""duikou plan read and duikou plan import."""

import json
from pathlib import Path

import pytest
from sqlmodel import select

from app.database import Database
from app.models import PlanImport, PlanImportState, Programme, Task
from tests.cli.conftest import Command
from tests.house.tree import APP

DEMO = str(APP / "data" / "demo_plan.txt")


@pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
class TestRead:
    def test_shows_title_tasks_and_doubts(self, duikou: Command) -> None:
        said = duikou("plan", "read", DEMO)
        assert said.code == 0
        assert "演示〔2022〕1号" in said.out
        assert "三/（二）/1" in said.out

    def test_gives_json_in_utf_8(self, duikou: Command) -> None:
        reading = json.loads(duikou("plan", "read", DEMO, "--json").out)
        assert reading["document_number"] == "演示〔2022〕1号"
        assert {"title", "tasks", "milestones", "units", "sections", "repairs", "ignored", "lines"} <= set(reading)

    def test_needs_no_store(self, duikou: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DUIKOU_MODE", "production")
        monkeypatch.delenv("DUIKOU_SECRET_KEY")
        assert duikou("plan", "read", DEMO).code == 0

    @pytest.mark.parametrize(
        ("name", "content"), [("empty.txt", b""), ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)]
    )
    def test_refuses_what_is_no_plan(self, duikou: Command, tmp_path: Path, name: str, content: bytes) -> None:
        (tmp_path / name).write_bytes(content)
        said = duikou("plan", "read", str(tmp_path / name))
        assert said.code == 1
        assert said.out == ""
        assert len(said.err.splitlines()) == 1


class TestImport:
    def test_leaves_the_review_to_a_person(self, duikou: Command, database: Database) -> None:
        said = duikou("plan", "import", DEMO, "--as", "coordinator")
        assert said.code == 0, said.err
        with database.reading() as session:
            assert session.exec(select(PlanImport)).one().state is PlanImportState.REVIEW

    def test_accepts_where_nothing_is_open(self, duikou: Command, database: Database) -> None:
        said = duikou("plan", "import", DEMO, "--as", "coordinator", "--accept")
        assert said.code == 0, said.err
        with database.reading() as session:
            programme = session.exec(select(Programme).where(Programme.document_number == "演示〔2022〕1号")).one()
            assert len(session.exec(select(Task).where(Task.programme_id == programme.key)).all()) == 13

    def test_says_what_is_still_open(self, duikou: Command, tmp_path: Path, database: Database) -> None:
        plan = tmp_path / "plan.txt"
        plan.write_text(
            "关于加强协作的工作方案\n\n一、主要任务\n\n1. 建立联络机制。（规财处、监测处）\n", encoding="utf-8"
        )
        said = duikou("plan", "import", str(plan), "--as", "coordinator", "--accept")
        assert said.code == 1
        assert "parties:" in said.err
        with database.reading() as session:
            assert session.exec(select(PlanImport)).one().state is PlanImportState.REVIEW

    def test_asks_for_the_right(self, duikou: Command) -> None:
        assert duikou("plan", "import", DEMO, "--as", "handler").code == 1
        assert duikou("plan", "import", DEMO, "--as", "nobody").code == 1
