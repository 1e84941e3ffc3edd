"""What the list of addresses holds: every right of the three seats, unless business has it too and says why."""

from app.permissions import ADMINISTRATION, ADMINISTRATOR_RIGHTS, PROGRAMME_RIGHTS, P

# Rights of a seat that are no administration in the hands of anybody else.
BUSINESS = {
    P.EVENT_READ: "what happened to what one works on",
    P.MEMBERSHIP_READ: "who holds which role in one's own programme",
    P.UNIT_MANAGE: "a bureau keeps its own units",
    P.UNIT_READ: "everybody works with units",
    P.USER_READ: "names of the people one works with",
}


def test_every_right_of_a_seat_is_administration_or_says_why_not() -> None:
    rights = frozenset().union(*ADMINISTRATOR_RIGHTS.values())
    assert rights - ADMINISTRATION == set(BUSINESS)


def test_what_is_called_business_is_held_by_business() -> None:
    held = frozenset().union(*PROGRAMME_RIGHTS.values())
    assert set(BUSINESS) <= held
