"""duikou audit: seals, heads and keys of the log, its verification, and the export for auditors."""

import os
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer

from app import clock, seal_keys
from app.cli.speech import say, show, told
from app.cli.stores import Opened, opened
from app.errors import DomainError
from app.messages import N_
from app.rules.seal_checks import NAMED
from app.rules.seals import Head
from app.services import seal_exports, seal_heads, seals, verification, verification_processes, verification_words
from app.services.seal_exports import Scope
from app.services.seal_heads import Kept
from app.services.verification import Report

app = typer.Typer(no_args_is_help=True)
_SMALL = 50_000
Keys = Annotated[
    list[str] | None,
    typer.Option("--key", help=told(N_("A public key that is trusted besides that of the settings; several times."))),
]


class KeyUnusable(DomainError):
    """A public key that is none."""

    code = "key_unusable"
    message = N_("This is not a public key: give 32 bytes as 64 hexadecimal figures or in base64.")


class SinceUnusable(DomainError):
    """Neither the number of a seal nor a file with a head."""

    code = "since_unusable"
    message = N_("Give the number of a seal, or a file whose last line is a head: %(since)s is neither.")


class FileUnwritable(DomainError):
    """The export cannot be written where it should be."""

    code = "file_unwritable"
    message = N_("%(path)s cannot be written (%(reason)s). An export never replaces a file.")


@app.command("verify", help=told(N_("Verify the log against its seals: 0 where it is whole, 1 where it is not.")))
def verify(
    since: Annotated[
        str, typer.Option(help=told(N_("Only what was sealed after this seal: its number, or a file with its head.")))
    ] = "",
    key: Keys = None,
    heads: Annotated[
        list[Path] | None, typer.Option(help=told(N_("A file or folder of heads that were kept; several times.")))
    ] = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help=told(N_("Processes that share the work.")))] = 2,
    as_json: Annotated[bool, typer.Option("--json", help=told(N_("The whole report, as JSON.")))] = False,
) -> None:
    """Read everything, change nothing; the progress goes to standard error."""
    with opened() as work:
        keys = seals.trusted_keys(work.settings, work.store.vault) | _keys(key or [])
        kept = seal_heads.read([*seal_heads.kept_here(work.settings), *(heads or [])])
        start, own = _since(since)
        kept = Kept((*kept.heads, *own), kept.unreadable)
        with work.store.reading() as session:
            small = seals.count(session) < _SMALL
        walk = None if small or processes == 1 else verification_processes.spread(work.settings, keys, processes)
        report = verification.verify(work.store, keys, since=start, heads=kept, walk=walk, progress=_say_progress)
    if as_json:
        show(orjson.dumps(verification_words.as_json(report), option=orjson.OPT_INDENT_2).decode())
    else:
        _say(report)
    raise typer.Exit(0 if report.whole else 1)


def _keys(texts: list[str]) -> dict[str, bytes]:
    try:
        publics = [seal_keys.read_key(text) for text in texts]
    except ValueError:
        raise KeyUnusable(field="key") from None
    return {seal_keys.key_id(public): public for public in publics}


def _since(since: str) -> tuple[int, tuple[Head, ...]]:
    if not since:
        return 0, ()
    if since.isascii() and since.isdigit() and len(since) < 19:
        return int(since), ()
    if not Path(since).is_file():
        raise SinceUnusable(field="since", since=since)
    found = seal_heads.read([Path(since)]).heads
    if not found:
        raise SinceUnusable(field="since", since=since)
    return found[-1].ordinal, found[-1:]


def _say_progress(done: int, total: int) -> None:
    if sys.stderr.isatty() or done == total:
        end = "\n" if done >= total else ""
        print(f"\r{done:,} / {total:,}", end=end, file=sys.stderr, flush=True)


