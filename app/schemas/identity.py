"""Identities: what links an account to a subject of the provider."""

from pydantic import Field

from app.schemas.base import Input, text
from app.schemas.session import Password


class IdentityLink(Input):
    """The subject that the provider knows the person by."""

    subject: text(255, least=1) = Field(  # type: ignore[valid-type]
        examples=["f3b0c4e2-7c1d-4c6b-9a55-0d1c2b3a4e5f"], description="the sub of the provider's ID tokens"
    )


class LinkProof(Input):
    """What the account opens with: its password, or a printed one-time code."""

    secret: Password
