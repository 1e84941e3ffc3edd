"""The audit trail: who did what, when and from where, as far as the reader may know it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.catalogues import translate
from app.messages import N_
from app.permissions import Permission
from app.routers import forms, rendering
from app.routers.dependencies import PageActor, Store, needs
from app.routers.late import LateRoute
from app.routers.pages import history
from app.routers.pages.history import FieldChange
from app.routers.pages.task_pages import Chip, address
from app.schemas.event import EventFilters, EventQuery
from app.services import audit

P = Permission
router = APIRouter(route_class=LateRoute)
KINDS = {"verb": N_("Actions"), "row": N_("Changed rows"), "access": N_("Readings and refusals")}
SUBJECTS = {
    "assignments": N_("Assignments"),
    "attachments": N_("Files"),
    "group_members": N_("Members of groups"),
    "jobs": N_("Jobs"),
    "identities": N_("Linked identities"),
    "memberships": N_("Roles"),
    "milestones": N_("Milestones"),
    "parties": N_("Sides"),
    "plan_imports": N_("Plans"),
    "plan_items": N_("Items of a plan"),
    "plan_versions": N_("Versions of a plan"),
    "programmes": N_("Programmes"),
    "recovery_codes": N_("Recovery codes"),
    "reset_codes": N_("Reset codes"),
    "routes": N_("Refused requests"),
    "seal": N_("Seals of the log"),
    "store": N_("Backups"),
    "second_factors": N_("Second factors"),
    "tasks": N_("Tasks"),
    "tokens": N_("Tokens"),
    "tracks": N_("Tracks"),
    "unit_names": N_("Names of units"),
    "units": N_("Units"),
    "users": N_("Accounts"),
}
_CHIPS = {
    "actor_id": N_("One person"),
    "kind": N_("Kind: %(value)s"),
    "person": N_("Person: %(value)s"),
    "programme": N_("One programme"),
    "since": N_("From %(value)s"),
    "subject_id": N_("One thing"),
    "subject_type": N_("Of: %(value)s"),
    "until": N_("Until %(value)s"),
    "verb": N_("Action: %(value)s"),
}


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One entry of the log in words."""

    id: int
    at: datetime
    who: str
    verb: str
    kind: str
    subject: str
    subject_id: int | None
    name: str
    channel: str
    address: str
    reason: str
    changes: list[FieldChange]


@dataclass(frozen=True, slots=True)
class AuditPage:
    """The audit trail: rows, filters in force, the way on."""

    rows: list[AuditRow]
    values: dict[str, Any]
    kept: dict[str, Any]
    chips: list[Chip]
    kinds: list[tuple[str, str]]
    subjects: list[tuple[str, str]]
    first_url: str | None
    next_url: str | None


@router.get("/audit", name="audit.index", dependencies=[needs(P.AUDIT_READ)])
def show_audit(request: Request, actor: PageActor, store: Store) -> Response:
    """The log, newest first. Reading personal fields in clear is itself recorded."""
    query = forms.checked(EventQuery, request.query_params)
    with store.reading() as session:
        page = audit.page(session, actor, query, limit=query.limit, cursor=query.cursor)
    read_clear = audit.in_clear(page.rows)
    if read_clear:
        with store.transaction() as session:
            audit.note_reading(session, actor, read_clear)
    language = rendering.language_of(request)
    context = _context(language, query, [_row(language, item) for item in page.rows], page.next_cursor)
    return rendering.page(request, "audit/index.html", context, fragment="audit/_list.html")


def _context(language: str, query: EventQuery, rows: list[AuditRow], following: str | None) -> AuditPage:
    given = query.model_dump(mode="json", include=set(EventFilters.model_fields), exclude_none=True)
    return AuditPage(
        rows=rows,
        values=given,
        kept={name: given[name] for name in ("actor_id", "programme", "subject_id") if name in given},
        chips=[_chip(language, name, value, given) for name, value in given.items()],
        kinds=[(name, translate(language, message)) for name, message in KINDS.items()],
        subjects=[(name, translate(language, message)) for name, message in SUBJECTS.items()],
        first_url=address("/audit", given) if query.cursor else None,
        next_url=address("/audit", {**given, "cursor": following}) if following else None,
    )


def _chip(language: str, name: str, value: Any, given: dict[str, Any]) -> Chip:
    message = {"kind": KINDS, "subject_type": SUBJECTS}.get(name, {}).get(value)
    shown = translate(language, message) if message else value
    rest = {key: other for key, other in given.items() if key != name}
    return Chip(translate(language, _CHIPS[name], {"value": shown}), address("/audit", rest))


def _row(language: str, item: dict[str, Any]) -> AuditRow:
    before, after = item["before"] or {}, item["after"] or {}
    changes = [
        FieldChange(
            history.field_name(language, name),
            history.value(language, name, before.get(name)),
            history.value(language, name, after.get(name)),
        )
        for name in [*before, *(name for name in after if name not in before)]
        if before.get(name) not in (None, "", []) or after.get(name) not in (None, "", [])
    ]
    subject = SUBJECTS.get(item["subject_type"])
    return AuditRow(
        id=item["id"],
        at=item["at"],
        who=history.who(language, item["actor_id"], item["actor_name"]),
        verb=history.verb_name(language, item["verb"]),
        kind=str(item["kind"]),
        subject=translate(language, subject) if subject else item["subject_type"],
        subject_id=item["subject_id"],
        name=item["subject_name"],
        channel=translate(language, history.CHANNELS.get(item["channel"], item["channel"])),
        address=item["address"],
        reason=item["reason"],
        changes=changes,
    )
