"""Which unit here a received unit is: by exact name or alias within its bureau, and bureaus by name."""

from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.folding import fold
from app.models import Unit, UnitName
from app.permissions import Actor
from app.services import units


class Matching:
    """Finds units for one package; each unit here stands for one received unit at most."""

    def __init__(self, session: Session, actor: Actor) -> None:
        self.session = session
        self.actor = actor
        self._taken: set[Any] = set()
        self._roots: dict[Any, Any] = {}

    def find(self, values: dict[str, Any]) -> int | None:
        """The unit here that bears the received one's name: a bureau that the actor sees, or a part of its bureau."""
        parent = values["parent_id"]
        if parent is None:
            matches = units.match(self.session, self.actor, [values["name"]])[values["name"]]
            found = [match.unit_id for match in matches if match.root_id == match.unit_id]
        elif isinstance(parent, int):
            found = self._in_bureau(self.root_of(parent), values["name"])
        else:
            found = []
        free = [key for key in found if key not in self._taken]
        if len(free) != 1:
            return None
        return free[0]

    def claim(self, unit_id: Any) -> None:
        """Let a unit stand for the received unit that it was found for, and for no other."""
        self._taken.add(unit_id)

    def _in_bureau(self, root_id: int | None, name: str) -> list[int]:
        statement = (
            select(col(Unit.id))
            .join(UnitName, col(UnitName.unit_id) == col(Unit.id))
            .where(
                col(Unit.root_id) == root_id,
                col(Unit.merged_into_id).is_(None),
                col(UnitName.folded) == fold(name),
                col(Unit.parent_id).is_not(None),
            )
            .distinct()
        )
        return [key for key in self.session.connection().scalars(statement) if key is not None]

    def root_of(self, unit_id: int) -> int | None:
        """The bureau of a unit that is here."""
        if unit_id not in self._roots:
            statement = select(col(Unit.root_id)).where(col(Unit.id) == unit_id)
            self._roots[unit_id] = self.session.connection().scalar(statement)
        found: int | None = self._roots[unit_id]
        return found

    def fits(self, unit: Any, parent: Any) -> bool:
        """Whether a unit that is here may stand under ``parent``: it never moves to another bureau."""
        if unit is None:
            return True
        if parent is None:
            return bool(unit.root_id == unit.id)
        return isinstance(parent, int) and self.root_of(parent) == unit.root_id and unit.root_id != unit.id
