"""create_app(): wiring only."""

from fastapi import FastAPI, Request
from starlette.types import Scope

from app import settings as settings_module
from app.adapters import provider, storage
from app.database import Database
from app.papers import account_workbook
from app.routers import errors, health, statics
from app.routers.api import routers as api_routers
from app.routers.compression import Compression
from app.routers.directory import Application
from app.routers.limits import Limits
from app.routers.pages import routers as page_routers
from app.routers.watching import Watch
from app.running import running
from app.services import figures
from app.services.hub import Hub
from app.services.recognition import Recognition
from app.settings import Settings


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application of one process, with its own engines; raises WrongSetting."""
    settings = settings or settings_module.load()

    app = Application(
        title="Duikou",
        version="1",
        summary="Paired-assistance programmes, from the published plan to the final summary.",
        lifespan=running,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        separate_input_output_schemas=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    attach(app, settings)
    errors.install(app, app.methods_of)
    for router in (health.router, statics.router):
        app.take(router)
    for router in api_routers:
        app.take(router, "/api/v1")
    for router in page_routers:
        app.take(router, in_schema=False)
    # Event streams are not compressed: the middleware leaves their type alone.
    app.add_middleware(Compression, minimum_size=1024, compresslevel=5)
    app.add_middleware(
        Limits,
        limit_of=lambda path: _limit_of(settings, path),
        refuse=lambda scope: errors.answer(_request(app, scope), errors.BodyRefused()),
        secure=settings.secure_cookies,
    )
    app.add_middleware(Watch, meters=app.state.meters)
    return app


def attach(app: FastAPI, settings: Settings) -> None:
    """Give an application its store and its files; tests hand one application from store to store."""
    app.state.settings = settings
    app.state.database = Database(settings)
    app.state.storage = storage.from_settings(settings)
    app.state.recognition = Recognition()
    app.state.openid = provider.from_settings(settings)
    app.state.hub = Hub(app.state.database, settings.live_streams)
    app.state.meters = figures.metered(app.state.database, settings)
    if app.state.meters is not None:
        app.state.meters.gauge("live_streams", app.state.hub.__len__)


def _limit_of(settings: Settings, path: str) -> int:
    """The most bytes of a request body: more only where a file is expected, plus its form's frame."""
    if path.endswith(("/plan-imports", "/plan-imports/upload")):
        return settings.plan_limit_mb * 1024 * 1024 + 65536
    if path.endswith(("/users/workbook", "/users/workbook/check", "/memberships/workbook")):
        return account_workbook.MAX_BYTES + 65536
    if path.endswith(("/attachments", "/attachments/upload")):
        return settings.upload_limit_mb * 1024 * 1024 + 65536
    if path.endswith("/exchange-packages"):
        return settings.exchange_limit_mb * 1024 * 1024 + 65536
    return settings.body_limit_kb * 1024


def _request(app: FastAPI, scope: Scope) -> Request:
    # The middleware stands before the app, so the app is not in the scope yet.
    return Request({**scope, "app": app})
