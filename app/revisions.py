"""Which revision a store is at, which this code needs, and whether the two go together.

What moves a store stands in ``migrating``. This here is asked at each start and at each look at the
health of a replica, so it does without alembic, whose libraries cost a tenth of a start.
"""

import re
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, select, text
from sqlmodel import col

from app.models import RunnableRevision

FOLDER = Path(__file__).resolve().parent.parent / "migrations"
_NAMED = re.compile(r"""^(revision|down_revision) = (?:None|["'](\w+)["'])$""", re.MULTILINE)


def head() -> str:
    """The revision that this code needs."""
    return known()[-1]


def known() -> tuple[str, ...]:
    """All revisions that this code knows, the oldest first."""
    return _chain(FOLDER)


@cache
def _chain(folder: Path) -> tuple[str, ...]:
    after: dict[str | None, str] = {}
    for path in (folder / "versions").glob("*.py"):
        names = {name: revision or None for name, revision in _NAMED.findall(path.read_text(encoding="utf-8"))}
        after[names["down_revision"]] = names["revision"] or ""
    found: list[str] = []
    while (step := after.get(found[-1] if found else None)) is not None:
        found.append(step)
    return tuple(found)


def current(connection: Connection) -> str | None:
    """The revision that a store is at, or None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    at: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return at


def runs_here(connection: Connection) -> bool:
    """Whether this code may run on the store: it is at this code's revision, or newer and made to bear it."""
    if current(connection) == head():
        return True
    if not inspect(connection).has_table("runnable_revisions"):
        return False
    own = select(col(RunnableRevision.revision)).where(col(RunnableRevision.revision) == head())
    return connection.scalar(own) is not None
