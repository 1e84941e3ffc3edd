"""The pages that people see, one router per noun."""

from fastapi import APIRouter

from app.routers.pages import (
    accounts,
    assignments,
    attachments,
    audit,
    home,
    jobs,
    memberships,
    milestones,
    plan_imports,
    plan_items,
    programmes,
    sessions,
    status,
    styleguide,
    task_forms,
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
    audit.router,
    home.router,
    jobs.router,
    memberships.router,
    milestones.router,
    plan_imports.router,
    plan_items.router,
    programmes.router,
    sessions.router,
    status.router,
    styleguide.router,
    task_forms.router,
    tasks.router,
    tokens.router,
    tracks.router,
    units.router,
    users.router,
)
