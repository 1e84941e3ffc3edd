"""The REST API under /api/v1, one router per noun."""

from fastapi import APIRouter

from app.routers.api import (
    accounts,
    assignments,
    attachments,
    events,
    jobs,
    memberships,
    milestones,
    plan_imports,
    plan_items,
    programmes,
    seals,
    second_factors,
    sessions,
    status,
    tasks,
    tokens,
    tracks,
    units,
    users,
)

routers: tuple[APIRouter, ...] = (
    accounts.router,
    assignments.router,
    attachments.router,
    events.router,
    jobs.router,
    memberships.grants_router,
    memberships.router,
    milestones.router,
    plan_imports.router,
    plan_items.router,
    programmes.router,
    seals.router,
    second_factors.router,
    sessions.router,
    status.router,
    tasks.router,
    tokens.router,
    tracks.router,
    units.router,
    users.router,
)
