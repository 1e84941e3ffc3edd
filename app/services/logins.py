"""Login: how a command, which is given no id, finds an account."""

from datetime import date

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.errors import DomainError, Forbidden, Kind
from app.messages import N_
from app.models import User
from app.permissions import Actor
from app.services import actors


class LoginUnknown(DomainError):
    """No account of this name."""

    kind = Kind.NOT_FOUND
    code = "login_unknown"
    message = N_("There is no account %(login)s.")


def find(session: Session, actor: Actor, login: str) -> User:
    """The account of a login, for the system itself only; raises LoginUnknown or Forbidden."""
    if not actor.is_system:
        raise Forbidden
    user = session.scalars(select(User).where(func.lower(col(User.login)) == login.lower())).one_or_none()
    if user is None:
        raise LoginUnknown(login=login)
    return user


def act_as(session: Session, actor: Actor, login: str, today: date) -> Actor:
    """The actor of a login, for a command that works for a person; raises LoginUnknown for a closed account too."""
    user = find(session, actor, login)
    acting = actors.load(session, user.key, today, channel=actor.channel)
    if acting is None:
        raise LoginUnknown(login=login)
    return acting
