"""duikou backup and duikou restore: copies of the whole store, and the proof that they can be used."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlmodel import Session
from typer.core import TyperGroup

from app import clock, revisions, settings
from app.cli.speech import complain, say, show, told
from app.clock import SHANGHAI
from app.database import Database
from app.errors import DomainError
from app.messages import N_
from app.permissions import system_actor
from app.services.backups import checking, drills, folders, making, manifests, records, restoring
from app.services.backups.manifests import Manifest
from app.services.backups.progress import Phase
from app.settings import Settings
from app.vault import Vault

_PHASES = {
    Phase.STORE: N_("Copying the store: %(percent)s %%"),
    Phase.FILES: N_("Copying the files: %(percent)s %%"),
    Phase.VERIFYING: N_("Verifying the backup: %(percent)s %%"),
    Phase.RESTORING_FILES: N_("Restoring the files: %(percent)s %%"),
    Phase.RESTORING_STORE: N_("Restoring the store: %(percent)s %%"),
    Phase.LOG: N_("Verifying the log: %(percent)s %%"),
}


class FolderFirst(TyperGroup):
    """``duikou backup FOLDER`` is ``duikou backup make FOLDER``: what is no command is the folder."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See TyperGroup."""
        if not args or args[0] not in {*self.commands, "--help"}:
            args = ["make", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=FolderFirst)
Folder = Annotated[
    Path | None, typer.Argument(help=told(N_("The folder of the backups; without it that of the settings.")))
]
Backup = Annotated[Path, typer.Argument(help=told(N_("The backup: a folder that duikou backup has made.")))]


@app.command("make", help=told(N_("Back up while people work; make may be left out: duikou backup FOLDER")))
def make(
    folder: Folder = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help=told(N_("Copy every file anew; link none of an earlier backup.")))
    ] = False,
    keep: Annotated[
        int | None, typer.Option(min=1, help=told(N_("Then remove what is older than so many whole backups.")))
    ] = None,
) -> None:
    """One moment of the store, every file that it refers to, and a signed list of digests; no keys."""
    chosen = settings.load()
    now = clock.now()
    where = folders.chosen(chosen, folder)
    made = making.create(chosen, where, now=now, fresh=fresh, keep=keep, progress=Meter())
    _noted(chosen, lambda session: records.note_backup(session, system_actor(clock.date_of(now)), made, now=now))
    say(
        N_("The backup is in %(path)s: %(rows)s rows, %(files)s files (%(copied)s copied, the rest linked)."),
        path=made.path,
        rows=made.manifest.rows,
        files=made.manifest.files,
        copied=made.copied,
    )
    say(N_("Keys and settings are not in it. Keep DUIKOU_SECRET_KEY in another place."))
    if made.missing:
        raise FilesWereMissing(count=len(made.missing), path=made.path / making.MISSING)


class FilesWereMissing(DomainError):
    """The backup is as whole as the store was."""

    code = "files_were_missing"
    message = N_(
        "%(count)s files that the records refer to are lost or damaged in the file storage, so the backup is without "
        "them. Their digests are in %(path)s; an earlier backup may have them."
    )


@app.command("list", help=told(N_("List the backups: name, time, rows, files, bytes, state.")))
def list_backups(folder: Folder = None) -> None:
    """The newest first. Only the manifest is verified; restore --check reads everything."""
    chosen = settings.load()
    vault, fits = _vault(chosen), told(N_("signature fits"))
    for path in folders.all_in(folders.chosen(chosen, folder)):
        try:
            show(f"{_line(manifests.read(path, vault), path)}\t{fits}")
        except DomainError as refusal:
            show(f"{path.name}\t{told(refusal.message, **refusal.values)}")


