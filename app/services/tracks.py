"""Track: the ways of assistance of a programme; naming, adding, ordering and removing them."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.errors import DomainError, Forbidden, Kind, NotFound, StaleVersion
from app.folding import fold
from app.messages import N_
from app.models import Programme, Task, Track
from app.permissions import Actor, P, can
from app.rules import programmes as rules
from app.schemas.programme import TrackCreate, TrackUpdate
from app.services import events, programmes, visibility

MAX_TRACKS = 50
COLUMNS: tuple[Any, ...] = tuple(col(getattr(Track, name)) for name in Track.model_fields)


class TrackTaken(DomainError):
    """Two tracks of one programme under one name or code."""

    kind = Kind.CONFLICT
    code = "track_taken"
    message = N_("This programme has a track %(name)s already.")


class TrackInUse(DomainError):
    """A track with tasks."""

    kind = Kind.CONFLICT
    code = "track_in_use"
    message = N_("%(name)s has tasks. Move them to another track first.")


class TooManyTracks(DomainError):
    """More tracks than a page can show."""

    kind = Kind.CONFLICT
    code = "too_many_tracks"
    message = N_("A programme has at most %(most)s tracks.")


def of_programme(session: Session, actor: Actor, programme_id: int) -> list[Any]:
    """The tracks of a programme in their order, each with the number of tasks that ``actor`` sees; raises NotFound."""
    programmes.require_seen(actor, programme_id)
    seen = select(col(Task.track_id), func.count().label("tasks")).where(
        col(Task.programme_id) == programme_id, visibility.tasks_seen(actor)
    )
    counts = seen.group_by(col(Task.track_id)).subquery()
    columns = [*COLUMNS, func.coalesce(counts.c.tasks, 0).label("tasks")]
    statement = (
        select(*columns)
        .outerjoin(counts, counts.c.track_id == col(Track.id))
        .where(col(Track.programme_id) == programme_id)
    )
    return list(session.connection().execute(statement.order_by(col(Track.position), col(Track.id))))


def show(session: Session, actor: Actor, track_id: int) -> Any:
    """One track with its number of tasks, as a row; raises NotFound."""
    track = get(session, actor, track_id)
    return next(row for row in of_programme(session, actor, track.programme_id) if row.id == track_id)


def get(session: Session, actor: Actor, track_id: int) -> Track:
    """A track of a programme that ``actor`` sees; raises NotFound."""
    statement = select(Track).join(Programme, col(Programme.id) == col(Track.programme_id))
    track = session.scalars(statement.where(col(Track.id) == track_id, programmes.seen_by(actor))).one_or_none()
    if track is None:
        raise NotFound
    return track


def create(session: Session, actor: Actor, programme_id: int, data: TrackCreate, now: datetime) -> Track:
    """A further track behind the others; raises TrackTaken, TooManyTracks, Forbidden, NotFound."""
    programmes.get(session, actor, programme_id, lock=True)
    if not can(actor, P.TRACK_UPDATE, programme_id):
        raise Forbidden
    others = _siblings(session, programme_id)
    if len(others) >= MAX_TRACKS:
        raise TooManyTracks(most=MAX_TRACKS)
    codes = {track.code for track in others}
    if data.code in codes:
        raise TrackTaken(field="code", name=data.code)
    _refuse_taken(others, data.name)
    track = Track(
        programme_id=programme_id,
        code=data.code or rules.free_code(codes, len(others) + 1),
        name=data.name,
        position=max((other.position for other in others), default=-1) + 1,
    )
    session.add(track)
    events.record(session, actor, "track.create", track, now=now)
    return track


def update(session: Session, actor: Actor, track_id: int, version: int, data: TrackUpdate, *, now: datetime) -> Track:
    """Give a track another name or place; its neighbours move up. Raises TrackTaken and what ``_open`` raises."""
    track = _open(session, actor, track_id, version)
    others = _siblings(session, track.programme_id)
    if data.name is not None and data.name != track.name:
        _refuse_taken([other for other in others if other.id != track.id], data.name)
        track.name = data.name
    if data.position is not None:
        by_id = {other.key: other for other in others}
        for place, key in enumerate(rules.moved(list(by_id), track.key, data.position)):
            by_id[key].position = place
    events.record(session, actor, "track.update", track, now=now)
    return track


def remove(session: Session, actor: Actor, track_id: int, version: int, *, now: datetime) -> None:
    """Remove a track that no task uses; raises TrackInUse and what ``_open`` raises."""
    track = _open(session, actor, track_id, version)
    used = session.connection().scalar(select(func.count()).where(col(Task.track_id) == track_id))
    if used:
        raise TrackInUse(name=track.name)
    session.delete(track)
    events.record(session, actor, "track.remove", track, now=now)


def _open(session: Session, actor: Actor, track_id: int, version: int) -> Track:
    track = get(session, actor, track_id)
    # One lock for all tracks of a programme: their order is one thing.
    programmes.get(session, actor, track.programme_id, lock=True)
    session.refresh(track)
    if not can(actor, P.TRACK_UPDATE, track.programme_id):
        raise Forbidden
    if track.version != version:
        raise StaleVersion
    return track


def _siblings(session: Session, programme_id: int) -> list[Track]:
    statement = select(Track).where(col(Track.programme_id) == programme_id)
    return list(session.scalars(statement.order_by(col(Track.position), col(Track.id))))


def _refuse_taken(others: list[Track], name: str) -> None:
    if fold(name) in {fold(other.name) for other in others}:
        raise TrackTaken(field="name", name=name)
