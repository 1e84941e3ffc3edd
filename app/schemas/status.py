"""Status: how the installation stands, line by line."""

from typing import Literal

from pydantic import Field

from app.schemas.base import Public

States = Literal["ok", "warn", "bad", "unknown"]


class StatusLine(Public):
    """One thing that was looked at."""

    name: str = Field(description="stable; the texts are in the reader's language", examples=["disk_data"])
    group: str
    label: str
    state: States
    value: str
    advice: str = Field(description="what to do about it; empty where there is nothing to do")


class StatusPublic(Public):
    """All lines, and the worst state among them; what is unknown alone does not count."""

    state: States
    items: list[StatusLine]
