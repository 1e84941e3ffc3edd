"""The API does what its description says, for any input: schemathesis, with all of its checks.

Each group of addresses has a copy of the world of its own, so that they can run side by side. The seed
is fixed: what this finds once it finds again.
"""

import re

import pytest
import schemathesis
from fastapi import FastAPI
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from app.main import create_app
from app.settings import Settings
from tests import factories

# The same answers for any engine; a second one would find what the first has found.
pytestmark = pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
GROUPS = {
    "plans": r"/plan-imports",
    "structure": r"/(programmes|tracks|milestones|units)",
    "work": r"/(tasks|assignments|attachments|events)",
    "people": r"/(users|memberships|tokens|sessions|me|reset-codes)",
}
# What the checks take for a refusal of wrong input, and for the refusal of input that is well-formed
# but names what is not there (422), what was changed meanwhile (412) or a file of another kind (415).
REFUSED = ["400", "401", "403", "404", "405", "406", "409", "412", "413", "415", "422", "428", "429", "5xx"]
ANSWERED = ["2xx", "3xx", "401", "403", "404", "409", "412", "415", "422", "429"]


def _config(persona: str, examples: int) -> SchemathesisConfig:
    return SchemathesisConfig.from_dict(
        {
            "seed": 20261123,
            "headers": {"Authorization": f"Bearer {factories.bearer_token(persona)}"},
            "generation": {"max-examples": examples, "deterministic": True, "database": "none"},
            "checks": {
                "negative_data_rejection": {"expected-statuses": REFUSED},
                "positive_data_acceptance": {"expected-statuses": ANSWERED},
                # Rights are asked before anything that was sent is looked at.
                "missing_required_header": {"expected-statuses": ["401", "403", "404", "405", "406", "422", "428"]},
            },
            "phases": {
                "coverage": {"unexpected-methods": ["OPTIONS", "PUT", "TRACE"]},
                "stateful": {"enabled": False},
            },
        }
    )


def _findings(app: FastAPI, persona: str, group: str, examples: int) -> tuple[int, list[str]]:
    """How many requests were made, and what was wrong with their answers."""
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app, config=_config(persona, examples))
    found: dict[tuple[str, str], str] = {}
    requests = 0
    for event in from_schema(schema.include(path_regex=f"/api/v1{GROUPS[group]}")).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            found[("schemathesis", str(event))] = str(event)
        if not isinstance(event, events.ScenarioFinished):
            continue
        requests += len(event.recorder.cases)
        for case_id, checks in event.recorder.checks.items():
            for check in checks:
                if check.failure_info is None:
                    continue
                case = event.recorder.cases[case_id].value
                asked = f"{case.method} {case.formatted_path} {case.query} {str(case.body)[:300]}"
                key = (str(event.recorder.label), check.name)
                found.setdefault(key, f"{asked}: {check.failure_info.failure}")
    return requests, list(found.values())


@pytest.mark.timeout(400)
@pytest.mark.parametrize("group", list(GROUPS))
def test_answers_as_it_is_described(app: FastAPI, group: str) -> None:
    requests, findings = _findings(app, "coordinator", group, examples=2)
    assert findings == []
    assert requests > 100


@pytest.mark.timeout(400)
def test_administration_answers_as_it_is_described(app: FastAPI) -> None:
    """Accounts are the system administrator's: for anybody else most of it ends at a 403."""
    _, findings = _findings(app, "system_admin", "people", examples=2)
    assert findings == []


@pytest.mark.soak
@pytest.mark.parametrize("group", list(GROUPS))
@pytest.mark.parametrize("persona", ["coordinator", "recipient", "handler", "security_admin"])
def test_answers_any_input_for_long(settings: Settings, group: str, persona: str) -> None:
    app = create_app(settings)
    _, findings = _findings(app, persona, group, examples=200)
    app.state.database.dispose()
    assert findings == []


def test_describes_every_error_and_every_operation(app: FastAPI) -> None:
    description = app.openapi()
    assert description["openapi"].startswith("3.1")
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            assert operation.get("description"), f"{method} {path} says nothing"
            assert re.fullmatch(r"/api/v1/[a-z0-9/{}_-]+", path)
            for status, answer in operation["responses"].items():
                if status.startswith(("4", "5")):
                    assert "application/problem+json" in answer["content"], f"{method} {path} {status}"
