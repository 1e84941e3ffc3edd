"""Who may do what: the one table of rights, and nothing about it anywhere else.

A permission is ``noun:verb`` in the singular, as in ``task:update``; ``read`` is the right to see a
noun at all, and which of its rows are seen is decided by ``visible_to`` in the noun's service.
Rights come from the roles that a person holds in a programme (``PROGRAMME_RIGHTS``), from the one
administrator's seat they may hold instead (``ADMINISTRATOR_RIGHTS``, 三员分立, GB/T 22239-2019
8.1.5), or from a grant to their unit (``programme:create``). To add a verb, add its permission to
the alphabetical list and name it for the roles that have it.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum


class Permission(StrEnum):
    """Every right, in alphabetical order. A token's scopes are these names."""

    ACCOUNT_MANAGE = "account:manage"
    ADMINISTRATOR_APPOINT = "administrator:appoint"
    ATTACHMENT_CREATE = "attachment:create"
    ATTACHMENT_READ = "attachment:read"
    AUDIT_READ = "audit:read"
    EVENT_READ = "event:read"
    JOB_MANAGE = "job:manage"
    JOB_READ = "job:read"
    MEMBERSHIP_MANAGE = "membership:manage"
    MEMBERSHIP_READ = "membership:read"
    MILESTONE_READ = "milestone:read"
    MILESTONE_UPDATE = "milestone:update"
    PLAN_IMPORT = "plan:import"
    PROGRAMME_CREATE = "programme:create"
    PROGRAMME_EXPORT = "programme:export"
    PROGRAMME_READ = "programme:read"
    PROGRAMME_RECEIVE = "programme:receive"
    PROGRAMME_UPDATE = "programme:update"
    SEAL_EXPORT = "seal:export"
    SEAL_READ = "seal:read"
    SEAL_VERIFY = "seal:verify"
    SECOND_FACTOR_READ = "second_factor:read"
    STATUS_READ = "status:read"
    TASK_ASSIGN = "task:assign"
    TASK_CREATE = "task:create"
    TASK_READ = "task:read"
    TASK_READ_DRAFT = "task:read_draft"
    TASK_UPDATE = "task:update"
    TASK_WITHDRAW = "task:withdraw"
    TOKEN_MANAGE = "token:manage"  # noqa: S105 - the name of a right
    TRACK_UPDATE = "track:update"
    UNIT_GRANT = "unit:grant"
    UNIT_MANAGE = "unit:manage"
    UNIT_MANAGE_ALL = "unit:manage_all"
    UNIT_READ = "unit:read"
    USER_MANAGE = "user:manage"
    USER_READ = "user:read"


class Role(StrEnum):
    """Roles in a programme."""

    COORDINATOR = "coordinator"
    RECIPIENT = "recipient"
    UNIT_HEAD = "unit_head"
    HANDLER = "handler"
    DEPUTY = "deputy"
    TREASURER = "treasurer"
    INSPECTOR = "inspector"
    LEADER = "leader"
    PARTNER = "partner"
    SUPERIOR = "superior"
    AUDITOR = "auditor"


class Administrator(StrEnum):
    """The three seats (三员). One person holds one of them, and then no role in any programme."""

    SYSTEM = "system"
    SECURITY = "security"
    AUDIT = "audit"


P = Permission
_SEES = frozenset(
    {
        P.ATTACHMENT_READ,
        P.EVENT_READ,
        P.MEMBERSHIP_READ,
        P.MILESTONE_READ,
        P.PROGRAMME_READ,
        P.TASK_READ,
        P.UNIT_READ,
        P.USER_READ,
    }
)
_SEES_ALL = _SEES | {P.TASK_READ_DRAFT}
_RECORDS = _SEES | {P.ATTACHMENT_CREATE}

# What everybody who is signed in may do with what is their own: password, sessions, tokens.
EVERYBODYS_RIGHTS = frozenset({P.ACCOUNT_MANAGE})

