"""Second factor: what a person proves beside the password, and the codes for when it is lost."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from app.models.base import BigId, Row


class SecondFactor(Row, table=True):
    """A person's one-time password generator (RFC 6238). The secret is encrypted under a key of the installation."""

    __tablename__ = "second_factors"

    user_id: int = Field(foreign_key="users.id", unique=True)
    sealed_secret: str = Field(max_length=255)


class RecoveryCode(Row, table=True):
    """One of the codes that are printed when a factor is added; each opens once. Only the digest is kept."""

    __tablename__ = "recovery_codes"

    user_id: int = Field(foreign_key="users.id", index=True)
    code_hash: str = Field(max_length=64, unique=True)
    used_at: datetime | None = None


class FactorUse(SQLModel, table=True):
    """The last time step whose code was taken, so that no code is taken twice; bookkeeping, without events."""

    __tablename__ = "factor_uses"

    user_id: int = Field(foreign_key="users.id", primary_key=True)
    last_step: int = Field(sa_type=BigId)
