"""Seal: a batch of events bound to everything before it. Never changed, never deleted."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, LargeBinary
from sqlmodel import Field, SQLModel


class Seal(SQLModel, table=True):
    """One link of the chain; what its columns mean is said in ``rules.seals``.

    ``ids``, ``leaves`` and ``foreign_ids`` are packed: 8 bytes an id, 32 bytes a leaf. Ordinal, ``previous``
    and ``hash`` are each unique, so that two sealers can never both go on from the same seal.
    """

    __tablename__ = "seals"

    ordinal: int = Field(sa_column=Column(BigInteger(), primary_key=True, autoincrement=False))
    format: int
    count: int
    events: int = Field(sa_type=BigInteger)
    first_id: int = Field(sa_type=BigInteger)
    last_id: int = Field(sa_type=BigInteger)
    last_transaction: int = Field(sa_type=BigInteger)
    highest_id: int = Field(sa_type=BigInteger)
    coded: bool
    sealed_at: datetime
    key_id: str = Field(max_length=16)
    ids: bytes = Field(sa_type=LargeBinary)
    leaves: bytes = Field(sa_type=LargeBinary)
    foreign_ids: bytes = Field(sa_type=LargeBinary)
    body: bytes = Field(sa_type=LargeBinary)
    previous: bytes = Field(sa_type=LargeBinary, unique=True)
    hash: bytes = Field(sa_type=LargeBinary, unique=True)
    signature: bytes = Field(sa_type=LargeBinary)
