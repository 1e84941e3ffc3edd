"""Tables, their constraints, and facts derived from one row; one noun per file."""

from app.models.assignment import Assignment, AssignmentRole, AssignmentState
from app.models.attachment import Attachment
from app.models.event import Event, EventKind
from app.models.exchange_package import (
    Direction,
    ExchangeDifference,
    ExchangeIdentity,
    ExchangePackage,
    ExchangeRow,
    ExchangeState,
    Installation,
)
from app.models.identity import Identity, PendingLink, SignInFlow
from app.models.job import Job, JobState, WorkerSign
from app.models.membership import Membership
from app.models.milestone import Milestone, MilestoneKind
from app.models.plan_import import PlanImport, PlanImportState, PlanItem, PlanItemKind
from app.models.programme import Party, PlanVersion, Programme, Side, Track
from app.models.runnable_revision import RunnableRevision
from app.models.seal import Seal
from app.models.second_factor import FactorUse, RecoveryCode, SecondFactor
from app.models.task import Task, TaskState
from app.models.token import Token, TokenUse
from app.models.unit import GroupMember, Unit, UnitKind, UnitName, UnitNameKind
from app.models.user import (
    AccountUse,
    IdempotencyKey,
    PendingSignIn,
    PersonalKey,
    ResetCode,
    Throttle,
    User,
    UserKind,
    UserSession,
)

# Tables whose rows are not business records and therefore change without events (product.md).
BOOKKEEPING = frozenset(
    {
        "account_uses",
        "alembic_version",
        "events",
        # What a check found, made anew by each; what a person chose is an event of its package.
        "exchange_differences",
        # What was last exchanged of a row: read from the row itself, whose changes have their events.
        "exchange_identities",
        "exchange_rows",
        "factor_uses",
        "idempotency_keys",
        "installations",
        "jobs",
        "pending_links",
        "pending_sign_ins",
        "personal_keys",
        "runnable_revisions",
        "seals",
        # The index of words, in each engine's own form (adapters/search.py), kept in the writing transaction.
        "search_index",
        "sign_in_flows",
        "throttles",
        "token_uses",
        "user_sessions",
        "workers",
    }
)

__all__ = [
    "BOOKKEEPING",
    "AccountUse",
    "Assignment",
    "AssignmentRole",
    "AssignmentState",
    "Attachment",
    "Direction",
    "Event",
    "EventKind",
    "ExchangeDifference",
    "ExchangeIdentity",
    "ExchangePackage",
    "ExchangeRow",
    "ExchangeState",
    "FactorUse",
    "GroupMember",
    "IdempotencyKey",
    "Identity",
    "Installation",
    "Job",
    "JobState",
    "Membership",
    "Milestone",
    "MilestoneKind",
    "Party",
    "PendingLink",
    "PendingSignIn",
    "PersonalKey",
    "PlanImport",
    "PlanImportState",
    "PlanItem",
    "PlanItemKind",
    "PlanVersion",
    "Programme",
    "RecoveryCode",
    "ResetCode",
    "RunnableRevision",
    "Seal",
    "SecondFactor",
    "Side",
    "SignInFlow",
    "Task",
    "TaskState",
    "Throttle",
    "Token",
    "TokenUse",
    "Track",
    "Unit",
    "UnitKind",
    "UnitName",
    "UnitNameKind",
    "User",
    "UserKind",
    "UserSession",
    "WorkerSign",
]
