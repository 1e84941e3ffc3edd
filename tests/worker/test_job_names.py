"""Every kind of job has a name for people, kept apart from its work."""

from app.services import job_names
from app.services.work import KINDS


def test_every_kind_has_one_and_nothing_else_has() -> None:
    assert set(job_names.TITLES) == set(KINDS)
    assert set(job_names.RESULTS) <= set(KINDS)
