"""Backups on two roles of PostgreSQL: the application backs up, the owner restores, a third drills."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from app import database_roles
from app.services.backups import drills, places
from app.settings import Settings
from tests.factories import NOW, SYSTEM
from tests.migrations.test_database_roles import ROLE, owner, restricted
from tests.services.backup_world import (
    CONTENTS,
    backup,
    contents,
    files_of,
    filled,
    folder,
    is_empty,
    place,
    restore,
    without_the_restore,
)

__all__ = ["filled", "folder", "owner", "place", "restricted"]
pytestmark = [pytest.mark.parametrize("stores", ["postgresql"], indirect=True)]


def test_the_application_may_back_up_and_only_the_owner_restore(
    filled: Settings, restricted: Settings, folder: Path, place: Settings
) -> None:
    path = backup(restricted, folder)
    weak = place.model_copy(update={"database_url": place.database_url.replace("//duikou@", f"//{ROLE}@")})
    with pytest.raises(places.OwnerWanted):
        restore(weak, path)
    assert is_empty(place)
    assert files_of(place) == {}
    restore(place.model_copy(update={"database_app_role": ROLE}), path)
    assert without_the_restore(contents(place)) == without_the_restore(contents(filled))
    engine = create_engine(place.database_url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT has_table_privilege(:role, 'tasks', 'UPDATE')"), {"role": ROLE})
        assert not connection.scalar(text("SELECT has_table_privilege(:role, 'events', 'UPDATE')"), {"role": ROLE})
        assert database_roles.excess(connection, ROLE) == []
    engine.dispose()


def test_a_drill_names_the_right_that_is_lacking_and_takes_another_role(
    filled: Settings, restricted: Settings, folder: Path
) -> None:
    path = backup(restricted, folder)
    with pytest.raises(drills.DrillDatabaseRefused) as refused:
        drills.drill(restricted, path, actor=SYSTEM, now=NOW)
    assert "create database" in refused.value.sentence
    able = restricted.model_copy(update={"drill_database_url": filled.database_url})
    assert drills.drill(able, path, actor=SYSTEM, now=NOW).files == len(CONTENTS)
