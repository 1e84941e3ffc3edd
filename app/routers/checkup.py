"""The lines of the checks in a reader's language, for the page and the API alike."""

from datetime import datetime

from fastapi import Request

from app.catalogues import translate
from app.routers import rendering
from app.routers.dependencies import Store, settings
from app.schemas.status import StatusLine, StatusPublic
from app.services import checks


def status_of(request: Request, store: Store, now: datetime) -> tuple[StatusPublic, dict[str, str]]:
    """How the installation stands, and the page that each line leads to, by the line's name."""
    lines = checks.run(checks.Context(settings(request), store, now))
    language = rendering.language_of(request)
    items = [
        StatusLine(
            name=line.name,
            group=translate(language, line.group),
            label=translate(language, line.label),
            state=line.state.value,
            value=translate(language, line.finding.value, dict(line.finding.values)),
            advice=translate(language, line.finding.advice, dict(line.finding.values)),
        )
        for line in lines
    ]
    urls = {line.name: line.finding.url for line in lines if line.finding.url}
    return StatusPublic(state=checks.worst(lines).value, items=items), urls