@app.command("drill", help=told(N_("Restore a backup into a temporary place, verify everything, remove it.")))
def drill(
    backup: Annotated[
        Path | None, typer.Argument(help=told(N_("The backup; without it the newest of the settings' folder.")))
    ] = None,
) -> None:
    """How it went stands in the log, good or bad."""
    chosen = settings.load()
    now = clock.now()
    actor = system_actor(clock.date_of(now))
    tried = backup or drills.newest(chosen, folders.chosen(chosen, None))
    try:
        done = drills.drill(chosen, tried, actor=actor, now=now, progress=Meter())
    except DomainError as refusal:
        failure = refusal
        _noted(chosen, lambda session: records.note_drill(session, actor, tried.name, failure, now=now))
        raise
    _noted(chosen, lambda session: records.note_drill(session, actor, done.name, done, now=now))
    say(
        N_(
            "The backup %(name)s can be restored: %(rows)s rows, %(files)s files, %(events)s sealed events, "
            "%(seconds)s seconds."
        ),
        name=done.name,
        events=done.log.events,
        rows=done.manifest.rows,
        files=done.files,
        seconds=round(done.seconds, 1),
    )


def restore(
    backup: Backup,
    check: Annotated[bool, typer.Option("--check", help=told(N_("Only verify the backup; write nothing.")))] = False,
    again: Annotated[
        bool, typer.Option("--again", help=told(N_("Clear what an interrupted restore left, and begin anew.")))
    ] = False,
    other_key: Annotated[
        bool, typer.Option("--other-key", help=told(N_("Accept a backup that another installation's key signed.")))
    ] = False,
) -> None:
    """Verify every digest, then load; on any failure no store stands there."""
    chosen = settings.load()
    if check:
        manifest = checking.check(backup, _vault(chosen), other_key=other_key, progress=Meter())
        say(N_("Everything in the backup is as it was made: %(line)s"), line=_line(manifest, backup))
        return
    now = clock.now()
    actor = system_actor(clock.date_of(now))
    done = restoring.restore(chosen, backup, actor=actor, now=now, again=again, other_key=other_key, progress=Meter())
    say(
        N_("Restored: %(rows)s rows, %(files)s files, as of %(at)s (Beijing time), now at revision %(revision)s."),
        rows=done.manifest.rows,
        files=done.files,
        at=_local(done.manifest),
        revision=done.revision,
    )
    if other_key:
        say(N_("Set DUIKOU_SECRET_KEY to that of the old installation: without it personal fields stay closed."))
    else:
        say(N_("The secret key of this installation is the one that the backup was made with."))
    say(N_("Everybody has to sign in anew. Tokens, accounts and passwords are again as they were at that time."))
    restoring.refuse_broken_log(done)


def _local(manifest: Manifest) -> str:
    return manifest.created_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def _line(manifest: Manifest, path: Path) -> str:
    return f"{path.name}\t{_local(manifest)}\t{manifest.rows}\t{manifest.files}\t{manifest.size}"


def _vault(chosen: Settings) -> Vault:
    return Vault(chosen.secret_key.get_secret_value())


def _noted(chosen: Settings, write: Callable[[Session], None]) -> None:
    """Record in the log where this release may write to it: a backup before an upgrade may not."""
    store = Database(chosen)
    try:
        with store.reading() as session:
            runs = revisions.runs_here(session.connection())
        if runs:
            with store.transaction() as session:
                write(session)
    except DomainError as trouble:
        # The backup or the drill is done; that the log does not say so is another matter.
        complain(trouble)
    finally:
        store.dispose()


class Meter:
    """Says on standard error how far a work is: on a terminal in one line, elsewhere once a phase."""

    def __init__(self) -> None:
        self._said: tuple[Phase, int] | None = None
        self._live = sys.stderr.isatty()

    def __call__(self, phase: Phase, done: int, total: int) -> None:
        """Say it, if there is anything new to say."""
        percent = 100 * done // total if total else 100
        if self._said == (phase, percent) or (percent < 100 and not self._live):
            return
        self._said = (phase, percent)
        line = told(_PHASES[phase], percent=percent)
        end = "\r" if self._live and percent < 100 else "\n"
        sys.stderr.write(f"{line}{end}")
        sys.stderr.flush()
