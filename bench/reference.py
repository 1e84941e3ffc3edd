"""The plain reference: tasks as any developer would serve them, SQLModel objects and a response model.

No rights, no events, no signed cursors. ``python -m bench.reference PORT URL`` serves it over the
same store. What the product is measured against is the framework as its tutorial shows it.
"""

import sys
from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import JSON
from sqlmodel import Field, Session, SQLModel, col, create_engine, select


class TaskBase(SQLModel):
    """The columns of a task, once for the table and for the answer."""

    version: int
    programme_id: int
    parent_id: int | None
    track_id: int | None
    path: str
    part: int
    sort_key: str
    heading: str
    text: str
    due_text: str
    due_on: date | None
    first_due_on: date | None
    open_ended: bool
    target: str
    responsible_people: list[str] = Field(sa_type=JSON)
    marked: bool
    source_line: int | None
    plan_number: int
    state: str
    created_at: datetime
    updated_at: datetime


class Task(TaskBase, table=True):
    """The table that the product's migrations made."""

    __tablename__ = "tasks"

    id: int | None = Field(default=None, primary_key=True)


class TaskPublic(TaskBase):
    """A task as it is answered."""

    id: int


class Page(SQLModel):
    """One page and where the next begins."""

    items: list[TaskPublic]
    next_cursor: int | None


def create_app(url: str) -> FastAPI:
    """The application over the store at ``url``."""
    engine = create_engine(url)
    app = FastAPI()

    def session() -> Iterator[Session]:
        with Session(engine) as opened:
            yield opened

    @app.get("/tasks", response_model=Page)
    def list_tasks(session: Annotated[Session, Depends(session)], limit: int = 50, after: int = 0) -> Any:
        statement = select(Task).where(col(Task.id) > after).order_by(col(Task.id)).limit(limit + 1)
        rows = session.exec(statement).all()
        return {"items": rows[:limit], "next_cursor": rows[limit - 1].id if len(rows) > limit else None}

    @app.get("/tasks/{task_id}", response_model=TaskPublic)
    def show_task(session: Annotated[Session, Depends(session)], task_id: int) -> Any:
        task = session.get(Task, task_id)
        if task is None:
            raise HTTPException(404)
        return task

    return app


if __name__ == "__main__":
    uvicorn.run(create_app(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
