"""Decisions about tasks and assignments: what may still be changed, and which values go together."""

from datetime import date

from app.errors import DomainError, Kind
from app.messages import N_

# A task that is over is part of the record; suspended work is not owed, but can still be corrected.
ENDED = frozenset({"completed", "closed", "withdrawn"})
# Whoever is not of an assigned unit sees a task from its issue on. A withdrawn draft was never issued,
# and the row does not say so; therefore a withdrawn task is seen by those who saw the draft.
UNPUBLISHED = frozenset({"draft", "withdrawn"})
NOT_OWED = ENDED | {"suspended"}
SETTLED_ASSIGNMENTS = frozenset({"done", "excused"})


class TaskEnded(DomainError):
    """A task that is completed, closed or withdrawn does not change any more."""

    kind = Kind.CONFLICT
    code = "task_ended"
    message = N_("This task is over; its record is not changed any more.")


class TaskHasOpenChildren(DomainError):
    """A task is not withdrawn from above its open sub-tasks."""

    kind = Kind.CONFLICT
    code = "task_has_open_children"
    message = N_("%(count)s sub-tasks are still open. Withdraw them first, each with its own reason.")


class DueAndOpenEnded(DomainError):
    """A date and no end at once."""

    code = "due_and_open_ended"
    message = N_("An open-ended task has no due date. Clear the date, or take the mark away.")


class TaskIssued(DomainError):
    """Who takes part is settled when a task is issued; afterwards it is an adjustment."""

    kind = Kind.CONFLICT
    code = "task_issued"
    message = N_("The task has been issued. A unit can only be taken off while it is a draft.")


class RoleUndeclared(DomainError):
    """There is no role to confirm."""

    kind = Kind.CONFLICT
    code = "role_undeclared"
    message = N_("The plan declares no role for this unit. Choose lead, supporting or guiding first.")


def refuse_ended(state: str) -> None:
    """Raise TaskEnded where a task in ``state`` is not changed any more."""
    if state in ENDED:
        raise TaskEnded


def refuse_withdrawal(state: str, open_children: int) -> None:
    """Raise TaskEnded or TaskHasOpenChildren where a task is not withdrawn now."""
    refuse_ended(state)
    if open_children:
        raise TaskHasOpenChildren(count=open_children)


def check_due(due_on: date | None, *, open_ended: bool) -> None:
    """Raise DueAndOpenEnded where both are given."""
    if due_on is not None and open_ended:
        raise DueAndOpenEnded(field="due_on")


def refuse_removal(task_state: str) -> None:
    """Raise TaskIssued where a unit is not taken off any more."""
    if task_state != "draft":
        raise TaskIssued


def refuse_unconfirmable(role: str) -> None:
    """Raise RoleUndeclared where a role cannot be confirmed because there is none."""
    if role == "undeclared":
        raise RoleUndeclared
