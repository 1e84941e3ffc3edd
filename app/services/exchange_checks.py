"""Checking a received package before anything is taken in: is it whole, is it trusted, what would it change."""

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson
from sqlalchemy import select
from sqlmodel import Session, col

from app.adapters.storage import Storage, trouble
from app.database import Database
from app.errors import DomainError
from app.models import Direction, ExchangePackage, Programme
from app.papers.packages import (
    PART,
    Package,
    PackageFromOtherRelease,
    PackageLineRefused,
    PackageReferenceBroken,
    canonical,
)
from app.permissions import Actor, P
from app.rules import content
from app.rules.exchange import Standing
from app.services import exchange_nouns as nouns
from app.services import exchange_states as states
from app.services.exchange_applying import member_of
from app.services.exchange_merging import Judgement, Merge, parsed
from app.services.exchange_nouns import Noun
from app.settings import Settings

# Of rows that need no decision the first few are shown; their number is counted whole.
_EXAMPLES = 50
_MOST = 5000
_TITLES = ("heading", "title", "what", "named_as", "name", "code", "number")
_PLAN_KINDS = frozenset({content.DOCX.media_type, content.PDF.media_type, content.TEXT.media_type})


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of a package: what it is by its bytes, empty for what no upload would accept, and its size in bytes."""

    media_type: str
    size: int


@dataclass(slots=True)
class Difference:
    """A row that is not as here: both texts of the columns that differ, references as names."""

    noun: str
    identity: states.Identity
    local_id: int | None
    standing: Standing
    label: str = ""
    ours: dict[str, Any] | None = None
    theirs: dict[str, Any] | None = None
    ours_digest: str = ""
    blocked: str = ""


@dataclass(slots=True)
class Checked:
    """What a package would do: rows by noun and standing, and the differences to be shown."""

    programme_id: int | None
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    known: dict[str, Any] = field(default_factory=dict)

    def total(self, *standings: Standing) -> int:
        """How many rows there are of some standings."""
        return sum(found.get(standing, 0) for found in self.counts.values() for standing in standings)


def open_package(file: IO[bytes], settings: Settings, store: Database) -> Package:
    """The package in ``file`` if its key is trusted here; raises what ``Package`` raises."""
    with store.reading() as session:
        here = states.known_installation(session)
    trusted = {tuple(entry.split(":", 1)) for entry in settings.exchange_keys.replace(",", " ").split()}
    trusted.add((here or "", store.vault.exchange_key))
    limit = settings.exchange_limit_mb * 1024 * 1024
    return Package(file, lambda place, key: (place, key) in trusted, limit)


def files_of(package: Package, folder: Path, storage: Storage | None = None) -> dict[str, Kept]:
    """Every file of a package, proved and recognised; with ``storage`` they are stored too.

    Raises PackagePartDamaged, StorageFull or StorageUnavailable.
    """
    found = {}
    for entry in package.manifest.files:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, prefix="file-") as file:
                for chunk in package.chunks(entry.sha256):
                    file.write(chunk)
                file.flush()
                found[entry.sha256] = Kept(_kind(file), entry.bytes)
                if storage is not None:
                    storage.put(entry.sha256, Path(file.name))
        except OSError as error:
            raise trouble(error) from error
    return found


def _kind(file: IO[bytes]) -> str:
    try:
        return content.recognise(file).media_type  # type: ignore[arg-type]
    except DomainError:
        return ""


def refuse_wrong_file(judgement: Judgement, files: Mapping[str, Kept]) -> None:
    """Refuse a row whose file is missing, of another size, or not what it says it is.

    A plan's own document is what the reader of plans took, in any encoding.
    """
    values = judgement.values
    if judgement.gone or "sha256" not in values:
        return
    part, number = PART % judgement.noun.name, judgement.number
    file = files.get(values["sha256"])
    if file is None:
        raise PackageReferenceBroken(part=part, line=number)
    if "media_type" not in values:
        return
    document = values["subject_type"] == nouns.PROGRAMMES.name and values["media_type"] in _PLAN_KINDS
    if file.size != values["size"] or (file.media_type != values["media_type"] and not document):
        raise PackageLineRefused(part=part, line=number, place="media_type")


def programme_here(session: Session, package: Package, here: str) -> int | None:
    """The programme here that a package is about, or None where it never was here."""
    name = package.manifest.programme.id
    entry = states.of_identities(session, nouns.PROGRAMMES.name, [name]).get(name)
    if entry is not None:
        return entry.local_id
    place, uid = name
    if place != here or not uid.isdigit():
        return None
    # An own programme whose marks were lost with an older backup: by its number, if it is the same one.
    for raw in package.lines(nouns.PROGRAMMES.name):
        made_at = parsed(nouns.PROGRAMMES, raw, 1).made_at
        if made_at is not None and int(uid) < 2**31:
            statement = select(col(Programme.id)).where(
                col(Programme.id) == int(uid), col(Programme.created_at) == made_at
            )
            return session.connection().scalar(statement)
    return None


def check(
    session: Session,
    actor: Actor,
    package: Package,
    files: dict[str, Kept],
    *,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Checked:
    """What taking the package in would do; reads every line and changes nothing. Raises PackageRefused's kinds."""
    here = states.known_installation(session) or ""
    programme_id = programme_here(session, package, here)
    merge = Merge(session, actor, package, here, programme_id, lock=False)
    merge.inspect = lambda judgement: refuse_wrong_file(judgement, files)
    showing = _Showing(session, merge)
    total = sum(package.parts.values())
    done = 0
    _refuse_unknown(package)
    older = _is_older(session, package, programme_id)
    for noun in nouns.NOUNS:
        for judgement in merge.judgements(noun):
            showing.take(judgement)
            done += 1
            if done % states.CHUNK == 0:
                progress(done, total)
                session.expunge_all()
        if not older:
            showing.miss(noun)
    _read_the_rest(package)
    progress(total, total)
    counts = {noun: dict(found) for noun, found in merge.counts.items() if found}
    known = known_document(session, actor, package) if programme_id is None else None
    found = Checked(programme_id, counts, showing.differences, _notes(session, package, older=older))
    if known is not None:
        found.notes.append("document_known")
        found.known = {"programme_id": known.id, "title": known.title}
    return found


