"""Accounts from a workbook: everything or nothing, and each refusal with its row, field and sentence.

One sheet serves two people. The system administrator opens the accounts of its rows; the roles in it
are given by whoever may give them, from the same sheet, in the programme that they choose.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlmodel import Session, col

from app.errors import DomainError, FieldError, Forbidden
from app.folding import fold
from app.messages import N_
from app.models import Unit, UnitName, User
from app.papers.account_workbook import AccountRow, WorkbookTooLarge
from app.permissions import Actor, P, Role, can
from app.schemas.membership import MembershipCreate
from app.schemas.user import UserCreate
from app.services import events, memberships, passwords, units, users
from app.services.passwords import Issued

MAX_ROLES = 500  # Each is checked as one that is given by hand.
ROLE_NAMES: dict[str, Role] = {
    "统筹": Role.COORDINATOR,
    "受援方统筹": Role.RECIPIENT,
    "单位负责人": Role.UNIT_HEAD,
    "承办人": Role.HANDLER,
    "AB角": Role.DEPUTY,
    "财务": Role.TREASURER,
    "监督": Role.INSPECTOR,
    "领导": Role.LEADER,
    "协同": Role.PARTNER,
    "上级": Role.SUPERIOR,
    "外部审计": Role.AUDITOR,
}
_WRONG = {
    "login": ("login_unusable", N_("A login is 2 to 64 small letters, figures, dots, dashes or underscores.")),
    "name": ("name_unusable", N_("Please give a name of at most 100 characters.")),
    "phone": ("phone_unusable", N_("A telephone number has figures, spaces, brackets, + and - only.")),
    "email": ("email_unusable", N_("This is not an e-mail address.")),
    "expires_on": ("not_a_date", N_("Please give a date such as 2026-11-23.")),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing wrong with one row: stable code, message id and its values."""

    row: int
    field: str
    code: str
    message: str
    values: tuple[tuple[str, object], ...] = ()


class WorkbookRefused(DomainError):
    """At least one row cannot be taken; nothing was stored."""

    code = "workbook_refused"
    message = N_("Nothing was stored: %(number)s rows need mending.")

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__(number=len({refusal.row for refusal in refusals}))
        self.refusals = tuple(refusals)

    @property
    def errors(self) -> tuple[FieldError, ...]:
        """Each mistake under its row and column, such as ``rows.3.login``."""
        return tuple(FieldError(f"rows.{r.row}.{r.field}", r.code, r.message, r.values) for r in self.refusals)


def check_accounts(
    session: Session, actor: Actor, rows: Sequence[AccountRow]
) -> tuple[list[UserCreate], list[Refusal]]:
    """The accounts that the rows ask for, and what is wrong with them. Raises Forbidden."""
    if not can(actor, P.USER_MANAGE):
        raise Forbidden
    known = _units(session, actor)
    taken = _taken(session, [row.values.get("login", "").lower() for row in rows])
    first: dict[str, int] = {}
    accounts, refusals = [], []
    for row in rows:
        wrong = _check_role(row)
        unit_id = _unit(row, known, wrong)
        login = row.values.get("login", "").lower()
        if login in taken:
            wrong.append(_refusal(row, "login", users.LoginTaken()))
        elif login and first.setdefault(login, row.number) != row.number:
            wrong.append(
                Refusal(
                    row.number,
                    "login",
                    "login_repeated",
                    N_("Row %(row)s has the same login."),
                    (("row", first[login]),),
                )
            )
        account = _account(row, unit_id, wrong)
        refusals += wrong
        if account is not None and not wrong:
            accounts.append(account)
    return accounts, refusals


def create_accounts(session: Session, actor: Actor, rows: Sequence[AccountRow], *, now: datetime) -> list[Issued]:
    """Open an account for each row and print its one-time code. Raises WorkbookRefused or Forbidden."""
    accounts, refusals = check_accounts(session, actor, rows)
    if refusals:
        raise WorkbookRefused(refusals)
    created = [users.from_data(account) for account in accounts]
    session.add_all(created)
    session.flush()
    codes = [passwords.new_code(session, user.key, now) for user in created]
    # One verb for all of them; each account is a row of it. Two thousand verbs would hold the store for a minute.
    events.record(session, actor, "user.import", details={"accounts": len(created)}, now=now)
    names = {row.id: row.name for row in session.connection().execute(select(col(Unit.id), col(Unit.name)))}
    expires_at = now + timedelta(hours=passwords.CODE_HOURS)
    return [
        Issued(user.key, user.login, user.name, names.get(user.unit_id or 0), code, expires_at)
        for user, code in zip(created, codes, strict=True)
    ]


