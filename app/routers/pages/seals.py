"""Seals of the log on a page: the head and its fingerprint, the last verification, the list, the export."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.catalogues import translate
from app.models import Job
from app.permissions import Permission, can
from app.routers import forms, rendering, sealed_exports
from app.routers.dependencies import Configuration, Form, Now, PageActor, Store, needs
from app.routers.replay import ReplayRoute
from app.rules.seal_checks import Wrong
from app.rules.seals import Head
from app.schemas.seal import SealExportQuery, SealQuery
from app.services import seal_views, verification_words
from app.services.seals import NothingSealed

P = Permission
router = APIRouter(route_class=ReplayRoute)
_NAMED = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """The last verification in words."""

    at: Any
    whole: bool
    seals: int
    events: int
    heads: int
    sentences: list[str]
    more: int


@dataclass(frozen=True, slots=True)
class SealsPage:
    """``head`` is None before the first seal, ``unsealed`` None right after a restore."""

    head: Head | None
    unsealed: int | None
    public_key: str
    outcome: Outcome | None
    running: Job | None
    rows: Sequence[Any]
    first_url: str | None
    next_url: str | None
    reads_trail: bool
    may_verify: bool
    may_export: bool
    programmes: list[tuple[int, str]]
    asker: int | None


@router.get("/audit/seals", name="seals.index", dependencies=[needs(P.SEAL_READ)])
def list_seals(request: Request, actor: PageActor, store: Store, settings: Configuration) -> Response:
    """The head, the last verification and the seals, the newest first."""
    query = forms.checked(SealQuery, request.query_params)
    with store.reading() as session:
        page = seal_views.page(session, actor, limit=query.limit, cursor=query.cursor)
        try:
            head = seal_views.head(session, actor, settings)
        except NothingSealed:
            head = None
        found = seal_views.verification(session, actor)
        context = SealsPage(
            head=head,
            unsealed=seal_views.unsealed(session),
            public_key=seal_views.key(session, actor, settings)["public_key"],
            outcome=_outcome(rendering.language_of(request), found) if found else None,
            running=seal_views.running(session),
            rows=page.rows,
            first_url="/audit/seals" if query.cursor else None,
            next_url=f"/audit/seals?cursor={page.next_cursor}" if page.next_cursor else None,
            reads_trail=can(actor, P.AUDIT_READ),
            may_verify=can(actor, P.SEAL_VERIFY),
            may_export=can(actor, P.SEAL_EXPORT),
            programmes=seal_views.exportable(session, actor),
            asker=actor.user_id,
        )
    return rendering.page(request, "seals/index.html", context)


@router.post("/audit/seals/verify", name="seals.verify", dependencies=[needs(P.SEAL_VERIFY)])
def verify_seals(request: Request, _form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Ask the worker for a verification and show how far it is."""
    with store.transaction() as session:
        job_id = seal_views.ask(session, actor, now=now)
    return rendering.redirect(request, f"/jobs/{job_id}/progress")


@router.get("/audit/seals/head", name="seals.head", dependencies=[needs(P.SEAL_READ)])
def show_head(actor: PageActor, store: Store, settings: Configuration) -> Response:
    """The signed head as a file to keep."""
    with store.reading() as session:
        head = seal_views.head(session, actor, settings)
    return _file(f"duikou-head-{head.ordinal}.jsonl", f"{head.line()}\n", "application/jsonl")


@router.get("/audit/seals/key", name="seals.key", dependencies=[needs(P.SEAL_READ)])
def show_key(actor: PageActor, store: Store, settings: Configuration) -> Response:
    """The public key as a file to keep."""
    with store.reading() as session:
        key = seal_views.key(session, actor, settings)
    return _file(f"duikou-key-{key['key_id']}.txt", f"{key['key_id']} {key['public_key']}\n", "text/plain")


@router.get("/audit/seals/export", name="seals.export", dependencies=[needs(P.SEAL_EXPORT)])
def export_seals(request: Request, actor: PageActor, store: Store, settings: Configuration, now: Now) -> Response:
    """The sealed log as a zip with its own verifier."""
    query = forms.checked(SealExportQuery, request.query_params)
    return sealed_exports.answer(store, settings, actor, query, now)


def _file(name: str, text: str, media_type: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(text, headers=headers, media_type=media_type)


def _outcome(language: str, found: seal_views.Verification) -> Outcome:
    result = found.result
    named = result.get("findings", [])[:_NAMED]
    sentences = [translate(language, verification_words.SENTENCES[Wrong(one["kind"])], one) for one in named]
    total = sum(result.get("counts", {}).values())
    return Outcome(
        at=found.at,
        whole=found.whole,
        seals=result.get("seals", 0),
        events=result.get("events", 0),
        heads=result.get("heads", 0),
        sentences=sentences,
        more=total - len(sentences),
    )
