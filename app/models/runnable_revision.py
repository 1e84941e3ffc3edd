"""RunnableRevision: a release's code that may run on the store as it is."""

from sqlmodel import Field, SQLModel


class RunnableRevision(SQLModel, table=True):
    """The newest revision that some release knows. Written anew by each migration, read by readiness."""

    __tablename__ = "runnable_revisions"

    revision: str = Field(max_length=32, primary_key=True)
