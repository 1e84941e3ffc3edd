"""The REST API under /api/v1, one router per noun."""

from fastapi import APIRouter

routers: tuple[APIRouter, ...] = ()
