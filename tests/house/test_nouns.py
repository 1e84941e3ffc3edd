"""A noun has all of its parts, or says here which one it does without and why."""

import pytest
from sqlmodel import SQLModel

from app.models import BOOKKEEPING
from tests.house.tree import ROOT

NOUNS = {
    "assignment": "assignments",
    "attachment": "attachments",
    "event": "events",
    "job": "jobs",
    "exchange_package": "exchange_packages",
    "identity": "identities",
    "membership": "memberships",
    "milestone": "milestones",
    "plan_import": "plan_imports",
    "programme": "programmes",
    "second_factor": "second_factors",
    "task": "tasks",
    "token": "tokens",
    "track": "tracks",
    "unit": "units",
    "user": "users",
}
# A part that stands under another name, or is seen on the page of what it belongs to.
ELSEWHERE = {
    "app/models/track.py": "app/models/programme.py",
    "app/schemas/track.py": "app/schemas/programme.py",
    "app/routers/pages/events.py": "app/routers/pages/audit.py",
    "app/templates/attachments": "app/templates/tasks",
    "app/templates/events": "app/templates/audit",
    "app/templates/tracks": "app/templates/programmes",
    "tests/services/test_attachments.py": "tests/api/test_attachments.py",
    "tests/api/test_assignments.py": "tests/api/test_tasks.py",
    "tests/api/test_events.py": "tests/pages/test_audit.py",
    "tests/api/test_memberships.py": "tests/api/test_identity.py",
    "tests/api/test_milestones.py": "tests/api/test_programmes.py",
    "tests/api/test_tokens.py": "tests/api/test_identity.py",
    "tests/api/test_tracks.py": "tests/api/test_programmes.py",
    "tests/api/test_users.py": "tests/api/test_identity.py",
    "tests/pages/test_assignments.py": "tests/pages/test_tasks.py",
    "tests/pages/test_attachments.py": "tests/pages/test_tasks.py",
    "tests/pages/test_events.py": "tests/pages/test_audit.py",
    "tests/pages/test_memberships.py": "tests/pages/test_identity.py",
    "tests/pages/test_milestones.py": "tests/pages/test_programmes.py",
    "tests/pages/test_tokens.py": "tests/pages/test_identity.py",
    "tests/pages/test_tracks.py": "tests/pages/test_programmes.py",
    "tests/pages/test_users.py": "tests/pages/test_identity.py",
}


def parts(noun: str, plural: str) -> list[str]:
    """Where everything about a noun stands."""
    return [
        f"app/models/{noun}.py",
        f"app/schemas/{noun}.py",
        f"app/services/{plural}.py",
        f"app/routers/api/{plural}.py",
        f"app/routers/pages/{plural}.py",
        f"app/templates/{plural}",
        f"tests/services/test_{plural}.py",
        f"tests/api/test_{plural}.py",
        f"tests/pages/test_{plural}.py",
    ]


def stands(part: str) -> bool:
    """Whether a file is there, or a folder with something in it; an empty one is not in the repository."""
    path = ROOT / part
    return path.is_file() or (path.is_dir() and any(path.iterdir()))


@pytest.mark.parametrize("noun", list(NOUNS))
def test_has_all_of_its_parts(noun: str) -> None:
    missing = [part for part in parts(noun, NOUNS[noun]) if not stands(ELSEWHERE.get(part, part))]
    assert missing == []


def test_no_part_is_called_elsewhere_that_stands_in_its_place() -> None:
    assert [part for part in ELSEWHERE if stands(part)] == []


def test_every_table_of_the_store_belongs_to_a_noun() -> None:
    """Bookkeeping that has a file of its own is no noun: nobody works with it by name."""
    mapped = [mapper.class_ for mapper in SQLModel._sa_registry.mappers]
    business = {model.__module__.rpartition(".")[2] for model in mapped if model.__tablename__ not in BOOKKEEPING}
    assert business <= set(NOUNS)


def test_every_noun_is_in_the_changelog() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").lower()
    said = {"membership": "role", "user": "account", "plan_import": "reading", "event": "log"}
    assert [noun for noun in NOUNS if said.get(noun, noun.replace("_", " ")) not in text] == []