def _refuse_unknown(package: Package) -> None:
    known = {*nouns.BY_NAME, nouns.MEMBERS, nouns.EVENTS}
    unknown = sorted(set(package.parts) - known)
    if unknown:
        raise PackageFromOtherRelease(release=package.manifest.release, what=unknown[0])
    if package.parts.get(nouns.PROGRAMMES.name) != 1:
        raise PackageLineRefused(part=PART % nouns.PROGRAMMES.name, line=1, place="id")


def _read_the_rest(package: Package) -> None:
    """Prove the parts that are not rows of their own: members of groups, and the evidence."""
    for number, raw in enumerate(package.lines(nouns.MEMBERS) if nouns.MEMBERS in package.parts else (), 1):
        member_of(raw, number)
    for number, raw in enumerate(package.lines(nouns.EVENTS) if nouns.EVENTS in package.parts else (), 1):
        try:
            whole = orjson.loads(raw)
        except ValueError as error:
            raise PackageLineRefused(part=PART % nouns.EVENTS, line=number, place="json") from error
        if not isinstance(whole, dict):
            raise PackageLineRefused(part=PART % nouns.EVENTS, line=number, place="json")


def _received(package: Package) -> Any:
    manifest = package.manifest
    return select(ExchangePackage).where(
        col(ExchangePackage.direction) == Direction.RECEIVED,
        col(ExchangePackage.installation) == manifest.installation,
    )


def _is_older(session: Session, package: Package, programme_id: int | None) -> bool:
    """Whether a newer package of the sender was taken in already: then nothing is missing in this one."""
    statement = _received(package).where(
        col(ExchangePackage.programme_id) == programme_id,
        col(ExchangePackage.number) > package.manifest.number,
        col(ExchangePackage.settled_at).is_not(None),
    )
    return session.connection().execute(statement).first() is not None


def _notes(session: Session, package: Package, *, older: bool) -> list[str]:
    notes = ["older"] if older else []
    same_number = _received(package).where(col(ExchangePackage.number) == package.manifest.number)
    digests = {row.sha256 for row in session.connection().execute(same_number)}
    if len(digests) > 1:
        notes.append("number_twice")
    return notes


