"""The pages that people see, one router per noun."""

from fastapi import APIRouter

from app.routers.pages import sessions, styleguide

routers: tuple[APIRouter, ...] = (sessions.router, styleguide.router)
