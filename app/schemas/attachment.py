"""Attachment: a stored file, as it is seen and listed."""

from typing import Literal

from pydantic import AwareDatetime, Field

from app.schemas.base import Id, Input, Public

Subjects = Literal["tasks"]


class AttachmentTarget(Input):
    """What a file is attached to. It stands in the address, so that rights are checked before the body is read."""

    subject_type: Subjects = Field(description="the collection of the thing")
    subject_id: Id


class AttachmentQuery(Input):
    """The files of one thing, newest first; with ``removed`` those that were taken off it."""

    subject_type: Subjects = Field("tasks", description="the collection of the thing")
    subject_id: Id
    removed: bool = False
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=2000)


class AttachmentPublic(Public):
    """A file. Its bytes are at ``/attachments/{id}/content``; ``sha256`` proves that they are the same."""

    id: int = Field(examples=[5])
    version: int
    programme_id: int | None
    subject_type: str
    subject_id: int
    name: str = Field(examples=["验收报告.pdf"])
    media_type: str = Field(description="by what the content is", examples=["application/pdf"])
    size: int = Field(description="bytes", examples=[48213])
    sha256: str
    uploaded_by_id: int | None
    uploaded_by_name: str | None
    removed: bool
    created_at: AwareDatetime
    updated_at: AwareDatetime
