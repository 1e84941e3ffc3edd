"""People from a workbook: all of them or none, and every mistake named by row and column."""

import pytest
from sqlmodel import func, select

from app.database import Database
from app.errors import Forbidden
from app.models import Membership, ResetCode, User
from app.papers.account_workbook import AccountRow
from app.services import account_sheets, memberships
from tests.factories import NOW, World, actor_of
from tests.queries import counting


def row(number: int, **values: str) -> AccountRow:
    return AccountRow(number, {"login": f"person{number}", "name": "某某", "unit": "规财处", "role": "", **values})


def count(database: Database) -> int:
    with database.reading() as session:
        return session.exec(select(func.count()).select_from(User)).one()


class TestCreateAccounts:
    def test_opens_all_and_prints_a_code_for_each(self, database: Database, world: World) -> None:
        rows = [
            row(2),
            row(3, unit="河北省地震局规划财务处", expires_on="2027-06-30", phone="0311-1"),
            row(4, role="承办人", unit="监测处 (应急处)"),
        ]
        with database.transaction() as session:
            issued = account_sheets.create_accounts(session, actor_of(database, world, "system_admin"), rows, now=NOW)
        assert [one.login for one in issued] == ["person2", "person3", "person4"]
        assert [one.unit_name for one in issued] == ["规划财务处", "规划财务处", "监测处（应急处）"]
        assert len({one.code for one in issued}) == 3
        with database.reading() as session:
            assert session.exec(select(func.count()).select_from(ResetCode)).one() == 3
            # Accounts give no right: the roles are another person's to give.
            assert session.exec(select(func.count()).select_from(Membership)).one() == 14

    def test_stores_nothing_where_one_row_is_wrong(self, database: Database, world: World) -> None:
        before = count(database)
        rows = [
            row(2),
            row(3, login="person2"),
            row(4, login="Handler"),
            row(5, unit="没有这个处"),
            row(6, unit=""),
            row(7, role="皇帝"),
            row(8, name="", login="有 空格", email="x", phone="abc", expires_on="去年"),
        ]
        with pytest.raises(account_sheets.WorkbookRefused) as refused, database.transaction() as session:
            account_sheets.create_accounts(session, actor_of(database, world, "system_admin"), rows, now=NOW)
        found = {(refusal.row, refusal.field, refusal.code) for refusal in refused.value.refusals}
        assert found == {
            (3, "login", "login_repeated"),
            (4, "login", "login_taken"),
            (5, "unit", "unit_unknown"),
            (6, "unit", "unit_needed"),
            (7, "role", "role_unknown"),
            (8, "name", "name_unusable"),
            (8, "login", "login_unusable"),
            (8, "email", "email_unusable"),
            (8, "phone", "phone_unusable"),
            (8, "expires_on", "not_a_date"),
        }
        assert count(database) == before

    def test_belongs_to_the_system_administrator(self, database: Database, world: World) -> None:
        with pytest.raises(Forbidden), database.transaction() as session:
            account_sheets.create_accounts(session, actor_of(database, world, "security_admin"), [row(2)], now=NOW)

    def test_checks_two_thousand_rows_with_few_questions(self, database: Database, world: World) -> None:
        actor = actor_of(database, world, "system_admin")
        with counting(database) as asked, database.reading() as session:
            account_sheets.check_accounts(session, actor, [row(number) for number in range(2, 2002)])
        assert asked.count < 10


class TestGrantRoles:
    def grant(self, database: Database, world: World, rows: list[AccountRow], by: str = "security_admin") -> int:
        with database.transaction() as session:
            actor = actor_of(database, world, by)
            return account_sheets.grant_roles(session, actor, world.programmes["home"], rows, now=NOW)

    @pytest.mark.parametrize("by", ["security_admin", "coordinator"])
    def test_gives_the_roles_of_the_rows_that_have_one(self, database: Database, world: World, by: str) -> None:
        rows = [row(2, login="handler", role="财务", expires_on="2027-06-30"), row(3, login="leader")]
        assert self.grant(database, world, rows, by) == 1
        with database.reading() as session:
            actor = actor_of(database, world, by)
            newest = memberships.of_user(session, actor, world.users["handler"])[0]
        assert (newest.role.value, newest.ends_on.isoformat()) == ("treasurer", "2027-06-30")

    def test_gives_none_where_one_is_refused(self, database: Database, world: World) -> None:
        rows = [
            row(2, login="handler", role="财务"),
            row(3, login="system_admin", role="承办人"),
            row(4, login="nobody-here", role="承办人"),
            row(5, login="leader", role="外部审计"),
            row(6, login="deputy", role="承办人", expires_on="去年"),
            row(7, login="outsider", role="承办人", unit="计划处"),
        ]
        with pytest.raises(account_sheets.WorkbookRefused) as refused:
            self.grant(database, world, rows, "coordinator")
        assert {(refusal.row, refusal.code) for refusal in refused.value.refusals} == {
            (3, "administrator_holds_no_role"),
            (4, "person_unknown"),
            (5, "auditor_needs_end"),
            (6, "not_a_date"),
            (7, "person_unknown"),
            (7, "unit_unknown"),
        }
        with database.reading() as session:
            assert session.exec(select(func.count()).select_from(Membership)).one() == 14

    def test_is_refused_to_others(self, database: Database, world: World) -> None:
        for login in ("system_admin", "recipient", "outsider"):
            with pytest.raises(Forbidden):
                self.grant(database, world, [row(2, role="承办人")], login)
