"""duikou user and duikou token."""

from datetime import datetime

import pytest
from sqlmodel import select

from app.clock import SHANGHAI
from app.database import Database
from app.models import Event, User
from app.permissions import Administrator
from tests.cli.conftest import Command
from tests.factories import World


class TestFirstRun:
    def test_makes_the_three_administrators_and_nobody_else(self, fresh: Command) -> None:
        fresh("migrate")
        said = fresh("user", "first-run")
        assert said.code == 0
        logins = [line.split("\t")[0] for line in said.out.splitlines() if "\t" in line]
        assert logins == ["system", "security", "audit"]
        seats = [line.split("\t")[4] for line in fresh("user", "list").out.splitlines()]
        assert seats == [seat.value for seat in Administrator]

    def test_happens_once(self, fresh: Command) -> None:
        fresh("migrate")
        fresh("user", "first-run")
        assert fresh("user", "first-run").code == 1

    def test_refuses_a_login_that_cannot_be_one(self, fresh: Command) -> None:
        fresh("migrate")
        said = fresh("user", "first-run", "--system", "not a login")
        assert said.code == 1
        assert "login" in said.err


class TestUser:
    def test_create_prints_a_code_once(self, duikou: Command, database: Database) -> None:
        said = duikou("user", "create", "limin", "李敏", "--unit", "监测处")
        assert said.code == 0
        assert "limin" in said.out
        with database.reading() as session:
            user = session.exec(select(User).where(User.login == "limin")).one()
            assert user.password_hash == ""
            event = session.exec(select(Event).where(Event.verb == "user.create")).one()
        assert event.channel == "cli"

    def test_create_needs_one_unit(self, duikou: Command) -> None:
        assert "unit" in duikou("user", "create", "limin", "李敏").err
        assert duikou("user", "create", "limin", "李敏", "--unit", "没有的处").code == 1

    def test_create_refuses_a_login_twice(self, duikou: Command) -> None:
        said = duikou("user", "create", "coordinator", "另一个", "--unit", "监测处")
        assert said.code == 1

    def test_list_finds_by_part_of_a_name(self, duikou: Command) -> None:
        lines = duikou("user", "list", "--q", "统筹").out.splitlines()
        assert {line.split("\t")[1] for line in lines} == {"coordinator", "recipient", "outsider"}

    def test_close_ends_an_account(self, duikou: Command) -> None:
        assert duikou("user", "close", "handler", "--reason", "调离").code == 0
        assert "closed" in duikou("user", "list", "--q", "handler").out
        assert duikou("user", "close", "handler").code == 1

    def test_close_keeps_the_last_administrator(self, duikou: Command) -> None:
        assert duikou("user", "close", "system_admin").code == 1

    def test_reset_prints_a_code(self, duikou: Command) -> None:
        code = duikou("user", "reset", "handler").out.splitlines()[0]
        assert len(code.split("-")) == 3


class TestToken:
    @pytest.fixture
    def service(self, duikou: Command) -> str:
        """A service account."""
        assert duikou("user", "create", "sync", "财务同步", "--service").code == 0
        return "sync"

    def test_never_has_more_than_its_account(self, duikou: Command, service: str) -> None:
        said = duikou("token", "create", service, "--scope", "task:read", "--name", "同步")
        assert said.code == 1
        assert "task:read" in said.err

    def test_is_shown_once_listed_and_revoked(self, duikou: Command, service: str) -> None:
        said = duikou("token", "create", service, "--scope", "account:manage", "--name", "同步", "--days", "7")
        assert said.code == 0, said.err
        secret = said.out.splitlines()[0]
        assert secret.startswith("dk_")
        listed = duikou("token", "list", "--login", service).out
        assert "同步" in listed
        assert secret not in listed
        number = listed.split("\t")[0]
        assert duikou("token", "revoke", number).code == 0
        assert duikou("token", "list", "--login", service, "--live").out == ""
        assert duikou("token", "revoke", number).code == 1

    def test_of_a_person_is_made_by_the_person(self, duikou: Command) -> None:
        assert duikou("token", "create", "coordinator", "--scope", "task:read", "--name", "x").code == 1

    def test_with_an_unknown_right_is_a_slip_of_typing(self, duikou: Command, service: str) -> None:
        assert duikou("token", "create", service, "--scope", "task:fly", "--name", "x").code == 2


def test_dates_are_those_of_china(duikou: Command, world: World) -> None:
    duikou("user", "create", "sync", "同步", "--service")
    said = duikou("token", "create", "sync", "--scope", "account:manage", "--name", "x", "--days", "0")
    assert datetime.now(SHANGHAI).date().isoformat() in said.out
