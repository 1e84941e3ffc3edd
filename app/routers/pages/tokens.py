"""Tokens: one's own, and those of service accounts for the security administrator."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from sqlmodel import Session
from starlette.datastructures import FormData
from starlette.responses import Response

from app.errors import DomainError, Forbidden, NotFound
from app.messages import N_
from app.permissions import Actor, Permission, can, held
from app.routers import forms, rendering
from app.routers.dependencies import Form, Now, PageActor, Store, needs
from app.routers.errors import STATUS
from app.routers.late import LateRoute
from app.schemas.base import MAX_ID
from app.schemas.token import TokenCreate, TokenQuery
from app.services import actors, tokens

P = Permission
TokenId = Annotated[int, Path(ge=1, le=MAX_ID)]
# No ReplayRoute: an answer that holds a token must not be stored.
router = APIRouter(route_class=LateRoute)


@dataclass(frozen=True, slots=True)
class TokensPage:
    """The list; ``whose`` are the service accounts for which the reader makes tokens."""

    rows: Sequence[Any]
    next_cursor: str | None
    query: TokenQuery
    whose: Sequence[Any]
    sees_all: bool


@dataclass(frozen=True, slots=True)
class TokenFormPage:
    """The form of a new token: the scopes that its holder can give it."""

    holder_id: int
    holder_name: str
    own: bool
    scopes: Sequence[str]
    values: dict[str, str] = field(default_factory=dict)
    chosen: Sequence[str] = ()
    errors: dict[str, str] = field(default_factory=dict)
    days: int = tokens.MAX_DAYS


@dataclass(frozen=True, slots=True)
class TokenCreatedPage:
    """A new token, shown this once."""

    token: Any
    secret: str


@router.get("/tokens", name="tokens.index", dependencies=[needs(P.ACCOUNT_MANAGE)])
def list_tokens(request: Request, actor: PageActor, store: Store, now: Now) -> Response:
    """The tokens that the reader sees."""
    query = forms.checked(TokenQuery, request.query_params)
    with store.reading() as session:
        page = tokens.page(
            session, actor, user_id=query.user, live=query.live, now=now, limit=query.limit, cursor=query.cursor
        )
        whose = tokens.service_accounts(session, actor)
    context = TokensPage(page.rows, page.next_cursor, query, whose, can(actor, P.TOKEN_MANAGE))
    return rendering.page(request, "tokens/index.html", context)


@router.get("/tokens/new", name="tokens.new", dependencies=[needs(P.ACCOUNT_MANAGE)])
def show_new_token(request: Request, actor: PageActor, store: Store) -> Response:
    """The form of a new token, for oneself or with ``?user=`` for a service account."""
    query = forms.checked(TokenQuery, request.query_params)
    with store.reading() as session:
        context = _form(session, actor, query.user or actor.user_id or 0)
    return rendering.page(request, "tokens/new.html", context)


@router.post("/tokens", name="tokens.create", dependencies=[needs(P.ACCOUNT_MANAGE)])
def create_token(request: Request, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """Make the token and show it this once."""
    try:
        data = forms.checked(TokenCreate, form)
        with store.transaction() as session:
            created = tokens.create(session, actor, data, now=now)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        return _form_again(request, form, actor, store, refusal)
    with store.reading() as session:
        context = TokenCreatedPage(tokens.one(session, actor, created.token_id), created.secret)
    return rendering.page(request, "tokens/created.html", context)


@router.post("/tokens/{token_id}/revoke", name="tokens.revoke", dependencies=[needs(P.ACCOUNT_MANAGE)])
def revoke_token(request: Request, token_id: TokenId, form: Form, actor: PageActor, store: Store, now: Now) -> Response:
    """End a token at once."""
    with store.transaction() as session:
        token = tokens.revoke(session, actor, token_id, forms.version_of(form), now=now)
    done = rendering.done(request, N_("The token %(name)s is revoked."), name=token.name)
    return rendering.redirect(request, "/tokens", done)


def _form(session: Session, actor: Actor, holder_id: int, **again: Any) -> TokenFormPage:
    own = holder_id == actor.user_id
    names = {row.id: row.name for row in tokens.service_accounts(session, actor)} | (
        {holder_id: actor.name} if own else {}
    )
    holder = actors.load(session, holder_id, actor.today) if holder_id in names else None
    if holder is None:
        raise NotFound
    scopes = sorted(right.value for right in held(holder))
    return TokenFormPage(holder_id, names[holder_id], own, scopes, **again)


def _form_again(request: Request, form: FormData, actor: Actor, store: Store, refusal: DomainError) -> Response:
    text = str(form.get("user_id", ""))
    holder_id = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else actor.user_id or 0
    with store.reading() as session:
        context = _form(
            session,
            actor,
            holder_id,
            values=forms.kept(form),
            chosen=[str(scope) for scope in form.getlist("scopes")],
            errors=rendering.sentences(request, refusal),
        )
    return rendering.refused(request, "tokens/new.html", context, refusal, STATUS[refusal.kind])
