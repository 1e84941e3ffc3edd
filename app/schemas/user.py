"""Accounts: what is sent to open, change, close and hand over one, and what is seen of it."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from app.permissions import Administrator, Permission
from app.schemas.base import Day, Id, Input, Public, Text, text
from app.schemas.membership import MembershipPublic
from app.schemas.session import Password

Login = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,63}$")
]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, max_length=30, pattern=r"^[0-9+() -]*$")]
Email = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^([^\s@\x00]+@[^\s@\x00]+\.[^\s@\x00]+)?$")
]
UserKindName = Literal["person", "service"]


class UserDetails(Input):
    """What can be changed of an account, all of it: a form sends the whole."""

    name: text(100, least=1) = Field(examples=["李敏"])  # type: ignore[valid-type]
    unit_id: Id | None = Field(None, examples=[3])
    phone: Phone = Field("", examples=["0311-85814321"])
    email: Email = Field("", examples=["limin@example.cn"])
    expires_on: Day | None = Field(None, description="the last day on which the account opens")


class UserCreate(UserDetails):
    """A new account. It has no password until its person uses a one-time code."""

    login: Login = Field(examples=["limin"])
    kind: UserKindName = Field("person", description="a service account never signs in; it holds tokens")


class UserUpdate(Input):
    """Only what is sent is changed."""

    name: text(100, least=1) = Field(default_factory=str, examples=["李敏"])  # type: ignore[valid-type]
    unit_id: Id | None = Field(None, examples=[3])
    phone: Phone = Field(default_factory=str, examples=["0311-85814321"])
    email: Email = Field(default_factory=str, examples=["limin@example.cn"])
    expires_on: Day | None = Field(None, description="the last day on which the account opens; null: no end")


class UserFilters(Input):
    """By what a list of people is narrowed; what is not given does not narrow it."""

    unit: Id | None = Field(None, description="id of a unit; of a bureau: its whole tree", examples=[3])
    active: bool | None = Field(None, description="true: open accounts; false: closed ones")
    kind: UserKindName | None = None
    expiry: Literal["soon", "over"] | None = Field(
        None, description="open accounts whose last day is within two weeks, or over; where you see the day"
    )
    q: Annotated[Text, Field(max_length=100)] | None = Field(
        None, description="part of the name, and of the login where you see it"
    )


class UserQuery(UserFilters):
    """Filters, order and page of a list of people."""

    sort: Literal["name", "-name", "id", "-id"] = "name"
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=2000, description="next_cursor of the page before")


class UserPublic(Public):
    """An account. What is null where others see a value is not shown to this caller."""

    id: int = Field(examples=[7])
    version: int = Field(examples=[1])
    login: str | None = Field(examples=["limin"])
    kind: UserKindName
    name: str = Field(examples=["李敏"])
    unit_id: int | None = Field(examples=[3])
    unit_name: str | None = Field(examples=["规划财务处"])
    phone: str | None = Field(description="for administrators, the person and a coordinator of theirs; else null")
    email: str | None = Field(description="as phone")
    active: bool
    expires_on: date | None
    administrator: Administrator | None = Field(description="the seat among the three administrators, if any")
    must_change_password: bool | None
    second_factor_since: datetime | None = Field(
        None, description="when a second factor was added; for the administrators and the person"
    )
    last_used_at: datetime | None = Field(None, description="as second_factor_since; null also where never used")
    linked_since: datetime | None = Field(None, description="as second_factor_since: when an identity was linked")
    link_until: datetime | None = Field(None, description="as second_factor_since: until when its person may link one")
    created_at: datetime
    updated_at: datetime


class Reason(Input):
    """Why; it stands in the record."""

    reason: text(500) = Field("", examples=["调离"])  # type: ignore[valid-type]


class Appointment(Input):
    """The seat that a person is to hold."""

    administrator: Administrator = Field(examples=["audit"])
    reason: text(500) = Field("", examples=["轮岗"])  # type: ignore[valid-type]


class HandOver(Input):
    """Who takes over when a person leaves; needed where open work is in their hands."""

    successor_id: Id | None = Field(None, examples=[8])
    reason: text(500) = Field("", examples=["退休"])  # type: ignore[valid-type]


class HandOverPublic(Public):
    """What handing over will do, or has done."""

    user_id: int = Field(examples=[7])
    version: int = Field(examples=[2], description="of the account")
    assignments: int = Field(examples=[4], description="open work in the person's hands")
    memberships: int = Field(examples=[2], description="roles that end")
    tokens: int = Field(examples=[1], description="tokens that are revoked")
    sessions: int = Field(examples=[1], description="sign-ins that end")


class PasswordChange(Input):
    """One's own password: the present one and the new one."""

    password: Password = Field(description="the present one")
    new_password: Password


class ResetRedeem(Input):
    """A printed one-time code for a new password."""

    login: text(64, least=1) = Field(examples=["limin"])  # type: ignore[valid-type]
    code: text(40, least=1) = Field(examples=["K7QF-2M9D-XR4T"])  # type: ignore[valid-type]
    new_password: Password


class ResetCodePublic(Public):
    """A one-time code. It is shown this once and kept nowhere."""

    user_id: int = Field(examples=[7])
    login: str = Field(examples=["limin"])
    name: str = Field(examples=["李敏"])
    unit_name: str | None = Field(examples=["规划财务处"])
    code: str = Field(examples=["K7QF-2M9D-XR4T"])
    expires_at: datetime


class RowRefusal(Public):
    """What is wrong with one row of a workbook."""

    row: int = Field(examples=[3], description="as the workbook numbers it; 0 is the file as a whole")
    field: str = Field(examples=["login"])
    code: str = Field(examples=["login_taken"])
    message: str = Field(examples=["登录名已被使用。"])


class WorkbookReport(Public):
    """What a workbook would do: everything, or nothing where a row is refused."""

    rows: int = Field(examples=[12])
    refusals: list[RowRefusal]


class AccountsCreated(Public):
    """The new people and the codes with which they choose their passwords."""

    items: list[ResetCodePublic]


class Me(UserPublic):
    """Who asks: the account, its roles of today, and what it may do."""

    channel: Literal["web", "api"]
    memberships: list[MembershipPublic]
    rights: list[Permission] = Field(description="as far as the token that is used, if any, carries them")
