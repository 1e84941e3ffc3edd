"""The pages that people see, one router per noun."""

from fastapi import APIRouter

from app.routers.pages import accounts, memberships, sessions, styleguide, tokens, users

routers: tuple[APIRouter, ...] = (
    accounts.router,
    memberships.router,
    sessions.router,
    styleguide.router,
    tokens.router,
    users.router,
)
