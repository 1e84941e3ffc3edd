"""From a reading to the rows of an import: what is kept, cut to what the store holds, and first suggestions."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlmodel import Session

from app.messages import N_
from app.models import PlanImport, PlanItem, PlanItemKind
from app.papers import plan_doubts
from app.permissions import Actor
from app.rules import plan_suggestions as suggestions
from app.services import units

# What the reader doubts, and what only the store's limits make doubtful: code > sentence.
DOUBTS = {**plan_doubts.DOUBTS, "text_cut": N_("The text is longer than can be stored and was cut at its end.")}
HEADING = 500
WHAT = 2000
TEXT = 20_000
NAME = 200


def row(session: Session, actor: Actor, reading: dict[str, Any]) -> PlanImport:
    """The import of a reading, with units matched, sections mapped and sides suggested; not yet added."""
    issuer = _cut(reading["issuer"], NAME)
    copied_to = [_cut(name, NAME) for name in reading["copied_to"]]
    named = _units(reading["units"])
    known = {alias for unit in named for alias in (unit["named_as"], *unit["aliases"])}
    for name in dict.fromkeys(name for task in reading["tasks"] for name in task["units"]):
        if _cut(name, NAME) not in known:
            named.append(_unit({"name": name, "aliases": []}))
    matched = match(session, actor, [*known, *(unit["named_as"] for unit in named), issuer, *copied_to])
    for unit in named:
        unit["unit_id"] = _certain([matched[name] for name in (unit["named_as"], *unit["aliases"])])
    period = reading["period"]
    return PlanImport(
        name="",
        sha256="",
        title=_cut(reading["title"], 300),
        document_number=_cut(reading["document_number"], 100),
        issuer=issuer,
        head={
            "issued_on": reading["issued_on"],
            "starts_on": period["starts_on"],
            "ends_on": period["ends_on"],
            "disclosure": _cut(reading["disclosure"], 100),
            "recipients": [_cut(name, NAME) for name in reading["recipients"]],
            "copied_to": copied_to,
            "basis": [_basis(entry) for entry in reading["basis"]],
            "parties": _parties(issuer, copied_to, matched),
        },
        lines=reading["lines"],
        repairs=reading["repairs"],
        ignored=reading["ignored"],
        sections=[_section(section) for section in reading["sections"]],
        units=named,
    )


def items(plan: PlanImport, reading: dict[str, Any]) -> Iterator[PlanItem]:
    """The tasks and milestones of a reading as rows of ``plan``, in the order of the document."""
    tracks = {tuple(section["path"]): section["track"] for section in plan.sections}
    for position, task in enumerate(reading["tasks"], 1):
        yield _item(plan, PlanItemKind.TASK, (position, task["line"]), _doubts(task), _task(task, tracks))
    for position, milestone in enumerate(reading["milestones"], 1):
        cut = ["text_cut"] if len(milestone["what"]) > WHAT else []
        data = {
            "when": _cut(milestone["when"], NAME),
            "what": _cut(milestone["what"], WHAT),
            "milestone_kind": milestone["kind"],
            "starts_on": milestone["starts_on"],
            "ends_on": milestone["ends_on"],
            "recurring": milestone["recurring"],
        }
        doubts = [{"code": code, "values": {}} for code in cut]
        yield _item(plan, PlanItemKind.MILESTONE, (position, milestone["line"]), doubts, data)


def match(session: Session, actor: Actor, names: Iterable[str]) -> dict[str, list[units.UnitMatch]]:
    """``units.match`` without empty names; every name is a key."""
    wanted = sorted({name for name in names if name})
    return {"": [], **units.match(session, actor, wanted)}


def new_unit(named: dict[str, Any]) -> dict[str, str]:
    """What a unit would be created as that nothing in the store matches: name, short name, kind and place."""
    name = named["named_as"]
    # Of 公共服务处（法规处） the words before the bracket are the short name, not those inside it.
    before = [alias for alias in named["aliases"] if name.startswith(alias)]
    short = min(before or [alias for alias in named["aliases"] if len(alias) < len(name)], key=len, default="")
    kind = suggestions.unit_kind(name)
    return {
        "name": name,
        "short_name": short[:100],
        "kind": kind,
        "place": "bureau_partner" if kind == "bureau" else "under_aiding",
    }


def unit_entry(name: str) -> dict[str, Any]:
    """A name that an item gives and the units do not list yet."""
    return _unit({"name": name, "aliases": []})


def _certain(matches: Sequence[list[units.UnitMatch]]) -> int | None:
    """The one live unit that the names mean; None where there is none or more than one."""
    live = {match.unit_id for found in matches for match in found if match.unit_ends_on is None}
    return live.pop() if len(live) == 1 else None


def _parties(issuer: str, copied_to: list[str], matched: dict[str, list[units.UnitMatch]]) -> list[dict[str, Any]]:
    parties: list[dict[str, Any]] = []
    taken: set[str] = set()
    for name in dict.fromkeys([issuer, *copied_to]):
        if not name:
            continue
        side = "aiding" if name == issuer else suggestions.side_of(name, frozenset(taken))
        taken.add(side or "")
        roots = {match.root_id for match in matched[name] if match.unit_ends_on is None}
        unit_id = roots.pop() if len(roots) == 1 else None
        parties.append({"name": name, "side": side, "unit_id": unit_id})
    return parties


def _basis(entry: dict[str, Any]) -> str:
    number = entry["document_number"]
    return _cut(f"《{entry['name']}》（{number}）" if number else f"《{entry['name']}》", HEADING)


def _section(section: dict[str, Any]) -> dict[str, Any]:
    heading = _cut(section["heading"], HEADING)
    code = suggestions.track_of(heading)
    name = suggestions.track_name(heading) if code else ""
    return {"path": section["path"], "heading": heading, "line": section["line"], "track": code, "name": name}


def _units(units_read: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The units read, those that are only another spelling of one before them (监测处（应急处）, 监测处) left out."""
    found: list[dict[str, Any]] = []
    spelled: set[str] = set()
    for unit in sorted(map(_unit, units_read), key=lambda unit: -len(unit["aliases"])):
        if unit["named_as"] not in spelled:
            found.append({**unit, "aliases": [name for name in unit["aliases"] if name not in spelled]})
            spelled.update((unit["named_as"], *unit["aliases"]))
    order = [unit["name"] for unit in units_read]
    return sorted(found, key=lambda unit: order.index(unit["named_as"]) if unit["named_as"] in order else len(order))


