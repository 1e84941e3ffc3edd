"""duikou user: accounts, for whoever administers the server."""

import secrets
from datetime import datetime
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from app.cli.speech import say, show, told
from app.cli.stores import opened
from app.clock import SHANGHAI
from app.errors import DomainError
from app.messages import N_
from app.permissions import Administrator
from app.schemas.user import UserCreate, UserFilters
from app.services import first_run, logins, passwords, second_factors, sessions, units, users
from app.services.passwords import Issued

app = typer.Typer(no_args_is_help=True)
_PAGE = 200
Login = Annotated[str, typer.Argument(help=told(N_("The account's login.")))]


class AccountUnusable(DomainError):
    """A login, name or date that an account cannot have."""

    code = "account_unusable"
    message = N_("This cannot be used for an account: %(fields)s")


class UnitUnclear(DomainError):
    """No unit of that name, or several."""

    code = "unit_unclear"
    message = N_("Not exactly one unit is called %(name)s. Give its number: %(ids)s")


@app.command("first-run", help=told(N_("Create the three administrators of an empty store and print their passwords.")))
def create_administrators(
    system: Annotated[str, typer.Option(help=told(N_("Login of the system administrator.")))] = "system",
    security: Annotated[str, typer.Option(help=told(N_("Login of the security administrator.")))] = "security",
    audit: Annotated[str, typer.Option(help=told(N_("Login of the audit administrator.")))] = "audit",
) -> None:
    """Each password is shown once; at the first sign-in its holder has to choose another."""
    chosen = [(system, Administrator.SYSTEM), (security, Administrator.SECURITY), (audit, Administrator.AUDIT)]
    for login, _ in chosen:
        _checked(login=login, name=login, kind="service")
    given = {login: secrets.token_urlsafe(12) for login, _ in chosen}
    people = [(login, login, sessions.hash_password(given[login]), seat) for login, seat in chosen]
    with opened() as work, work.store.transaction() as session:
        first_run.create_administrators(session, work.actor, people, work.now)
    for login, password in given.items():
        show(f"{login}\t{password}")
    say(N_("Write these down: they are not shown again. Each has to be changed at the first sign-in."))


@app.command("create", help=told(N_("Open an account and print the one-time code that its person begins with.")))
def create_user(
    login: Login,
    name: Annotated[str, typer.Argument(help=told(N_("The person's name, or what the service is.")))],
    unit: Annotated[str | None, typer.Option(help=told(N_("The unit: its name or its number.")))] = None,
    service: Annotated[
        bool, typer.Option("--service", help=told(N_("A service account: it never signs in, it holds tokens.")))
    ] = False,
    expires_on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help=told(N_("The last day on which it opens.")))
    ] = None,
) -> None:
    """The account has no rights until a role is given to it."""
    data = _checked(
        login=login,
        name=name,
        kind="service" if service else "person",
        expires_on=expires_on.date() if expires_on else None,
    )
    with opened() as work, work.store.transaction() as session:
        if unit is not None:
            data = data.model_copy(update={"unit_id": _unit_id(session, work.actor, unit)})
        made = users.create(session, work.actor, data, now=work.now).key
        issued = None if service else passwords.issue_code(session, work.actor, made, now=work.now)
    say(N_("The account %(login)s is open; its number is %(id)s."), login=data.login, id=made)
    if issued is not None:
        _print_code(issued)


@app.command("list", help=told(N_("List accounts: number, login, name, unit, seat, state.")))
def list_users(q: Annotated[str, typer.Option(help=told(N_("Part of a name or login.")))] = "") -> None:
    """All accounts that fit, page after page."""
    with opened() as work, work.store.reading() as session:
        cursor: str | None = None
        while True:
            page = users.page(session, work.actor, UserFilters(q=q or None), sort="id", limit=_PAGE, cursor=cursor)
            for row in page.rows:
                state = told(N_("open")) if row.active else told(N_("closed"))
                seat = row.administrator.value if row.administrator else ""
                show(f"{row.id}\t{row.login}\t{row.name}\t{row.unit_name or ''}\t{seat}\t{state}")
            cursor = page.next_cursor
            if cursor is None:
                break


@app.command("close", help=told(N_("Close an account: its sessions, tokens and codes end with it.")))
def close_user(login: Login, reason: Annotated[str, typer.Option(help=told(N_("Why, for the record.")))] = "") -> None:
    """The record of what the person did stays."""
    with opened() as work, work.store.transaction() as session:
        user = logins.find(session, work.actor, login)
        users.close(session, work.actor, user.key, user.version, reason=reason, now=work.now)
    say(N_("The account %(login)s is closed."), login=login)


@app.command("reset", help=told(N_("Print a one-time code with which a person chooses a new password.")))
def reset_user(login: Login) -> None:
    """Works for accounts of persons; older codes end."""
    with opened() as work, work.store.transaction() as session:
        user = logins.find(session, work.actor, login)
        issued = passwords.issue_code(session, work.actor, user.key, now=work.now)
    _print_code(issued)


@app.command("reset-factor", help=told(N_("Take away the second factor of a person who has lost it.")))
def reset_factor(login: Login, reason: Annotated[str, typer.Option(help=told(N_("Why, for the record.")))]) -> None:
    """For when nobody who could do it can sign in; the three administrators see it in the list of resets."""
    with opened() as work, work.store.transaction() as session:
        user = logins.find(session, work.actor, login)
        second_factors.reset(session, work.actor, user.key, user.version, reason=reason, now=work.now)
    say(N_("The second factor of %(login)s is taken away."), login=login)


def _print_code(issued: Issued) -> None:
    until = issued.expires_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    show(issued.code)
    say(N_("One-time code for %(login)s, valid until %(until)s (Beijing time)."), login=issued.login, until=until)


def _checked(**values: Any) -> UserCreate:
    try:
        return UserCreate(**values)
    except ValidationError as error:
        raise AccountUnusable(fields=", ".join(str(mistake["loc"][0]) for mistake in error.errors())) from None


def _unit_id(session: Any, actor: Any, unit: str) -> int:
    if unit.isascii() and unit.isdigit():
        return int(unit)
    found = [match.unit_id for match in units.match(session, actor, [unit])[unit] if match.unit_ends_on is None]
    if len(found) != 1:
        raise UnitUnclear(field="unit", name=unit, ids=", ".join(str(unit_id) for unit_id in found) or "-")
    return found[0]
