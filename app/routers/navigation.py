"""The left side of the frame: the places that an actor can go to, and no others."""

from dataclasses import dataclass

from app.catalogues import translate
from app.messages import N_
from app.permissions import Actor, Permission, can


@dataclass(frozen=True, slots=True)
class Place:
    """One entry: message id of its name, its path, its icon and the right that opens it."""

    label: str
    path: str
    icon: str
    permission: Permission | None


@dataclass(frozen=True, slots=True)
class Item:
    """An entry as the frame shows it."""

    label: str
    url: str
    icon: str
    current: bool
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A heading and its entries."""

    label: str
    items: list[Item]


P = Permission
PLACES: tuple[tuple[str, tuple[Place, ...]], ...] = (
    (
        N_("Work"),
        (
            Place(N_("Home"), "/", "home", None),
            Place(N_("Programmes"), "/programmes", "book-open", P.PROGRAMME_READ),
            Place(N_("Tasks"), "/tasks", "list-checks", P.TASK_READ),
            Place(N_("Import a plan"), "/plan-imports", "file-up", P.PLAN_IMPORT),
            Place(N_("Exchange packages"), "/exchange-packages", "package", P.PROGRAMME_RECEIVE),
        ),
    ),
    (
        N_("Administration"),
        (
            Place(N_("Units"), "/units", "network", P.UNIT_READ),
            Place(N_("Accounts"), "/users", "users", P.USER_READ),
            Place(N_("Roles"), "/memberships", "shield-check", P.MEMBERSHIP_MANAGE),
            Place(N_("Second factors"), "/second-factors/resets", "lock", P.SECOND_FACTOR_READ),
            Place(N_("Audit trail"), "/audit", "scroll-text", P.AUDIT_READ),
            Place(N_("Seals of the log"), "/audit/seals", "stamp", P.SEAL_READ),
            Place(N_("Jobs"), "/jobs", "clock", P.JOB_READ),
            Place(N_("System status"), "/status", "settings", P.STATUS_READ),
        ),
    ),
    (
        N_("My account"),
        (
            Place(N_("Tokens"), "/tokens", "key-round", None),
            Place(N_("Password"), "/password", "lock", None),
            Place(N_("Second factor"), "/second-factor", "shield-check", None),
            Place(N_("Sign-ins"), "/sessions", "shield-check", None),
        ),
    ),
)


def build(actor: Actor, path: str, language: str) -> list[Group]:
    """The groups that ``actor`` sees, the entry of ``path`` marked as current."""
    groups = []
    current = _current(path)
    for label, places in PLACES:
        items = [
            Item(translate(language, place.label), place.path, place.icon, place.path == current)
            for place in places
            if place.permission is None or can(actor, place.permission)
        ]
        if items:
            groups.append(Group(translate(language, label), items))
    return groups


def _current(path: str) -> str:
    """The place that a page belongs to: of two that fit, the nearer one (/audit/seals, not /audit)."""
    fitting = [place.path for _, places in PLACES for place in places if _leads_to(place.path, path)]
    return max(fitting, key=len, default="")


def _leads_to(place: str, path: str) -> bool:
    return path == place if place == "/" else path == place or path.startswith(f"{place}/")
