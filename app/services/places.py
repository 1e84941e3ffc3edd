"""Place: from which addresses administration is open.

The list (``admin_addresses``) holds every right of whoever holds one of the three seats, and the rights
of administration of everybody else. It is asked for at each request, so that a session or a token that
was taken along does not work elsewhere either.
"""

from app import addresses
from app.errors import DomainError, Kind
from app.messages import N_
from app.permissions import ADMINISTRATION, Actor, Permission
from app.settings import Settings


class AddressNotAllowed(DomainError):
    """Administration from a place that is not on the list."""

    kind = Kind.FORBIDDEN
    code = "address_not_allowed"
    message = N_("Administration is not open from this address. Please use a computer of the administrators' network.")


def refuse_elsewhere(settings: Settings, actor: Actor, permission: Permission | None = None) -> None:
    """Raise AddressNotAllowed for a holder of a seat, or for a right of administration, outside the list."""
    listed = settings.admin_networks
    guarded = actor.administrator is not None or permission in ADMINISTRATION
    if listed and guarded and not addresses.within(actor.address, listed):
        raise AddressNotAllowed
