"""The REST API under /api/v1, one router per noun."""

from fastapi import APIRouter

from app.routers.api import accounts, assignments, attachments, memberships, sessions, tasks, tokens, users

routers: tuple[APIRouter, ...] = (
    accounts.router,
    assignments.router,
    attachments.router,
    memberships.grants_router,
    memberships.router,
    sessions.router,
    tasks.router,
    tokens.router,
    users.router,
)
