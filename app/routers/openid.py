"""Signing in at an OpenID provider: the steps, each with the network outside every transaction."""

import logging
from datetime import datetime
from typing import cast

from fastapi import Request

from app.adapters.provider import OpenId, ProviderUnreachable, TokenRefused
from app.errors import DomainError
from app.routers import credentials
from app.routers.dependencies import address_of, database, settings
from app.services import identities, openid_sign_ins, sessions, sign_ins
from app.services.openid_sign_ins import Departure
from app.services.sessions import Opened
from app.services.sign_ins import Pending

log = logging.getLogger("duikou")
BY = "openid"
CALLBACK = "/sign-in/oidc/callback"


def provider(request: Request) -> OpenId:
    """The provider of this process; raises NoProvider where none is set."""
    found = cast("OpenId | None", request.app.state.openid)
    if found is None:
        raise identities.NoProvider
    return found


def is_offered(request: Request) -> bool:
    """Whether the sign-in page offers a provider."""
    return request.app.state.openid is not None


def redirect_uri(request: Request) -> str:
    """Where the provider sends people back; from the settings, for a Host header can be anybody's."""
    return f"{settings(request).public_url.rstrip('/')}{CALLBACK}"


def depart(request: Request, target: str, now: datetime) -> tuple[Departure, str]:
    """Note the departure and give the provider's address; raises ProviderDown or SignInThrottled."""
    known = provider(request)
    try:
        known.provider()
        with database(request).transaction() as session:
            made = openid_sign_ins.depart(session, address_of(request), target, now)
        url = known.authorization_url(
            redirect_uri=redirect_uri(request), state=made.state, nonce=made.nonce, verifier=made.verifier
        )
    except ProviderUnreachable as trouble:
        raise _down(request, trouble) from trouble
    return made, url


def come_back(request: Request, browser: str, now: datetime) -> tuple[Opened | Pending | str, str]:
    """Who came back, as a session, a second step or the cookie of an asking, and where they wanted to go.

    Raises FlowOver, NotCompleted, ProofRefused, ProviderDown, NoAccount or AddressNotAllowed.
    """
    query, known = request.query_params, provider(request)
    with database(request).transaction() as session:
        begun = openid_sign_ins.come_back(session, query.get("state", ""), browser, now)
    if begun is None:
        raise _refused(request, openid_sign_ins.FlowOver())
    if "error" in query or not query.get("code"):
        raise _refused(request, openid_sign_ins.NotCompleted(name=settings(request).oidc_name))
    try:
        claims = known.redeem(
            code=query["code"],
            given_issuer=query.get("iss"),
            redirect_uri=redirect_uri(request),
            verifier=begun.verifier,
            nonce=begun.nonce,
            now=now,
        )
    except ProviderUnreachable as trouble:
        raise _down(request, trouble) from trouble
    except TokenRefused as trouble:
        log.warning("a sign-in at the provider was refused: %s", trouble)
        raise _refused(request, openid_sign_ins.ProofRefused(name=settings(request).oidc_name)) from trouble
    done: Opened | Pending | str | None
    with credentials.noting_elsewhere(request, ""), database(request).transaction() as session:
        account = identities.account_of(session, claims, address_of(request), now)
        if account is None:
            done = openid_sign_ins.ask(session, claims, now)
        else:
            agent = request.headers.get("user-agent", "")
            done = sign_ins.after_first_step(session, settings(request), *account, browser=agent, now=now, by=BY)
    if done is None:
        raise _refused(request, openid_sign_ins.NoAccount())
    return done, begun.target


def link(request: Request, token: str, secret: str, now: datetime) -> Opened | Pending:
    """Link the asking subject to the account of this password or printed code, and go on signing in.

    Raises FlowOver, SignInThrottled, LinkRefused or AddressNotAllowed.
    """
    store, address = database(request), address_of(request)
    with store.transaction() as session:
        found, candidate = openid_sign_ins.attempt_link(session, settings(request), token, address, now)
    right = sessions.password_matches(secret, candidate.password_hash)
    done: Opened | Pending | None = None
    with credentials.noting_elsewhere(request, found.login), store.transaction() as session:
        account = openid_sign_ins.link_own(
            session, found, candidate, secret, password_right=right, address=address, now=now
        )
        if account is None:
            code = openid_sign_ins.LinkRefused.code
            sessions.note_failure(session, credentials.nobody(request), found.login, code)
        else:
            agent = request.headers.get("user-agent", "")
            done = sign_ins.after_first_step(session, settings(request), *account, browser=agent, now=now, by=BY)
    if done is None:
        raise openid_sign_ins.LinkRefused(field="secret")
    return done


def _down(request: Request, trouble: ProviderUnreachable) -> DomainError:
    log.warning("the provider of sign-ins: %s", trouble)
    return openid_sign_ins.ProviderDown(name=settings(request).oidc_name)


def _refused(request: Request, refusal: DomainError) -> DomainError:
    """Record a sign-in that came to nothing, for whoever watches the trail; nobody is known yet."""
    with database(request).transaction() as session:
        sessions.note_failure(session, credentials.nobody(request), "", refusal.code)
    return refusal
