"""duikou export, import and export-key: a whole programme to a file, and from one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Literal

import typer

from app import clock
from app.adapters import storage
from app.cli.speech import say, show, told
from app.cli.stores import Opened, opened
from app.errors import DomainError, Kind
from app.messages import N_
from app.permissions import Actor
from app.rules.exchange import Standing
from app.services import exchange_exports, exchange_intake, exchange_packages, exchange_runs, logins
from app.services import exchange_states as states
from app.services.exchange_checks import Checked
from app.services.exchange_exports import Place


class FileInTheWay(DomainError):
    """Nothing that is there already is written over."""

    kind = Kind.CONFLICT
    code = "file_in_the_way"
    message = N_("There is a file of this name already: %(name)s")


class FileUnreadable(DomainError):
    """A file of the command that cannot be opened."""

    code = "file_unreadable"
    message = N_("The file cannot be used: %(name)s (%(reason)s)")


Login = Annotated[str | None, typer.Option("--as", help=told(N_("The account for which it is done; else the system.")))]


def export_programme(
    programme: Annotated[int, typer.Argument(min=1, help=told(N_("The number of the programme.")))],
    file: Annotated[Path, typer.Argument(dir_okay=False, help=told(N_("The package to be written, a zip.")))],
    login: Login = None,
) -> None:
    """The package is kept in the file storage too, as evidence of what was sent."""
    if file.exists():
        raise FileInTheWay(name=str(file))
    with opened() as work:
        where, actor = _place(work), _actor(work, login)
        with where.store.transaction() as session:
            package_id = exchange_exports.begin(session, actor, programme, now=work.now, queued=False).key
        try:
            made = exchange_exports.make(where, actor, package_id, now=clock.now, progress=_unwatched)
        except DomainError as refusal:
            with where.store.transaction() as session:
                exchange_exports.fail(session, actor, package_id, refusal)
            raise
        try:
            with file.open("xb") as out:
                for chunk in where.storage.read(made.sha256):
                    out.write(chunk)
        except OSError as error:
            raise FileUnreadable(name=str(file), reason=error.strerror or "") from error
    say(N_("Package %(number)s: %(rows)s rows, SHA-256 %(sha256)s"), number=made.number, rows=_rows(made.counts),
        sha256=made.sha256)  # fmt: skip


def import_package(
    file: Annotated[Path, typer.Argument(dir_okay=False, help=told(N_("The exchange package.")))],
    check: Annotated[bool, typer.Option("--check", help=told(N_("Only say what it would change.")))] = False,
    take: Annotated[
        Literal["theirs", "ours"] | None,
        typer.Option("--take", help=told(N_("Which side's text stands in every conflict; else they stay open."))),
    ] = None,
    duplicate: Annotated[
        bool, typer.Option("--duplicate", help=told(N_("Although its document is a programme here already.")))
    ] = False,
    login: Login = None,
) -> None:
    """What nobody decides stays as it is; the same package can be taken in again."""
    with opened() as work, _read(file) as data:
        where, actor = _place(work), _actor(work, login)
        arrived = exchange_intake.arrive(where, work.settings, file.name, data)
        with where.store.transaction() as session:
            package_id = exchange_packages.receive(session, actor, arrived, now=work.now, queued=False).key
        try:
            checked = exchange_intake.look(where, work.settings, actor, package_id, progress=_unwatched)
            _print(checked)
            if check:
                return
            with where.store.transaction() as session:
                version = exchange_packages.show(session, actor, package_id).version
                exchange_packages.begin_apply(
                    session, actor, package_id, version, duplicate=duplicate, now=work.now, queued=False
                )
            applied = exchange_intake.apply(
                where, work.settings, actor, package_id, now=work.now, progress=_unwatched, take=take or ""
            )
        except exchange_packages.DocumentKnown:
            raise
        except DomainError as refusal:
            exchange_runs.refused(where, actor, package_id, refusal)
            raise
    if not applied.changed and not applied.open:
        say(N_("Nothing was changed: everything in it is here already."))
        return
    say(N_("Taken in as programme %(programme)s: %(changed)s rows changed, %(open)s left open."),
        programme=applied.programme_id, changed=applied.changed, open=applied.open)  # fmt: skip


def print_key() -> None:
    """One line that the other side puts into its setting exchange_keys."""
    with opened() as work:
        with work.store.transaction() as session:
            name = states.installation(session)
        show(f"{name}:{work.store.vault.exchange_key}")


def _print(checked: Checked) -> None:
    for noun, counts in checked.counts.items():
        show(f"{noun}\t" + " ".join(f"{standing}={number}" for standing, number in sorted(counts.items())))
    for difference in checked.differences:
        if difference.standing is Standing.CONFLICT:
            show(f"! {difference.noun}\t{difference.label}\t{difference.blocked}")
            for name in difference.theirs or difference.ours or {}:
                show(f"  {name}\t{(difference.ours or {}).get(name)!r}\t{(difference.theirs or {}).get(name)!r}")
    say(
        N_("%(new)s new, %(theirs)s changed there, %(ours)s changed here, %(conflicts)s in conflict."),
        new=checked.total(Standing.NEW),
        theirs=checked.total(Standing.THEIRS),
        ours=checked.total(Standing.OURS),
        conflicts=checked.total(Standing.CONFLICT),
    )


@contextmanager
def _read(file: Path) -> Iterator[IO[bytes]]:
    try:
        opened_file = file.open("rb")
    except OSError as error:
        raise FileUnreadable(name=str(file), reason=error.strerror or "") from error
    with opened_file as data:
        yield data


def _place(work: Opened) -> Place:
    return Place(work.store, storage.from_settings(work.settings), work.settings.data / "packages")


def _actor(work: Opened, login: str | None) -> Actor:
    if login is None:
        return work.actor
    with work.store.reading() as session:
        return logins.act_as(session, work.actor, login, work.today)


def _rows(counts: dict[str, int]) -> int:
    return sum(number for noun, number in counts.items() if noun not in ("events", "files"))


def _unwatched(_done: int, _total: int) -> None:
    pass