PROGRAMME_RIGHTS: dict[Role, frozenset[Permission]] = {
    Role.COORDINATOR: _SEES_ALL
    | {
        P.ATTACHMENT_CREATE,
        P.MEMBERSHIP_MANAGE,
        P.MILESTONE_UPDATE,
        P.PLAN_IMPORT,
        P.PROGRAMME_EXPORT,
        P.PROGRAMME_RECEIVE,
        P.PROGRAMME_UPDATE,
        P.TASK_ASSIGN,
        P.TASK_CREATE,
        P.TASK_UPDATE,
        P.TASK_WITHDRAW,
        P.TRACK_UPDATE,
        P.UNIT_MANAGE,
        P.UNIT_MANAGE_ALL,
    },
    Role.RECIPIENT: _SEES_ALL
    | {
        P.ATTACHMENT_CREATE,
        P.MILESTONE_UPDATE,
        P.PROGRAMME_EXPORT,
        P.PROGRAMME_RECEIVE,
        P.TASK_UPDATE,
        P.UNIT_MANAGE,
    },
    Role.UNIT_HEAD: _RECORDS,
    Role.HANDLER: _RECORDS,
    Role.DEPUTY: _RECORDS,
    Role.TREASURER: _RECORDS,
    Role.INSPECTOR: _SEES_ALL | {P.AUDIT_READ, P.SEAL_EXPORT, P.SEAL_READ},
    Role.LEADER: _SEES_ALL | {P.AUDIT_READ, P.SEAL_EXPORT, P.SEAL_READ},
    Role.PARTNER: _SEES,
    Role.SUPERIOR: frozenset({P.PROGRAMME_READ, P.MILESTONE_READ, P.UNIT_READ}),
    Role.AUDITOR: _SEES_ALL | {P.SEAL_READ},
}

ADMINISTRATOR_RIGHTS: dict[Administrator, frozenset[Permission]] = {
    Administrator.SYSTEM: frozenset(
        {
            P.JOB_MANAGE,
            P.JOB_READ,
            P.SECOND_FACTOR_READ,
            P.STATUS_READ,
            P.UNIT_MANAGE,
            P.UNIT_READ,
            P.USER_MANAGE,
            P.USER_READ,
        }
    ),
    Administrator.SECURITY: frozenset(
        {
            P.ADMINISTRATOR_APPOINT,
            P.MEMBERSHIP_MANAGE,
            P.MEMBERSHIP_READ,
            P.SECOND_FACTOR_READ,
            P.TOKEN_MANAGE,
            P.UNIT_GRANT,
            P.UNIT_READ,
            P.USER_READ,
        }
    ),
    Administrator.AUDIT: frozenset(
        {
            P.AUDIT_READ,
            P.EVENT_READ,
            P.SEAL_EXPORT,
            P.SEAL_READ,
            P.SEAL_VERIFY,
            P.SECOND_FACTOR_READ,
            P.USER_READ,
        }
    ),
}


# Administration: power over accounts, rights, operation and the record. A list of addresses, where there is one,
# holds these for everybody, and every right of whoever holds a seat (GB/T 22239-2019 8.1.4).
ADMINISTRATION = frozenset(
    {
        P.ADMINISTRATOR_APPOINT,
        P.AUDIT_READ,
        P.JOB_MANAGE,
        P.JOB_READ,
        P.MEMBERSHIP_MANAGE,
        P.SEAL_EXPORT,
        P.SEAL_READ,
        P.SEAL_VERIFY,
        P.SECOND_FACTOR_READ,
        P.STATUS_READ,
        P.TOKEN_MANAGE,
        P.UNIT_GRANT,
        P.USER_MANAGE,
    }
)


