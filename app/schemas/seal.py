"""Seal: a batch of the log that is chained and signed, the head of the chain, and what a verification found."""

from typing import Any

from pydantic import AwareDatetime, Field

from app.schemas.base import Day, Id, Input, Public


class SealQuery(Input):
    """Page of the list of seals."""

    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=2000, description="next_cursor of the page before")


class SealExportQuery(Input):
    """What a sealed export holds in full; of everything else it holds digests."""

    programme: Id | None = Field(None, description="only entries of this programme")
    since: Day | None = Field(None, description="first day, in Asia/Shanghai")
    until: Day | None = Field(None, description="last day, in Asia/Shanghai")


class SealPublic(Public):
    """One seal: a batch of entries, bound to all before it."""

    ordinal: int = Field(examples=[812])
    count: int = Field(description="entries in it", examples=[37])
    events: int = Field(description="entries in it and in all seals before it", examples=[51234])
    first_id: int
    last_id: int
    foreign: int = Field(description="entries in it that the product did not write")
    sealed_at: AwareDatetime = Field(description="by the sealer's clock; the order is that of the ordinals")
    key_id: str = Field(description="the key that signed it", examples=["1f0c3a9be2d45678"])
    hash: str
    fingerprint: str


class HeadPublic(Public):
    """The newest seal's signed head, as it is kept outside of the store, and how much is not sealed yet."""

    format: int
    ordinal: int
    events: int
    sealed_at: str
    hash: str
    fingerprint: str = Field(description="the letters that people compare")
    key_id: str
    public_key: str = Field(description="base64; empty where the settings no longer name the key")
    signature: str
    unsealed: int | None = Field(description="entries behind it, counted up to 1,001; null right after a restore")


class KeyPublic(Public):
    """The public key that verifies the seals."""

    key_id: str
    public_key: str = Field(description="base64")


class VerificationPublic(Public):
    """The newest result of a verification that somebody asked for."""

    event_id: int = Field(description="the entry of the log that holds it")
    at: AwareDatetime
    whole: bool
    result: dict[str, Any] = Field(description="numbers, counts by kind, and the first findings with their sentences")


class VerificationAsked(Public):
    """A verification that was put into the queue."""

    job_id: int
