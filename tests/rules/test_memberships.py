"""Dates and sides of roles."""

from datetime import date

import pytest

from app.permissions import Role
from app.rules import memberships as rules


class TestCheckDates:
    def test_asks_an_auditor_for_the_last_day(self) -> None:
        with pytest.raises(rules.AuditorNeedsEnd):
            rules.check_dates(Role.AUDITOR, date(2026, 1, 1), None)
        rules.check_dates(Role.AUDITOR, date(2026, 1, 1), date(2026, 1, 1))

    def test_refuses_an_end_before_the_start(self) -> None:
        with pytest.raises(rules.EndsBeforeStart):
            rules.check_dates(Role.HANDLER, date(2026, 1, 2), date(2026, 1, 1))


class TestCheckSide:
    @pytest.mark.parametrize(
        ("role", "side"), [(Role.RECIPIENT, "aiding"), (Role.PARTNER, "receiving"), (Role.SUPERIOR, "partner")]
    )
    def test_refuses_a_role_of_another_side(self, role: Role, side: str) -> None:
        with pytest.raises(rules.RoleOfAnotherSide):
            rules.check_side(role, side)

    def test_lets_only_an_auditor_come_from_outside(self) -> None:
        rules.check_side(Role.AUDITOR, None)
        with pytest.raises(rules.UnitNotParty):
            rules.check_side(Role.HANDLER, None)
