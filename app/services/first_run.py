"""First run: an empty store gets its three administrators, and nobody else; there is no default account."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.errors import DomainError, Kind
from app.messages import N_
from app.models import User, UserKind
from app.permissions import Actor, Administrator
from app.services import events


class AccountsExist(DomainError):
    """The first run is over."""

    kind = Kind.CONFLICT
    code = "accounts_exist"
    message = N_("There are accounts already; the first run is over.")


class ThreeSeatsNeeded(DomainError):
    """Not three people on three seats."""

    code = "three_seats_needed"
    message = N_("Name three different people, one for each seat: system, security and audit.")


def is_due(session: Session) -> bool:
    """Whether nobody has an account yet."""
    return not session.scalar(select(func.count(col(User.id))))


def create_administrators(
    session: Session, actor: Actor, people: Sequence[tuple[str, str, str, Administrator]], now: datetime
) -> list[User]:
    """Create the three administrators of an empty store from (login, name, password hash, seat).

    Each of them has to choose a password of their own at the first sign-in, because whoever runs the
    first run has seen all three. Raises AccountsExist or ThreeSeatsNeeded.
    """
    if not is_due(session):
        raise AccountsExist
    logins = {login.lower() for login, _, _, _ in people}
    if len(people) != len(Administrator) or len(logins) != len(people) or {p[3] for p in people} != set(Administrator):
        raise ThreeSeatsNeeded
    created = [
        User(
            login=login.lower(),
            name=name,
            kind=UserKind.PERSON,
            administrator=seat,
            password_hash=password_hash,
            must_change_password=True,
            password_changed_at=now,
        )
        for login, name, password_hash, seat in people
    ]
    session.add_all(created)
    events.record(session, actor, "user.first_run", now=now)
    return created
