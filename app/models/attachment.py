"""Attachment: a stored file, known by its SHA-256, on one thing of a programme."""

from sqlalchemy import Index
from sqlmodel import Field

from app.models.base import Row


class Attachment(Row, table=True):
    """Bytes lie in object storage under their digest; this row says whose they are and on what."""

    __tablename__ = "attachments"
    __table_args__ = (Index("ix_attachments_subject_type_subject_id_id", "subject_type", "subject_id", "id"),)

    programme_id: int | None = Field(default=None, foreign_key="programmes.id", index=True)
    subject_type: str = Field(max_length=32)
    subject_id: int
    name: str = Field(max_length=255)
    media_type: str = Field(max_length=100, description="by what the content is, not by what it is called")
    size: int = Field(description="bytes")
    sha256: str = Field(max_length=64, index=True)
    uploaded_by_id: int | None = Field(default=None, foreign_key="users.id", index=True)
    removed: bool = Field(default=False, description="taken off the thing; the record and the bytes stay")
