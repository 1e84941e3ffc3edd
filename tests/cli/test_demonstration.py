"""duikou demo: a whole programme in an empty store, made as people would make it."""

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func
from sqlmodel import select

from app.database import Database
from app.main import create_app
from app.models import Attachment, Event, EventKind, Membership, Party, Programme, Side, Task, User
from app.permissions import Administrator, Role
from app.services import demo
from app.settings import Settings
from tests.cli.conftest import Command
from tests.clients import PageClient


class TestDemo:
    def test_fills_an_empty_store_and_prints_the_accounts(self, fresh: Command) -> None:
        fresh("migrate")
        said = fresh("demo")
        assert said.code == 0, said.err
        assert demo.PASSWORD in said.out
        for account in demo.accounts():
            assert account.login in said.out

    def test_refuses_a_store_that_is_not_empty(self, duikou: Command) -> None:
        assert duikou("demo").code == 1
        assert duikou("demo", "--if-empty").code == 0

    def test_refuses_production(self, fresh: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        fresh("migrate")
        monkeypatch.setenv("DUIKOU_MODE", "production")
        said = fresh("demo")
        assert said.code == 1
        assert "DUIKOU_MODE=demo" in said.err


class TestContent:
    @pytest.fixture
    def filled(self, stores: object, fresh: Command) -> Database:
        """A store with the demonstration; opened by the last settings that were made."""
        fresh("migrate")
        assert fresh("demo").code == 0
        settings = stores._settings(f"empty_{stores.worker}_{stores.count}")  # type: ignore[attr-defined]
        opened = Database(settings)
        yield opened  # type: ignore[misc]
        opened.dispose()

    def test_is_whole_and_was_made_by_verbs(self, filled: Database) -> None:
        with filled.reading() as session:
            assert set(session.exec(select(Membership.role))) == set(Role)
            seats = session.exec(select(User.administrator).where(User.administrator.is_not(None)))  # type: ignore[union-attr]
            assert sorted(seats) == sorted(Administrator)
            assert set(session.exec(select(Party.side))) == set(Side)
            programme = session.exec(select(Programme)).one()
            assert (programme.starts_on.year, programme.ends_on.year) == (2021, 2025)  # type: ignore[union-attr]
            assert session.exec(select(func.count()).select_from(Task)).one() == 13
            assert session.exec(select(func.count()).select_from(Attachment)).one() >= 4
            verbs = set(session.exec(select(Event.verb).where(Event.kind == EventKind.VERB)))
            orphans = session.exec(select(Event).where(Event.kind == EventKind.ROW, Event.cause_id.is_(None))).all()  # type: ignore[union-attr]
        assert {"plan_import.accept", "unit.create", "user.create", "membership.grant", "attachment.create"} <= verbs
        assert orphans == []

    def test_opens_for_each_account(self, filled: Database, stores: object) -> None:
        settings: Settings = stores._settings(f"empty_{stores.worker}_{stores.count}")  # type: ignore[attr-defined]
        app: FastAPI = create_app(settings)
        for account in demo.accounts():
            client = PageClient(app).client
            answer: httpx.Response = client.post(
                "/sign-in",
                data={"login": account.login, "password": demo.PASSWORD},
                headers={"Origin": "http://testserver"},
            )
            assert (answer.status_code, answer.headers["location"]) == (303, "/"), account.login
            assert client.get("/").status_code == 200
        app.state.database.dispose()