def _say(report: Report) -> None:
    for finding in report.findings.named:
        say(verification_words.SENTENCES[finding.kind], **verification_words.values(finding))
    more = report.findings.counts.total() - len(report.findings.named)
    if more > 0:
        say(N_("And %(number)s more that are not named here; the first %(named)s are."), number=more, named=NAMED)
    say(
        N_("Verified: %(events)s events in %(seals)s seals, %(heads)s heads."),
        events=report.events,
        seals=report.seals,
        heads=report.heads,
    )
    if report.unsealed:
        say(
            N_("Not sealed yet: %(number)s events, the oldest written at %(at)s (UTC)."),
            number=report.unsealed,
            at=report.oldest_unsealed,
        )
    say(N_("The log is whole.") if report.whole else N_("The log is not whole."))


@app.command("seal", help=told(N_("Seal new entries now; the worker does it every minute.")))
def seal() -> None:
    """Until nothing is left that is settled."""
    with opened() as work:
        number = sum(iter(lambda: seals.seal(work.store, work.settings, clock.now), 0))
    say(N_("%(number)s events were sealed."), number=number)


@app.command("head", help=told(N_("Print the signed head, for paper, for mail or for a file.")))
def head(
    keep: Annotated[bool, typer.Option("--keep", help=told(N_("Add it to the folder of heads as well.")))] = False,
) -> None:
    """The line of JSON on standard output; the fingerprint to be read out on standard error."""
    with opened() as work:
        with work.store.reading() as session:
            newest = seals.newest_head(session, work.settings)
        show(newest.line())
        if keep:
            _say_kept(work)
    words = told(
        N_("Seal %(seal)s over %(events)s events; fingerprint %(fingerprint)s"),
        seal=newest.ordinal,
        events=newest.events,
        fingerprint=newest.fingerprint,
    )
    print(words, file=sys.stderr)


def _say_kept(work: Opened) -> None:
    path = seal_heads.export(work.store, work.settings, work.now)
    print(told(N_("Kept in %(path)s."), path=path), file=sys.stderr)


@app.command("key", help=told(N_("Print the public key that verifies the seals, and its name.")))
def key(
    new: Annotated[
        bool, typer.Option("--new", help=told(N_("Print a new secret seed instead, to replace the key with.")))
    ] = False,
) -> None:
    """Its name and the key; with ``--new`` a seed for DUIKOU_SEAL_KEY_FILE, and how to change over."""
    with opened() as work:
        present = seals.key_of(work.settings, work.store.vault)
    if not new:
        show(f"{present.id}\t{seal_keys.written(present.public)}")
        return
    seed = seal_keys.new_seed()
    show(seal_keys.written(seed))
    words = told(
        N_(
            "Set this as DUIKOU_SEAL_KEY for every process, and add the present public key %(old)s to "
            "DUIKOU_SEAL_OLD_KEYS. The new public key is %(new)s."
        ),
        old=seal_keys.written(present.public),
        new=seal_keys.written(seal_keys.SealKey(seed).public),
    )
    print(words, file=sys.stderr)


@app.command("export", help=told(N_("Write the sealed log to a zip that an auditor verifies without this product.")))
def export(
    file: Annotated[Path, typer.Argument(dir_okay=False, help=told(N_("The zip that is made; it must not exist.")))],
    programme: Annotated[int | None, typer.Option(min=1, help=told(N_("Only of this programme: its number.")))] = None,
    since: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help=told(N_("The first day, in Beijing time.")))
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help=told(N_("The last day, in Beijing time.")))
    ] = None,
) -> None:
    """The export is recorded in the log before it is written; a file that cannot be finished is removed."""
    scope = Scope(programme, since.date() if since else None, until.date() if until else None)
    with opened() as work:
        with work.store.reading() as session:
            wanted = seal_exports.prepare(session, work.settings, work.actor, scope, now=work.now)
        with work.store.transaction() as session:
            seal_exports.note(session, work.actor, wanted)
        _write(file, seal_exports.write(work.store, work.settings, wanted))
    say(N_("Written to %(path)s, up to seal %(seal)s."), path=file, seal=wanted.newest)


def _write(path: Path, pieces: Iterator[bytes]) -> None:
    try:
        with path.open("xb") as file:
            try:
                for piece in pieces:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                path.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise FileUnwritable(field="file", path=path, reason=error.strerror or type(error).__name__) from error
