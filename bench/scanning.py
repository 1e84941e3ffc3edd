"""What a search finds: by the service, and by LIKE over every visible row, which is the measure of it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from app import clock
from app.database import Database
from app.models import Task
from app.permissions import Actor
from app.schemas.task import TaskFilters
from app.services import paging, task_words, tasks, tokens
from bench import filling
from bench.stores import Store

_RARE = 2000


def opened(store: Store) -> Database:
    """The store as the product opens it."""
    return Database(store.settings())


def coordinator(session: Session) -> Actor:
    """The person whose token the bench uses."""
    found = tokens.resolve(session, filling.TOKEN, clock.now(), address="", request_id="")
    if found is None:
        raise LookupError("the token of the bench does not open this store")
    return found.actor


def row_at(session: Session, sort: paging.Sort, place: int) -> Any:
    """The row that stands at ``place``, from 0, in the order of ``sort``."""
    order = [column.desc().nulls_last() if sort.descending else column.asc().nulls_last() for column in sort.columns]
    statement = select(*tasks.COLUMNS).order_by(*order).offset(place).limit(1)
    return session.connection().execute(statement).one()


def words(session: Session, number: int) -> list[tuple[str, int]]:
    """Words of two characters that occur, from rare to common, each with the number of tasks that it is in."""
    count = int(session.connection().scalar(select(func.count(col(Task.id)))) or 0)
    found: dict[str, int] = {}
    place = 0
    while len(found) < number:
        place += 1
        heading = session.connection().scalar(select(Task.heading).where(col(Task.id) == place * 7919 % count + 1))
        at = 2 if place % 4 else 5 + place % 7
        word = str(heading)[at : at + 2]
        if len(word) == 2 and word not in found:
            found[word] = int(session.connection().scalar(select(func.count()).where(task_words.matching(word))) or 0)
    return sorted(found.items(), key=lambda pair: pair[1])


def rare(found: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Those for which a scan has to read all: fewer matches than a page can hold twice."""
    least = found[0][1]
    return [pair for pair in found if pair[1] <= max(100, 2 * least)][:10]


def found(session: Session, actor: Actor, word: tuple[str, int]) -> set[int]:
    """All ids that the service finds, page by page."""
    ids: set[int] = set()
    cursor = None
    while True:
        page = tasks.page(session, actor, TaskFilters(q=word[0]), limit=200, cursor=cursor)
        ids |= {row.id for row in page.rows}
        cursor = page.next_cursor
        if cursor is None or len(ids) >= _RARE:
            return ids


def wanted(session: Session, actor: Actor, word: tuple[str, int]) -> set[int]:
    """The ids that LIKE finds among what the actor sees, as many as ``found`` reads."""
    order = [column.asc() for column in tasks.SORTS["plan"].columns]
    statement = (
        tasks.visible_to(actor).where(task_words.matching(word[0])).order_by(*order).with_only_columns(col(Task.id))
    )
    most = _RARE if word[1] > _RARE else word[1]
    return set(session.connection().scalars(statement.limit(most)))


def first_page(session: Session, actor: Actor, word: tuple[str, int]) -> int:
    """The first page by the service."""
    return len(tasks.page(session, actor, TaskFilters(q=word[0]), limit=50, cursor=None).rows)


def first_page_by_scan(session: Session, actor: Actor, word: tuple[str, int]) -> int:
    """The same page by LIKE alone."""
    order = [column.asc() for column in tasks.SORTS["plan"].columns]
    statement: Any = (
        tasks.visible_to(actor).where(task_words.matching(word[0])).order_by(*order).with_only_columns(*tasks.COLUMNS)
    )
    return len(session.connection().execute(statement.limit(51)).all())