def known_document(session: Session, actor: Actor, package: Package) -> Any:
    """A visible programme of the same issuer and number, which a first import would stand beside; or None."""
    head = package.manifest.programme
    if not head.document_number:
        return None
    statement = select(col(Programme.id), col(Programme.title)).where(
        col(Programme.document_number) == head.document_number, col(Programme.issuer) == head.issuer
    )
    if not actor.is_system:
        statement = statement.where(col(Programme.id).in_(actor.programmes_with(P.PROGRAMME_READ)))
    return session.connection().execute(statement.order_by(col(Programme.id))).first()


class _Showing:
    """Turns judgements into differences that a person can read, and tells the pass what each row would be."""

    def __init__(self, session: Session, merge: Merge) -> None:
        self.session = session
        self.merge = merge
        self.differences: list[Difference] = []
        self._shown: Counter[tuple[str, Standing]] = Counter()
        self._labels: dict[Any, str] = {}

    def take(self, judgement: Judgement) -> None:
        """Count a row's place for those that refer to it, and keep it where it is to be shown."""
        noun, standing = judgement.noun, judgement.standing
        place: Any = judgement.row.id if judgement.row is not None else None
        if standing is Standing.NEW:
            place = ":".join(judgement.identities[0])
        if place is not None and not judgement.gone:
            self._labels[(noun.name, place)] = self._label(noun, judgement.values)
        self.merge.settle(judgement, place, taken=standing in (Standing.NEW, Standing.THEIRS))
        if standing is Standing.SAME or not self._wanted(noun, standing):
            return
        ours = None if judgement.row is None else nouns.values(noun, judgement.row)
        theirs = None if judgement.gone else judgement.values
        differing = [
            name for name in nouns.columns(noun) if ours is None or theirs is None or ours[name] != theirs[name]
        ]
        self.differences.append(
            Difference(
                noun.name,
                judgement.identities[0],
                judgement.row.id if judgement.row is not None else None,
                standing,
                self._label(noun, theirs or ours or {}),
                self._read(noun, ours, differing),
                self._read(noun, theirs, differing),
                judgement.ours.digest if judgement.ours else "",
                judgement.blocked,
            )
        )

    def miss(self, noun: Noun) -> None:
        """Show what the sender had once and does not send any more."""
        model: Any = noun.model
        for entry in self.merge.missing(noun):
            self.merge.counts[noun.name][Standing.MISSING] += 1
            row = self.session.get(model, entry.local_id)
            if row is not None and self._wanted(noun, Standing.MISSING):
                values = nouns.values(noun, row)
                name = states.names_of(self.session, [entry.entry_id])[entry.entry_id][0]
                self.differences.append(
                    Difference(noun.name, name, entry.local_id, Standing.MISSING, self._label(noun, values))
                )

    def _wanted(self, noun: Noun, standing: Standing) -> bool:
        key = (noun.name, standing)
        self._shown[key] += 1
        return self._shown[key] <= (_MOST if standing in (Standing.CONFLICT, Standing.GONE) else _EXAMPLES)

    def _label(self, noun: Noun, values: dict[str, Any]) -> str:
        for name in _TITLES:
            if values.get(name):
                return str(values[name])[:300]
        for column, target in nouns.references(noun).items():
            if target and values.get(column) is not None:
                return self._name(target, values[column])
        return str(values.get("data", {}).get("heading", ""))[:300]

    def _name(self, noun: str, place: Any) -> str:
        key = (noun, place)
        if key not in self._labels and isinstance(place, int):
            row = self.session.get(nouns.BY_NAME[noun].model, place)
            self._labels[key] = self._label(nouns.BY_NAME[noun], nouns.values(nouns.BY_NAME[noun], row)) if row else ""
        return self._labels.get(key, "")

    def _read(self, noun: Noun, values: dict[str, Any] | None, columns: list[str]) -> dict[str, Any] | None:
        if values is None:
            return None
        shown: dict[str, Any] = {}
        references = nouns.references(noun)
        for column in columns:
            value = values[column]
            if column in references and value is not None:
                shown[column] = self._name(references[column] or values["subject_type"], value)
            else:
                shown[column] = value
        found: dict[str, Any] = orjson.loads(canonical(shown))
        return found
