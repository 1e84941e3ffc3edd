"""Second factors: what is sent to add, renew and remove one, and what is seen of it."""

from datetime import datetime

from pydantic import Field

from app.schemas.base import Input, Public, text
from app.schemas.session import Password


class Code(Input):
    """A code of the generator, or one of the printed recovery codes."""

    code: text(40, least=1) = Field(examples=["492039"])  # type: ignore[valid-type]


class Proof(Input):
    """The present password, before a factor is added."""

    password: Password | None = Field(
        None, description="the present one; left out by an account that has none and has just signed in at a provider"
    )


class FullProof(Proof, Code):
    """Password and code, before something that weakens the account."""


class EnrolmentConfirm(Code):
    """The first code of a generator that is being added."""

    enrolment: text(1000, least=1) = Field(description="as it was answered when adding began")  # type: ignore[valid-type]


class EnrolmentPublic(Public):
    """A generator that is being added. The secret is shown this once."""

    enrolment: str = Field(description="to be sent back with the first code, within 15 minutes")
    secret: str = Field(examples=["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"], description="base 32")
    address: str = Field(
        examples=["otpauth://totp/Duikou:limin?secret=JBSWY3DPEHPK3PXP&issuer=Duikou"],
        description="what a QR code would hold",
    )


class RecoveryCodes(Public):
    """Codes for when the generator is lost. They are shown this once and kept nowhere."""

    codes: list[str] = Field(examples=[["K7QF-2M9D-XR4T"]])


class SecondFactorPublic(Public):
    """The state of one's own second factor."""

    since: datetime | None = Field(description="null: there is none")
    codes_left: int = Field(examples=[10], description="recovery codes that have not been used")
    required: bool = Field(description="whether the setting asks this account for one")


class ResetQuery(Input):
    """The page of a list of resets."""

    user: int | None = Field(None, ge=1, le=2**31 - 1, description="id of one account")
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=2000, description="next_cursor of the page before")


class SecondFactorReset(Public):
    """A factor that an administrator took away from a person who had lost it."""

    id: int = Field(examples=[120], description="of the entry in the log")
    at: datetime
    user_id: int | None = Field(examples=[7])
    user_name: str | None = Field(examples=["李敏"])
    actor_id: int | None = Field(examples=[2], description="null: the command line of the server")
    actor_name: str | None = Field(examples=["王强"])
    channel: str = Field(examples=["web"])
    reason: str = Field(examples=["手机遗失，已当面核实身份"])
