"""What a role needs: dates that make sense, the side it belongs to, and nobody's own hand."""

from datetime import date

from app.errors import DomainError, Kind
from app.messages import N_
from app.permissions import Role

# The side of a programme on which a role can only stand; the others stand on any.
SIDES = {Role.RECIPIENT: "receiving", Role.PARTNER: "partner", Role.SUPERIOR: "superior"}


class AuditorNeedsEnd(DomainError):
    """An auditor is invited until a date."""

    code = "auditor_needs_end"
    message = N_("An external auditor is invited until a date. Please give the last day.")


class EndsBeforeStart(DomainError):
    """The dates are the wrong way round."""

    code = "ends_before_start"
    message = N_("The last day lies before the first day.")


class RoleOfAnotherSide(DomainError):
    """A role that only exists on another side than the unit's."""

    code = "role_of_another_side"
    message = N_("This role belongs to another side of the programme than the unit.")


class UnitNotParty(DomainError):
    """The unit's bureau takes no part in the programme."""

    code = "unit_not_party"
    message = N_("The unit does not belong to any bureau of this programme.")


class AdministratorHoldsNoRole(DomainError):
    """三员分立: administrators see no business rows."""

    kind = Kind.CONFLICT
    code = "administrator_holds_no_role"
    message = N_("An administrator holds no role in a programme. Another person has to hold it.")


class OwnRole(DomainError):
    """Nobody gives themselves a right."""

    kind = Kind.FORBIDDEN
    code = "own_role"
    message = N_("Nobody gives a role to themselves or extends their own. Please ask another person.")


def check_dates(role: Role, starts_on: date | None, ends_on: date | None) -> None:
    """Raise AuditorNeedsEnd or EndsBeforeStart; ``ends_on`` is the last day on which it holds."""
    if role is Role.AUDITOR and ends_on is None:
        raise AuditorNeedsEnd(field="ends_on")
    if ends_on is not None and starts_on is not None and ends_on < starts_on:
        raise EndsBeforeStart(field="ends_on")


def check_side(role: Role, side: str | None) -> None:
    """Raise UnitNotParty or RoleOfAnotherSide; ``side`` is where the unit's bureau stands, if anywhere.

    An auditor may come from a unit that takes no part.
    """
    if side is None and role is not Role.AUDITOR:
        raise UnitNotParty(field="unit_id")
    needed = SIDES.get(role)
    if needed is not None and side != needed:
        raise RoleOfAnotherSide(field="role")
