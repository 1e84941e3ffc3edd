"""The REST API under /api/v1, one router per noun."""

from fastapi import APIRouter

from app.routers.api import (
    accounts,
    assignments,
    attachments,
    memberships,
    plan_imports,
    plan_items,
    sessions,
    tasks,
    tokens,
    users,
)

routers: tuple[APIRouter, ...] = (
    accounts.router,
    assignments.router,
    attachments.router,
    memberships.grants_router,
    memberships.router,
    plan_imports.router,
    plan_items.router,
    sessions.router,
    tasks.router,
    tokens.router,
    users.router,
)
