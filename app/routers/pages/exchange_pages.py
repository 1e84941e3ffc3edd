"""What the pages of exchange packages show, in the reader's words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from pydantic import Field
from sqlmodel import Session

from app import clock
from app.catalogues import translate
from app.errors import DomainError
from app.messages import N_
from app.permissions import Actor, P, can
from app.routers.dependencies import settings
from app.routers.pages import history
from app.routers.rendering import language_of
from app.rules.exchange import Standing
from app.schemas.base import Input
from app.schemas.exchange_package import ExchangeDifferenceQuery, ExchangePackageQuery
from app.services import exchange_packages, exchange_queue, programmes

BLOCKED = {
    "circle": N_("Taken as it is, the row would stand under itself."),
    "elsewhere": N_("The unit would move to another bureau."),
    "in_use": N_("Something here still hangs on this row."),
    "key_taken": N_("Another row here stands in its place already."),
    "lacking": N_("It refers to something that was deleted here or is not taken in."),
}
STOPPED = N_("The work was stopped. Nothing was taken in; make or bring the package again.")


class PackagePageQuery(Input):
    """Which page of the conflicts is open."""

    cursor: str | None = Field(None, max_length=2000)


@dataclass(frozen=True, slots=True)
class IndexPage:
    """The packages that the reader sees, and the form to bring one. ``limit`` is in MB."""

    rows: Sequence[Any]
    next_url: str | None
    limit: int
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FieldPair:
    """One field of a conflict in words."""

    label: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """A row that both sides changed, or that cannot be taken; ``ours`` or ``theirs`` is False where it was deleted."""

    id: int
    noun: str
    label: str
    fields: list[FieldPair]
    has_ours: bool
    has_theirs: bool
    blocked: str
    choice: str


@dataclass(frozen=True, slots=True)
class NounLine:
    """How many rows of a noun there are of each standing."""

    noun: str
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class PackagePage:
    """One package."""

    package: Any
    programme_title: str
    working: bool
    job: Any
    failure: str
    lines: Sequence[NounLine]
    totals: dict[str, int]
    notes: Sequence[str]
    conflicts: Sequence[Conflict]
    examples: Sequence[Any]
    undecided: int
    next_url: str | None
    may_decide: bool


def index(
    request: Request, session: Session, actor: Actor, query: ExchangePackageQuery, errors: dict[str, str] | None = None
) -> IndexPage:
    """The list's page."""
    page = exchange_packages.page(session, actor, query)
    following = f"/exchange-packages?cursor={page.next_cursor}" if page.next_cursor else None
    return IndexPage(page.rows, following, settings(request).exchange_limit_mb, errors or {})


def show(request: Request, session: Session, actor: Actor, package_id: int, query: PackagePageQuery) -> PackagePage:
    """One package's page; the number of queries does not grow with its rows. Raises NotFound."""
    row = exchange_packages.show(session, actor, package_id)
    language = language_of(request)
    wanted = ExchangeDifferenceQuery(standing="conflict", limit=20, cursor=query.cursor)
    found = exchange_packages.differences(session, actor, package_id, wanted)
    working = exchange_queue.goes_on(session, row, now=clock.now())
    seen = row.programme_id is not None and can(actor, P.PROGRAMME_READ, row.programme_id)
    title = programmes.show(session, actor, row.programme_id).title if seen else ""
    lines = _lines(row.counts.get("rows", {})) if row.direction == "received" else []
    following = f"/exchange-packages/{package_id}?cursor={found.next_cursor}#conflicts" if found.next_cursor else None
    return PackagePage(
        package=row,
        programme_title=title,
        working=working,
        job=exchange_queue.job_of(session, row) if working else None,
        failure="" if working else _failure(language, row),
        lines=lines,
        totals={standing.value: sum(line.counts.get(standing, 0) for line in lines) for standing in Standing},
        notes=row.counts.get("notes", []),
        conflicts=[_conflict(language, difference) for difference in found.rows],
        examples=_examples(session, actor, package_id),
        undecided=exchange_packages.undecided(session, package_id),
        next_url=following,
        may_decide=row.direction == "received" and row.state in ("checked", "applied"),
    )


def _lines(rows: dict[str, dict[str, int]]) -> list[NounLine]:
    order = [noun for noun in rows if any(rows[noun].values())]
    return [NounLine(noun, rows[noun]) for noun in order]


def _examples(session: Session, actor: Actor, package_id: int) -> list[Any]:
    """The first rows that would change or go, so that who accepts knows what they answer for."""
    rows: list[Any] = []
    for standing in ("theirs", "gone", "missing"):
        query = ExchangeDifferenceQuery(standing=standing, limit=20)
        rows += exchange_packages.differences(session, actor, package_id, query).rows
    return rows


def _conflict(language: str, row: Any) -> Conflict:
    ours, theirs = row.ours or {}, row.theirs or {}
    fields = [
        FieldPair(
            history.field_name(language, name),
            history.value(language, name, ours.get(name)) if row.ours is not None else "",
            history.value(language, name, theirs.get(name)) if row.theirs is not None else "",
        )
        for name in (theirs or ours)
        if ours.get(name) not in ("", [], None) or theirs.get(name) not in ("", [], None)
    ]
    return Conflict(
        row.id,
        row.noun,
        row.label,
        fields,
        row.ours is not None,
        row.theirs is not None,
        translate(language, BLOCKED[row.blocked]) if row.blocked in BLOCKED else "",
        row.choice,
    )


def _failure(language: str, row: Any) -> str:
    """The sentence of the refusal that ended the package's work, by its stable code."""
    if row.state in exchange_queue.WORKING:
        # Its job was cancelled or has failed for good, which the package itself is not told.
        return translate(language, STOPPED)
    if not row.error:
        return ""
    kinds = {kind.code: kind for kind in _all_refusals(DomainError)}
    if row.error not in kinds:
        return translate(language, STOPPED)
    kind = kinds[row.error]
    try:
        return translate(language, kind.message, row.error_values)
    except KeyError:
        return str(row.error)


def _all_refusals(kind: type[DomainError]) -> list[type[DomainError]]:
    return [kind, *(found for inner in kind.__subclasses__() for found in _all_refusals(inner))]
