"""duikou token: tokens of service accounts. A person makes their own after signing in."""

from datetime import timedelta
from typing import Annotated

import typer

from app.cli.speech import say, show, told
from app.cli.stores import opened
from app.clock import SHANGHAI
from app.errors import DomainError
from app.messages import N_
from app.permissions import Permission
from app.schemas.token import TokenCreate
from app.services import logins, tokens

app = typer.Typer(no_args_is_help=True)
_PAGE = 200


class TokenNameUnusable(DomainError):
    """Nothing, or too much of it."""

    code = "token_name_unusable"
    message = N_("A token's name has 1 to 100 characters.")


@app.command("create", help=told(N_("Make a token for a service account and print it, this once.")))
def create_token(
    login: Annotated[str, typer.Argument(help=told(N_("The service account's login.")))],
    scope: Annotated[list[Permission], typer.Option(help=told(N_("A right that it carries; give several times.")))],
    name: Annotated[str, typer.Option(help=told(N_("What the token is for.")))],
    days: Annotated[int, typer.Option(min=0, max=tokens.MAX_DAYS, help=told(N_("Days that it is valid.")))] = 90,
) -> None:
    """A token never has more rights than its account."""
    if not 0 < len(name.strip()) <= 100:
        raise TokenNameUnusable
    with opened() as work, work.store.transaction() as session:
        holder = logins.find(session, work.actor, login)
        expires_on = work.today + timedelta(days=days)
        data = TokenCreate(name=name, scopes=scope, expires_on=expires_on, user_id=holder.key)
        created = tokens.create(session, work.actor, data, now=work.now)
    show(created.secret)
    say(N_("Token %(id)s, valid until %(until)s. It is not shown again."), id=created.token_id, until=expires_on)


@app.command("list", help=told(N_("List tokens: number, holder, name, first characters, last day, state.")))
def list_tokens(
    login: Annotated[str | None, typer.Option(help=told(N_("Only those of this account.")))] = None,
    live: Annotated[bool, typer.Option("--live", help=told(N_("Only those that still open something.")))] = False,
) -> None:
    """The newest first."""
    with opened() as work, work.store.reading() as session:
        user_id = logins.find(session, work.actor, login).key if login else None
        cursor: str | None = None
        while True:
            page = tokens.page(
                session,
                work.actor,
                user_id=user_id,
                live=True if live else None,
                now=work.now,
                limit=_PAGE,
                cursor=cursor,
            )
            for row in page.rows:
                over = row.revoked_at is not None or row.expires_at <= work.now
                state = told(N_("ended")) if over else told(N_("valid"))
                last = (row.expires_at.astimezone(SHANGHAI) - timedelta(seconds=1)).date()
                show(f"{row.id}\t{row.user_name}\t{row.name}\t{row.prefix}\t{last}\t{state}")
            cursor = page.next_cursor
            if cursor is None:
                break


@app.command("revoke", help=told(N_("End a token at once.")))
def revoke_token(token_id: Annotated[int, typer.Argument(min=1, help=told(N_("The token's number.")))]) -> None:
    """Whoever uses it next is refused."""
    with opened() as work, work.store.transaction() as session:
        token = tokens.one(session, work.actor, token_id)
        tokens.revoke(session, work.actor, token_id, token.version, now=work.now)
    say(N_("Token %(id)s is revoked."), id=token_id)
