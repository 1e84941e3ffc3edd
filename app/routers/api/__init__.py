"""The REST API under /api/v1, one router per noun."""

from fastapi import APIRouter

from app.routers.api import assignments, tasks

routers: tuple[APIRouter, ...] = (assignments.router, tasks.router)
