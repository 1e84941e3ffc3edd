"""The pages that people see, one router per noun."""

from fastapi import APIRouter

from app.routers.pages import (
    accounts,
    assignments,
    attachments,
    audit,
    home,
    memberships,
    sessions,
    styleguide,
    task_forms,
    tasks,
    tokens,
    units,
    users,
)

routers: tuple[APIRouter, ...] = (
    accounts.router,
    assignments.router,
    attachments.router,
    audit.router,
    home.router,
    memberships.router,
    sessions.router,
    styleguide.router,
    task_forms.router,
    tasks.router,
    tokens.router,
    units.router,
    users.router,
)