def grant_roles(session: Session, actor: Actor, programme_id: int, rows: Sequence[AccountRow], *, now: datetime) -> int:
    """Give the roles of the rows in one programme, from today to each row's date; returns how many.

    Rows without a role are passed over. Raises WorkbookRefused, WorkbookTooLarge, Forbidden or
    ProgrammeUnknown.
    """
    if not can(actor, P.MEMBERSHIP_MANAGE, programme_id):
        raise Forbidden
    if len(rows) > MAX_ROLES:
        raise WorkbookTooLarge(field="file", rows=MAX_ROLES)
    known = _units(session, actor)
    logins = [row.values.get("login", "").lower() for row in rows]
    people = _ids(session, actor, logins)
    refusals: list[Refusal] = []
    number = 0
    for row in rows:
        if not row.values.get("role"):
            continue
        wrong = _check_role(row)
        unit_id = _unit(row, known, wrong)
        user_id = people.get(row.values.get("login", "").lower())
        if user_id is None:
            wrong.append(_refusal(row, "login", memberships.PersonUnknown()))
        if not wrong and unit_id is not None and user_id is not None:
            wrong += _grant(session, actor, programme_id, row, user_id, unit_id, now)
            number += 1
        refusals += wrong
    if refusals:
        raise WorkbookRefused(refusals)
    return number


def _grant(session: Session, actor: Actor, programme_id: int, row: AccountRow, *ids_and_time: Any) -> list[Refusal]:
    user_id, unit_id, now = ids_and_time
    try:
        ends_on = date.fromisoformat(row.values["expires_on"]) if row.values.get("expires_on") else None
    except ValueError:
        return [Refusal(row.number, "expires_on", *_WRONG["expires_on"])]
    data = MembershipCreate(
        programme_id=programme_id,
        user_id=user_id,
        unit_id=unit_id,
        role=ROLE_NAMES[row.values["role"]],
        ends_on=ends_on,
    )
    try:
        memberships.grant(session, actor, data, now=now)
    except memberships.ProgrammeUnknown:
        raise
    except DomainError as refusal:
        return [_refusal(row, refusal.field or "role", refusal)]
    return []


def _account(row: AccountRow, unit_id: int | None, wrong: list[Refusal]) -> UserCreate | None:
    given: dict[str, Any] = {
        name: row.values[name] for name in ("login", "name", "phone", "email") if name in row.values
    }
    if row.values.get("expires_on"):
        given["expires_on"] = row.values["expires_on"]
    try:
        return UserCreate(unit_id=unit_id, **given)
    except ValidationError as error:
        for field in {str(item["loc"][0]) for item in error.errors()}:
            code, message = _WRONG.get(field, ("invalid", N_("This value cannot be used.")))
            wrong.append(Refusal(row.number, field, code, message))
        return None


def _check_role(row: AccountRow) -> list[Refusal]:
    role = row.values.get("role", "")
    if not role or role in ROLE_NAMES:
        return []
    message = N_("There is no role %(role)s. Choose one of: %(roles)s.")
    return [Refusal(row.number, "role", "role_unknown", message, (("role", role), ("roles", "、".join(ROLE_NAMES))))]


def _unit(row: AccountRow, known: dict[str, set[int]], wrong: list[Refusal]) -> int | None:
    name = row.values.get("unit", "")
    found = known.get(fold(name), set()) if name else set()
    if len(found) == 1:
        return next(iter(found))
    if not name:
        wrong.append(_refusal(row, "unit", users.UnitNeeded()))
    elif found:
        message = N_("Several units are called %(name)s. Write the full name of the bureau before it.")
        wrong.append(Refusal(row.number, "unit", "unit_ambiguous", message, (("name", name),)))
    else:
        wrong.append(
            Refusal(row.number, "unit", "unit_unknown", N_("There is no unit called %(name)s."), (("name", name),))
        )
    return None


def _units(session: Session, actor: Actor) -> dict[str, set[int]]:
    """Every live unit that ``actor`` sees by each of its folded names, and by its bureau's name before its own."""
    found: dict[str, set[int]] = {}
    rows: Any = session.connection().execute(
        select(col(UnitName.folded), col(Unit.id), col(Unit.root_id))
        .join(Unit, col(Unit.id) == col(UnitName.unit_id))
        .where(col(Unit.merged_into_id).is_(None), units.seen_by(actor))
    )
    all_rows = rows.all()
    roots: dict[int, set[str]] = {}
    for row in all_rows:
        found.setdefault(row.folded, set()).add(row.id)
        if row.id == row.root_id:
            roots.setdefault(row.id, set()).add(row.folded)
    for row in all_rows:
        for root in roots.get(row.root_id, ()):
            if row.id != row.root_id:
                found.setdefault(root + row.folded, set()).add(row.id)
    return found


def _taken(session: Session, logins: Sequence[str]) -> set[str]:
    return set(session.scalars(select(func.lower(col(User.login))).where(func.lower(col(User.login)).in_(logins))))


def _ids(session: Session, actor: Actor, logins: Sequence[str]) -> dict[str, int]:
    statement = select(col(User.login), col(User.id)).where(users.open_to(actor), col(User.login).in_(logins))
    return {row.login: row.id for row in session.connection().execute(statement)}


def _refusal(row: AccountRow, field: str, refusal: DomainError) -> Refusal:
    return Refusal(row.number, field, refusal.code, refusal.message, tuple(refusal.values.items()))