def _unit(unit: dict[str, Any]) -> dict[str, Any]:
    aliases = [_cut(alias, NAME) for alias in unit["aliases"]]
    return {"named_as": _cut(unit["name"], NAME), "aliases": aliases, "unit_id": None, "create": None}


def _doubts(task: dict[str, Any]) -> list[dict[str, Any]]:
    values = task.get("doubt_values", {})
    codes = list(task["doubts"])
    if len(task["heading"]) > HEADING or len(task["text"]) > TEXT:
        codes.append("text_cut")
    return [{"code": code, "values": values} for code in codes]


def _task(task: dict[str, Any], tracks: dict[tuple[str, ...], str]) -> dict[str, Any]:
    due_text = _cut(task["due_text"], NAME)
    path = [_cut(step, 40) for step in task["path"]][:12]
    # A numbered item that carries a mark itself is no section: its own heading may name its track.
    own = "" if suggestions.track_of_path(path, tracks) else suggestions.track_of(task["heading"][:20])
    return {
        "path": path,
        "part": task["part"],
        "heading": _cut(task["heading"] or task["text"], HEADING),
        "text": _cut(task["text"], TEXT),
        **{
            field: [_cut(name, NAME) for name in task[field]]
            for field in ("units", "lead_units", "supporting_units", "guiding_units")
        },
        "responsible_people": [_cut(name, 100) for name in task["responsible_people"]],
        "due_text": due_text,
        "due_on": task["due_on"],
        "open_ended": task["due_on"] is None and suggestions.is_open_ended(due_text),
        "target": "",
        "track": own,
        "marked": task["marked"],
    }


def _item(
    plan: PlanImport,
    kind: PlanItemKind,
    place: tuple[int, int],
    doubts: list[dict[str, Any]],
    data: dict[str, Any],
) -> PlanItem:
    # An item without a doubt has nothing left to settle, so one flag tells what is left to check.
    return PlanItem(
        plan_import_id=plan.key,
        kind=kind,
        position=place[0],
        line=place[1],
        doubts=doubts,
        settled=not doubts,
        data=data,
    )


def _cut(text: str | None, limit: int) -> str:
    found = (text or "").strip()
    return found if len(found) <= limit else f"{found[: limit - 1]}…"
