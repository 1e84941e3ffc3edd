"""What the store must hold after a kill: every promise, nothing half done, and a log that tells it all."""

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.adapters.storage import Storage
from app.database import Database
from app.models import Attachment, Event, Task
from app.services import seal_heads, seals, verification
from app.settings import Settings
from tests.kills.writers import Ledger, Written


def newest_task(session: Session) -> int:
    """The id of the newest task, 0 where there is none."""
    return session.connection().scalar(select(func.max(col(Task.id)))) or 0


def promises_kept(session: Session, ledger: Ledger, tasks: list[Written], files: list[int]) -> None:
    """Each acknowledged write is there, with what it said; at most the one under way came on top."""
    found = {
        row.id: row
        for row in session.connection().execute(
            select(col(Task.id), col(Task.version), col(Task.heading)).where(col(Task.id).in_([t.id for t in tasks]))
        )
    }
    for task in tasks:
        row = found[task.id]
        promised = (row.version, row.heading) == (task.version, task.heading)
        under_way = bool(task.sent) and (row.version, row.heading) == (task.version + 1, task.sent)
        assert promised or under_way, f"{task} became {row}"
        task.version, task.heading, task.sent = row.version, row.heading, ""
    stored = session.connection().execute(select(col(Attachment.id), col(Attachment.sha256)))
    digests = {row.id: row.sha256 for row in stored.all()}
    for file in files:
        assert digests.get(file) == ledger.files[file]


def bytes_kept(session: Session, storage: Storage, after: int) -> int:
    """Every attachment that is on record has its bytes, acknowledged or not; returns the newest one's id."""
    rows = session.connection().execute(
        select(col(Attachment.id), col(Attachment.sha256), col(Attachment.size))
        .where(col(Attachment.id) > after)
        .order_by(col(Attachment.id))
    )
    newest = after
    for row in rows.all():
        assert sum(len(chunk) for chunk in storage.read(row.sha256)) == row.size
        newest = row.id
    return newest


def nothing_half_done(session: Session, after: int) -> int:
    """Each task made since has the events of its making and of every change; returns the newest one's id."""
    tasks = session.connection().execute(
        select(col(Task.id), col(Task.version), col(Task.heading)).where(col(Task.id) > after)
    )
    found = {row.id: row for row in tasks.all()}
    events = session.connection().execute(
        select(col(Event.subject_id), col(Event.kind), col(Event.verb), func.count().label("number"))
        .where(col(Event.subject_type) == "tasks", col(Event.subject_id) > after)
        .group_by(col(Event.subject_id), col(Event.kind), col(Event.verb))
    )
    told: dict[int, dict[tuple[str, str], int]] = {}
    for row in events.all():
        told.setdefault(row.subject_id, {})[row.kind.value, row.verb] = row.number
    assert set(told) == set(found), "a task without events, or events of a task that is not there"
    for number, row in found.items():
        changes = row.version - 1
        expected = {("verb", "task.create"): 1, ("row", "insert"): 1}
        if changes:
            expected |= {("verb", "task.update"): changes, ("row", "update"): changes}
        assert told[number] == expected, f"{row}: {told[number]}"
    headings = [row.heading for row in found.values()]
    assert len(headings) == len(set(headings)), "something was done twice"
    return max(found, default=after)


def log_is_whole(store: Database, settings: Settings) -> int:
    """The seals made under fire verify, and so does what is not sealed yet; returns how many seals there are."""
    keys = seals.trusted_keys(settings, store.vault)
    kept = seal_heads.read(seal_heads.kept_here(settings))
    report = verification.verify(store, keys, heads=kept)
    assert report.whole, dict(report.findings.counts)
    return report.seals


def events_follow_each_other(session: Session) -> None:
    """On SQLite ids have no gap: what was rolled back never had one."""
    first, last, number = (
        session.connection().execute(select(func.min(col(Event.id)), func.max(col(Event.id)), func.count())).one()
    )
    assert last - first + 1 == number
