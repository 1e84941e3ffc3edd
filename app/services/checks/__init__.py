"""How the installation stands: one line for each thing that can go wrong, and what to do about it.

The status page, ``duikou check`` and the API show the same lines. A check is a function in one of the
modules beside this one and an entry in ``GROUPS``. It looks and never mends, and it is quick.
"""

import logging
from collections.abc import Sequence

from app.errors import DomainError
from app.messages import N_
from app.services.checks import backups, clocks, configuration, machine, records, stores, work
from app.services.checks.base import Check, Context, Finding, Line, State

log = logging.getLogger("duikou")
GROUPS: tuple[tuple[str, tuple[Check, ...]], ...] = (
    (N_("Store"), stores.CHECKS),
    (N_("Work"), work.CHECKS),
    (N_("Records"), records.CHECKS + backups.CHECKS),
    (N_("Machine"), machine.CHECKS + clocks.CHECKS),
    (N_("Configuration"), configuration.CHECKS),
)
_ORDER = (State.BAD, State.WARN, State.UNKNOWN, State.OK)


def run(context: Context) -> list[Line]:
    """All lines, in the order of the list. What cannot be looked at is unknown and hides nothing else."""
    store = Line(GROUPS[0][0], stores.REACHED.name, stores.REACHED.label, _look(stores.REACHED, context) or _AWAY)
    lines = [store]
    for group, checks in GROUPS:
        for check in checks:
            found = _AWAY if check.asks_store and store.state is State.BAD else _look(check, context)
            if found is not None:
                lines.append(Line(group, check.name, check.label, found))
    return lines


def worst(lines: Sequence[Line]) -> State:
    """The state of the whole: bad before warn before ok; what is unknown alone does not make it so."""
    states = {line.state for line in lines} - {State.UNKNOWN}
    return next(state for state in _ORDER if state in states or state is State.OK)


_AWAY = Finding(State.UNKNOWN, N_("cannot be looked at while the store does not answer"))


def _look(check: Check, context: Context) -> Finding | None:
    try:
        return check.read(context)
    except DomainError as refusal:
        return Finding(State.UNKNOWN, refusal.message, values=refusal.values)
    except Exception as error:  # one check that breaks must not hide what the others have found
        log.exception("a check broke: %s", check.name)
        broke = N_("could not be looked at (%(error)s)")
        return Finding(State.UNKNOWN, broke, N_("See the log for the reason."), {"error": type(error).__name__})


__all__ = ["GROUPS", "Check", "Context", "Finding", "Line", "State", "run", "worst"]
