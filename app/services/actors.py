"""Actor: what a person or a token may act as, read once per request."""

from datetime import date
from typing import Any

from sqlalchemy import and_, or_, select
from sqlmodel import Session, col

from app.models import Membership, Unit, User
from app.permissions import Actor, Seat
from app.prepared import Prepared, given

# One row for each seat that is held on the day, and at least one.
_ACCOUNT = Prepared(
    select(
        col(User.name),
        col(User.unit_id),
        col(User.administrator),
        col(User.language),
        col(User.active),
        col(User.expires_on),
        col(Unit.root_id),
        col(Unit.name).label("unit_name"),
        col(Unit.may_create_programmes),
        col(Membership.programme_id),
        col(Membership.unit_id).label("seat_unit_id"),
        col(Membership.role),
    )
    .outerjoin(Unit, col(Unit.id) == col(User.unit_id))
    .outerjoin(
        Membership,
        and_(
            col(Membership.user_id) == col(User.id),
            or_(col(Membership.starts_on).is_(None), col(Membership.starts_on) <= given("today")),
            or_(col(Membership.ends_on).is_(None), col(Membership.ends_on) >= given("today")),
        ),
    )
    .where(col(User.id) == given("user_id"))
    .order_by(col(Membership.programme_id), col(Membership.id))
)


def load(
    session: Session,
    user_id: int,
    today: date,
    *,
    scopes: frozenset[str] | None = None,
    token_id: int | None = None,
    session_id: int | None = None,
    channel: str = "web",
    address: str = "",
    request_id: str = "",
) -> Actor | None:
    """The actor of an account on ``today``, or None if it is closed, expired or gone. One query."""
    rows = _ACCOUNT.all(session, user_id=user_id, today=today)
    row = rows[0] if rows else None
    if row is None or not row.active or (row.expires_on is not None and row.expires_on < today):
        return None
    return Actor(
        user_id=user_id,
        name=row.name,
        today=today,
        unit_id=row.unit_id,
        root_id=row.root_id,
        unit_name=row.unit_name or "",
        administrator=row.administrator,
        # 三员分立: a seat that was written past the check still gives no business role.
        seats=() if row.administrator else _seats(rows),
        may_create_programmes=bool(row.may_create_programmes) and row.administrator is None,
        scopes=scopes,
        token_id=token_id,
        session_id=session_id,
        channel=channel,
        address=address,
        request_id=request_id,
        language=row.language or "",
        expires_on=row.expires_on,
    )


def _seats(rows: list[Any]) -> tuple[Seat, ...]:
    return tuple(Seat(row.programme_id, row.seat_unit_id, row.role) for row in rows if row.programme_id is not None)