# So many days before its last day an account's person and the administrators are told.
ENDS_SOON = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Seat:
    """One membership, as far as rights need it: a role in a programme for a unit."""

    programme_id: int
    unit_id: int
    role: Role


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a person, a service account or the system itself, with what they hold today.

    ``scopes`` is None in a browser and the token's permission names otherwise; a token never gives
    more than its holder has. ``today`` is the date in Asia/Shanghai for which seats were read.
    """

    user_id: int | None
    name: str
    today: date
    unit_id: int | None = None
    root_id: int | None = None
    unit_name: str = ""
    administrator: Administrator | None = None
    seats: tuple[Seat, ...] = ()
    may_create_programmes: bool = False
    scopes: frozenset[str] | None = None
    token_id: int | None = None
    session_id: int | None = None
    channel: str = "web"
    address: str = ""
    request_id: str = ""
    language: str = "zh_CN"
    expires_on: date | None = None
    is_system: bool = field(default=False)

    @property
    def initial(self) -> str:
        """The first character of the name, for the round mark in the frame."""
        return self.name[:1]

    @property
    def ends_soon(self) -> bool:
        """Whether the account has a last day that is near, so that its person is told in time."""
        return self.expires_on is not None and self.expires_on - self.today <= ENDS_SOON

    @property
    def rights(self) -> "Actor":
        """The same rights, held by nobody in particular: all that a statement of what is seen depends on."""
        return Actor(
            None,
            "",
            date.min,
            root_id=self.root_id,
            administrator=self.administrator,
            seats=self.seats,
            may_create_programmes=self.may_create_programmes,
            scopes=self.scopes,
            is_system=self.is_system,
        )

    @property
    def is_audited(self) -> bool:
        """Whether each reading is recorded: an external auditor's, who reads everything as a guest."""
        return any(seat.role is Role.AUDITOR for seat in self.seats)

    def roles_in(self, programme_id: int) -> frozenset[Role]:
        """The roles held in one programme."""
        return frozenset(seat.role for seat in self.seats if seat.programme_id == programme_id)

    def units_in(self, programme_id: int) -> frozenset[int]:
        """The units for which a role is held in one programme."""
        return frozenset(seat.unit_id for seat in self.seats if seat.programme_id == programme_id)

    def programmes_with(self, permission: Permission) -> tuple[int, ...]:
        """The programmes in which a right is held, in ascending order."""
        if not self.in_scope(permission):
            return ()
        return tuple(sorted({seat.programme_id for seat in self.seats if permission in PROGRAMME_RIGHTS[seat.role]}))

    def in_scope(self, permission: Permission) -> bool:
        """Whether the token that is used, if any, carries this right."""
        return self.scopes is None or permission.value in self.scopes


def can(actor: Actor, permission: Permission, programme_id: int | None = None) -> bool:
    """Whether ``actor`` holds ``permission``; with a programme, in that programme.

    Without a programme: as an administrator, by the unit's grant, or in any programme.
    """
    if actor.is_system:
        return True
    if not actor.in_scope(permission):
        return False
    if permission in EVERYBODYS_RIGHTS:
        return True
    if actor.administrator is not None and permission in ADMINISTRATOR_RIGHTS[actor.administrator]:
        return True
    if programme_id is None:
        if permission in (P.PROGRAMME_CREATE, P.PLAN_IMPORT, P.PROGRAMME_RECEIVE) and actor.may_create_programmes:
            return True
        return bool(actor.programmes_with(permission))
    return any(seat.programme_id == programme_id and permission in PROGRAMME_RIGHTS[seat.role] for seat in actor.seats)


def held(actor: Actor) -> frozenset[Permission]:
    """Every right that ``actor`` holds anywhere: the most that a token of theirs may carry."""
    return frozenset(permission for permission in Permission if can(actor, permission))


def system_actor(today: date, channel: str = "cli") -> Actor:
    """The product itself, for commands and the worker; its events name the channel."""
    return Actor(user_id=None, name="system", today=today, channel=channel, is_system=True)
