"""Jobs as they stand in the store."""

from typing import Any

from sqlalchemy import select
from sqlmodel import col

from app.database import Database
from app.models import Job


def job(database: Database, number: int | None) -> Any:
    """The row of one job."""
    with database.reading() as session:
        return session.connection().execute(select(Job).where(col(Job.id) == number)).one()


def all_jobs(database: Database) -> list[Any]:
    """The rows of all jobs, in the order in which they were made."""
    with database.reading() as session:
        return list(session.connection().execute(select(Job).order_by(col(Job.id))))
